//! `ingest up`: the managers in one process, their parts started from this binary.

use std::sync::Arc;

use batchingestmanager::BatchMode;
use manager::config::{Config, Layers};
use manager::{HomePaths, Manager, Program, StartError, Started, stop_on_signals, telemetry};

use crate::args::UpArgs;
use crate::commands::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::{Output, Tone};

/// Serves until it is told to stop.
pub async fn up(context: &Context, arguments: &UpArgs) -> Result<Exit, CliError> {
    let home = context
        .sources
        .home
        .clone()
        .ok_or_else(|| CliError::Usage {
            message: "there is no home directory (HOME) in which the platform could live".into(),
            next_step: "name a folder by --home or INGEST_HOME".into(),
        })?;
    serve(HomePaths::new(home), arguments, &context.out)
        .await
        .map_err(|error| CliError::Serve {
            code: error.code().to_owned(),
            message: error.to_string(),
        })?
}

async fn serve(
    home: HomePaths,
    arguments: &UpArgs,
    out: &Output,
) -> Result<Result<Exit, CliError>, StartError> {
    let config = Config::load(&home.config(), &Layers::of_process(arguments.settings()))?;
    telemetry::init(&config.log)?;
    let (teller, place) = (out.clone(), home.clone());
    let ended = Manager::builder(home, config, Arc::new(BatchMode))
        .worker(Program::this(&["worker"])?)
        .coredms(Program::this(&["coredms", "serve"])?)
        .stop(stop_on_signals()?)
        .on_ready(move |started| tell(started, &place, &teller))
        .serve()
        .await?;
    if ended.stragglers.is_empty() {
        return Ok(Ok(Exit::Ok));
    }
    let message = format!(
        "stopped, but not at rest within the grace period: {}; nothing is lost, it is taken up at the next start",
        ended.stragglers.join(", ")
    );
    Ok(Err(CliError::Serve {
        code: "stragglers".into(),
        message,
    }))
}

/// Says that requests are taken, and where.
fn tell(started: &Started, home: &HomePaths, out: &Output) {
    let mut text = format!(
        "ready: {}  (console at /, the API for people at /docs/; home {})",
        out.view.paint(Tone::Strong, &started.url),
        home.root().display()
    );
    if let Some(token) = &started.admin_token {
        text += &format!(
            "\nadmin token, shown this once: {}",
            out.view.paint(Tone::Strong, token)
        );
        if home.admin_token().is_file() {
            text += &format!("\nit is also in {}", home.admin_token().display());
        }
    }
    text += "\nbegin in another terminal with: ";
    if crate::connect::default_home().is_none_or(|default| default != home.root()) {
        text += &format!("INGEST_HOME={} ", home.root().display());
    }
    text += "ingest client register demo --name Demo";
    if let Err(error) = out.text(&text) {
        // the platform serves whether or not anybody reads this
        out.error(&error);
    }
}
