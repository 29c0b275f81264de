//! The composition root: the only place that names all parts of the platform. It puts them together, serves until it is
//! told to stop, and takes them apart in order.

mod builder;
mod docs;
mod listen;
mod parts;
mod run;
mod sweep;
mod tls;

pub use builder::{Builder, Manager};
pub use parts::{Mode, ModeParts, Parts};
pub use run::{Ended, Started};
