//! The binary `ingest`: parses the command line, carries the command out, exits with its code.

use std::process::ExitCode;

use clap::Parser;
use cli::args::{Cli, Command};
use cli::commands::{self, Context};
use cli::connect::Sources;
use cli::error::CliError;
use cli::exit::Exit;
use cli::output::Output;
use cli::serve;

fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    let context = Context::new(
        Sources::of_process(&global),
        Output::of_process(global.output),
    );
    let done = match command {
        // the worker makes a runtime of its own
        Command::Worker { arguments } => return serve::worker(arguments),
        Command::Up(arguments) => wait(serve::up(&context, &arguments)),
        Command::CoreDms(command) => wait(commands::coredms::run(&context, command)),
        Command::Call(call) => wait(commands::run(&context, *call)),
    };
    let exit = done.unwrap_or_else(|error| failed(&context, error));
    ExitCode::from(exit.code())
}

#[tokio::main]
async fn wait(command: impl Future<Output = Result<Exit, CliError>>) -> Result<Exit, CliError> {
    command.await
}

/// Says why, unless nobody reads any more.
fn failed(context: &Context, error: CliError) -> Exit {
    let error = context.explain(error);
    let exit = error.exit();
    if exit != Exit::Ok {
        context.out.error(&error);
    }
    exit
}
