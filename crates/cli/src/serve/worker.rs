//! A worker of one run: `ingest worker`, started by the manager. What it is told is the engine's own affair.

use std::ffi::OsString;
use std::process::ExitCode;

/// Works; to be called outside of any runtime, as the worker makes its own.
pub fn worker(arguments: Vec<OsString>) -> ExitCode {
    let name = OsString::from("ingest worker");
    worker::main([name].into_iter().chain(arguments))
}
