//! The commands: one file a resource. Each calls the API and shows the answer.

mod client;
mod context;
pub mod coredms;
mod infer;
mod job;
mod logstash;
mod preview;
mod render;
mod run;
mod search;
mod stage;
mod system;
mod test;
mod token;

use clap::CommandFactory;

use crate::args::{Call, Cli};
use crate::error::CliError;
use crate::exit::Exit;

pub use context::Context;

/// Carries out a command that is a call of the API, or that needs nobody.
pub async fn run(context: &Context, call: Call) -> Result<Exit, CliError> {
    match call {
        Call::Status => system::status(context).await,
        Call::Client(command) => client::run(context, command).await,
        Call::Token(command) => token::run(context, command).await,
        Call::Invitation(command) => token::invitation(context, command).await,
        Call::Job(command) => job::run(context, command).await,
        Call::Stage(command) => stage::run(context, command).await,
        Call::Run(command) => run::run(context, command).await,
        Call::Search(arguments) => search::run(context, arguments).await,
        Call::Audit(page) => system::audit(context, &page).await,
        Call::Plans => system::plans(context).await,
        Call::Openapi => system::openapi(context).await,
        Call::Config => {
            context.out.text(&manager::config::Config::default_toml())?;
            Ok(Exit::Ok)
        }
        Call::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "ingest", &mut script);
            context.out.text(&String::from_utf8_lossy(&script))?;
            Ok(Exit::Ok)
        }
    }
}
