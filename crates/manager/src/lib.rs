//! The manager: configuration, home, REST, auth, telemetry, console, and the composition root that puts the platform
//! together ([`Manager`]).

mod auth;
pub mod config;
mod conflicts;
mod dms;
mod error;
mod home;
mod http;
mod ids;
mod index;
mod preview;
mod program;
mod serve;
mod signals;
pub mod telemetry;

pub use error::StartError;
pub use home::{HomePaths, ManagerAddress, make_private_dir, write_private};
pub use http::{RouteInfo, route_infos};
pub use program::Program;
pub use serve::{Builder, Ended, Manager, Mode, ModeParts, Parts, Started};
pub use signals::stop_on_signals;
