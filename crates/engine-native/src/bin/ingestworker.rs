//! A worker as a program of its own.

fn main() -> std::process::ExitCode {
    engine_native::worker::main(std::env::args_os())
}
