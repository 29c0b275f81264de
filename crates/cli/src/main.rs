//! The binary `ingest`: parses the command line, carries the command out, exits with its code.

use std::process::ExitCode;

use clap::Parser;
use cli::args::Cli;
use cli::commands::{self, Context};
use cli::connect::Sources;
use cli::output::Output;

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    let context = Context::new(
        Sources::of_process(&global),
        Output::of_process(global.output),
    );
    let exit = match commands::run(&context, command).await {
        Ok(exit) => exit,
        Err(error) => {
            let error = context.explain(error);
            let exit = error.exit();
            if exit != cli::exit::Exit::Ok {
                context.out.error(&error);
            }
            exit
        }
    };
    ExitCode::from(exit.code())
}
