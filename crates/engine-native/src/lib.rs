//! The data plane: staged files in, documents in the core DMS out, every record accounted for.
//!
//! ```text
//! source → reader ──batches──▶ wranglers ──bulk bodies──▶ sink ──outcomes──▶ book → checkpoint
//! ```
//!
//! Reading takes what a batch will need from a [`budget`], and gets it back when the batch stands in the [`book`]; so
//! memory is bounded, whatever the files are. Outcomes are entered in the order of reading, so progress is one point.

mod audit;
mod batch;
mod book;
mod budget;
mod checkpoint;
pub mod control;
pub mod decode;
mod files;
mod launcher;
mod limits;
pub mod lookup;
mod meter;
mod pass;
mod pool;
pub mod preview;
mod rate;
mod reader;
pub mod records;
mod rejects;
mod sink;
mod source;
pub mod worker;
mod wrangle;

use domain::error::{Culprit, Failure};

pub use files::{read_json, read_log, write_json};
pub use launcher::Launcher;

/// The failure of a worker that does what it should not be able to do.
fn worker_defect(what: &str) -> Failure {
    let next_step =
        "it is started again from its checkpoint; report this with the run's log if it comes again";
    Failure::transient(
        "worker_defect",
        Culprit::Platform,
        format!("a defect of the worker: {what}"),
        next_step,
    )
}
