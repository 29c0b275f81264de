//! Logstash's face as a program of its own.

fn main() -> std::process::ExitCode {
    logstash::main(std::env::args_os())
}
