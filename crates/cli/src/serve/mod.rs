//! The platform itself and its parts, all from this one binary: `ingest up`, and the hidden commands with which the
//! manager starts its worker and its embedded core DMS.

mod coredms;
mod up;
mod worker;

pub use coredms::core_dms;
pub use up::up;
pub use worker::worker;
