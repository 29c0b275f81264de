//! Signals that stop a manager.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit status of a process that was told twice to stop.
const IMPATIENT: i32 = 130;

/// A token that the first SIGTERM or SIGINT cancels. The second one ends the process at once: nothing is lost by it that
/// a kill would not lose, and workers go on.
pub fn stop_on_signals() -> io::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if told.is_cancelled() {
                std::process::exit(IMPATIENT);
            }
            tracing::info!("stopping; once more stops at once");
            told.cancel();
        }
    });
    Ok(stop)
}
