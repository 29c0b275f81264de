//! The manager's own log: for people on a terminal, one JSON object a line otherwise.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// What is always quieter than the rest: libraries that tell every packet.
const QUIET: &str =
    "h2=warn,hyper=warn,reqwest=warn,mio=warn,actix_server=warn,rustls=warn,mongodb=warn";

/// Begins to log to standard error. `level` is a level (`info`) or a filter in tracing's notation (`info,manager=debug`).
pub fn init(level: &str) -> Result<(), io::Error> {
    let filter = EnvFilter::try_new(format!("{QUIET},{level}")).map_err(io::Error::other)?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    let begun = if io::stderr().is_terminal() {
        log.try_init()
    } else {
        log.json().flatten_event(true).try_init()
    };
    begun.map_err(io::Error::other)
}

/// Whether `level` can be given to [`init`].
pub(crate) fn check(level: &str) -> Result<(), String> {
    EnvFilter::try_new(level)
        .map(drop)
        .map_err(|e| format!("{level:?} is no log level or filter: {e}"))
}
