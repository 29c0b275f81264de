//! What the tests and benchmarks of the other crates share: real services, temporary homes, waiting, faults between
//! two processes, and a sink that only counts. Never part of the product.

pub mod certificates;
pub mod home;
mod http;
pub mod nullsink;
pub mod proxy;
pub mod seed;
pub mod services;
pub mod wait;

pub use certificates::Certificates;
pub use home::{TempHome, binary, free_port};
pub use proxy::{Fault, FaultProxy};
pub use seed::seed;
pub use wait::{wait_until, wait_until_blocking};
