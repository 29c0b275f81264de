//! The REST interface: the table of routes, what every request goes through, and one file a resource.

mod body;
mod call;
mod change;
mod dispatch;
mod fault;
mod metrics;
mod openapi;
mod params;
mod resources;
mod route;
mod state;
mod upload;

pub(crate) use dispatch::configure;
pub(crate) use metrics::Metrics;
pub use resources::{RouteInfo, route_infos};
pub(crate) use state::AppState;
