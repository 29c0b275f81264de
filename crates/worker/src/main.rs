//! A worker as a program of its own; `ingestworker logstash …` runs a Logstash pipeline instead.

fn main() -> std::process::ExitCode {
    let mut arguments = std::env::args_os().peekable();
    let program = arguments.next();
    if arguments.peek().is_some_and(|first| first == "logstash") {
        return logstash::main(arguments);
    }
    worker::main(program.into_iter().chain(arguments))
}
