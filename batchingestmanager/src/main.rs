//! The batch manager as a daemon of its own, for those who run it apart from `ingest up`. It starts `ingestworker`, and
//! `coredms` where the core DMS is embedded, from its own folder.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use batchingestmanager::BatchMode;
use clap::Parser;
use manager::config::{Config, Layers};
use manager::{Ended, HomePaths, Manager, StartError, Started, stop_on_signals, telemetry};

/// The batch manager. Flags go before `INGEST_*` variables, those before the home's `config.toml`; `ingest config` lists
/// every setting.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where everything is kept
    #[arg(long, env = "INGEST_HOME", value_name = "DIR")]
    home: PathBuf,
    /// Any setting by its key
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE, for example listen=127.0.0.1:8640".into()),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match serve(Arguments::parse()).await {
        Ok(ended) => {
            if !ended.stragglers.is_empty() {
                eprintln!(
                    "not at rest within the grace period: {}",
                    ended.stragglers.join(", ")
                );
            }
            ended.exit_code()
        }
        Err(error) => {
            eprintln!("error[{}]: {error}", error.code());
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<Ended, StartError> {
    let home = HomePaths::new(arguments.home);
    let config = Config::load(&home.config(), &Layers::of_process(arguments.settings))?;
    telemetry::init(&config.log)?;
    Manager::builder(home, config, Arc::new(BatchMode))
        .stop(stop_on_signals()?)
        .on_ready(tell)
        .serve()
        .await
}

fn tell(started: &Started) {
    eprintln!("ready: {}", started.url);
    if let Some(token) = &started.admin_token {
        eprintln!("admin token, shown this once: {token}");
    }
}
