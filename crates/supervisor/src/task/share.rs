//! A run's share of its client's rates, told to the worker by a file in the run folder.

use std::io::ErrorKind;
use std::time::Duration;

use domain::ports::RunContext;
use domain::run::Run;
use domain::worker::{RunFolder, Share};
use tokio::time::Instant;

use super::Task;
use crate::folder::{blocking, write_json};

/// Runs begin and end: so often the shares of the others are looked at.
const EVERY: Duration = Duration::from_secs(1);

impl Task {
    /// Tells the worker its share, if it is another one. What fails is tried again; the worker goes on by the one before.
    pub(super) async fn share(&mut self, context: &RunContext) {
        let now = Instant::now();
        if self.watching.shared.is_some_and(|at| now - at < EVERY) {
            return;
        }
        self.watching.shared = Some(now);
        if let Err(why) = self.tell_share(&context.run, &context.folder).await {
            tracing::warn!(run = %self.id, why, "the run's share of its client's rates could not be told");
        }
    }

    async fn tell_share(&mut self, run: &Run, folder: &RunFolder) -> Result<(), String> {
        let client = self.shared.metadata.client(&run.client).await;
        let share = client
            .map_err(|error| error.to_string())?
            .map(|client| client.value.share())
            .unwrap_or_default();
        if self.watching.share == Some(share) {
            return Ok(());
        }
        let path = folder.share();
        let told = blocking(move || match share == Share::default() {
            false => write_json(&path, &share),
            true => match std::fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            },
        });
        told.await.map_err(|error| error.to_string())?;
        self.watching.share = Some(share);
        Ok(())
    }
}
