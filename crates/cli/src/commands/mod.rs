//! The commands: one file a resource. Each calls the API and shows the answer.

mod client;
mod context;
mod job;
mod run;
mod search;
mod stage;
mod system;
mod token;

use clap::CommandFactory;

use crate::args::{Cli, Command};
use crate::error::CliError;
use crate::exit::Exit;

pub use context::Context;

/// Carries out a command that is a call of the API, or that needs nobody.
pub async fn run(context: &Context, command: Command) -> Result<Exit, CliError> {
    match command {
        Command::Status => system::status(context).await,
        Command::Client(command) => client::run(context, command).await,
        Command::Token(command) => token::run(context, command).await,
        Command::Invitation(command) => token::invitation(context, command).await,
        Command::Job(command) => job::run(context, command).await,
        Command::Stage(command) => stage::run(context, command).await,
        Command::Run(command) => run::run(context, command).await,
        Command::Search(arguments) => search::run(context, arguments).await,
        Command::Audit(page) => system::audit(context, &page).await,
        Command::Plans => system::plans(context).await,
        Command::Openapi => system::openapi(context).await,
        Command::Config => {
            context.out.text(&manager::config::Config::default_toml())?;
            Ok(Exit::Ok)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "ingest", &mut script);
            context.out.text(&String::from_utf8_lossy(&script))?;
            Ok(Exit::Ok)
        }
        Command::Up(arguments) => crate::serve::up(context, &arguments).await,
        Command::CoreDms(arguments) => crate::serve::core_dms(arguments).await,
    }
}
