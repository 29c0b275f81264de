//! The native engine: the data plane (staged files in, documents in the core DMS out, every record accounted for), and
//! the launcher through which the supervisor starts, watches and ends it.
//!
//! ```text
//! reader ──batches──▶ wranglers (threads) ──bulk bodies──▶ sink (async) ──outcomes──▶ book ──▶ checkpoint
//!    ▲                                                                                  │
//!    └────────────────────────────── budget of bytes under way ◀────────────────────────┘
//! ```
//!
//! A batch of whole records is the unit of everything: one block of raw bytes, one bulk request, one entry in the book.
//! Outcomes are entered in the order of reading, so progress is one point in that order (see [`mod@checkpoint`]).

mod audit;
mod batch;
mod book;
mod budget;
mod checkpoint;
mod control;
mod decode;
mod files;
pub mod launcher;
mod limits;
mod live;
mod meter;
mod monitor;
mod pool;
mod reader;
mod rejects;
mod sink;
mod source;
pub mod worker;
mod wrangle;

use domain::error::{Culprit, Failure};

pub use launcher::Launcher;

/// A failure that is a defect of the worker itself; starting it again may help.
fn worker_defect(message: &str) -> Failure {
    let next_step = "the worker is started again; if it comes back, report it with the run folder's worker.log";
    Failure::transient("worker_defect", Culprit::Platform, message, next_step)
}
