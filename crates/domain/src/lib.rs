//! The platform's domain: what a client, a job, a run and its ledger are, the rules that bind them, and the ports
//! through which the rest of the platform is reached.
//!
//! Pure: no tokio, no I/O, no clock. Time, chance and policy are arguments; adapters implement the traits of [`ports`].

pub mod audit;
pub mod client;
pub mod delivery;
pub mod error;
pub mod export;
pub mod file;
pub mod finding;
pub mod ids;
pub mod import;
pub mod index;
pub mod job;
pub mod ledger;
pub mod monitor;
pub mod plan;
pub mod ports;
pub mod preview;
pub mod provisions;
pub mod reject;
pub mod replay;
pub mod report;
pub mod run;
pub mod spec;
pub mod staging;
pub mod start_key;
pub mod store;
pub mod token;
pub mod trigger;
pub mod units;
pub mod usage;
pub mod worker;

pub use wrangling::violation::Violation;

/// Milliseconds since the Unix epoch, UTC.
pub type EpochMs = i64;
