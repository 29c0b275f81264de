//! The process of a run: moves the records itself (`engine: native`), or has Filebeat and Logstash do it
//! (`engine: elastic`).

use std::ffi::OsString;
use std::process::ExitCode;

use engine_elastic::conductor::Conductor;

/// The process's entry, outside of any runtime: `args` begins with the program's name. What follows is between the engines'
/// launcher and the worker.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    engine_native::worker::main(args, &Conductor::default())
}
