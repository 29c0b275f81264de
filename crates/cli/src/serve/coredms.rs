//! The embedded core DMS as a process of its own: `ingest coredms serve`, started by the manager.

use std::path::Path;

use coredms::server::{ServerError, ServerOptions};
use manager::{stop_on_signals, telemetry};

use crate::args::CoreDmsArgs;
use crate::error::CliError;
use crate::exit::Exit;

/// What is logged: its own doings, not every segment's.
const LOG: &str = "info,tantivy=warn";

/// Serves a directory until it is told to stop.
pub async fn core_dms(arguments: CoreDmsArgs) -> Result<Exit, CliError> {
    let CoreDmsArgs {
        data,
        listen,
        api_key_file,
    } = arguments;
    let api_key = api_key_file.as_deref().map(read_key).transpose()?;
    telemetry::init(LOG)?;
    let stop = stop_on_signals()?;
    let options = ServerOptions {
        data,
        listen,
        api_key,
    };
    coredms::server::run(options, stop.cancelled_owned())
        .await
        .map_err(|error| CliError::Serve {
            code: code(&error).into(),
            message: error.to_string(),
        })?;
    Ok(Exit::Ok)
}

fn read_key(path: &Path) -> Result<String, CliError> {
    let text = std::fs::read_to_string(path).map_err(|source| CliError::File {
        path: path.to_owned(),
        source,
    })?;
    match text.trim() {
        "" => Err(CliError::Usage {
            message: format!("{} holds no key", path.display()),
            next_step: "a server that asks for a key needs one".into(),
        }),
        key => Ok(key.to_owned()),
    }
}

fn code(error: &ServerError) -> &'static str {
    match error {
        ServerError::Locked(_) => "data_locked",
        ServerError::Directory { .. } => "data_not_writable",
        ServerError::Data { .. } => "data_unreadable",
        ServerError::Listen { .. } => "cannot_listen",
        ServerError::Ended(_) => "ended",
    }
}
