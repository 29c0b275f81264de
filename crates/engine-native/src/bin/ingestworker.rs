//! `ingestworker`: the worker as a program of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    engine_native::worker::main(std::env::args_os())
}
