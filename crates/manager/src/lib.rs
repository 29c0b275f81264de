//! The manager: configuration, home, REST, auth, telemetry, console, and the composition root that puts the platform
//! together ([`Manager`]).

mod auth;
pub mod config;
mod error;
mod home;
mod http;
mod ids;
mod index;
pub mod telemetry;

pub use error::StartError;
pub use home::{HomePaths, ManagerAddress};
pub use http::{RouteInfo, route_infos};
