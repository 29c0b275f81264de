//! The core DMS's health, asked once an interval for all runs together.

use std::sync::Arc;
use std::time::Duration;

use domain::monitor::DmsHealth;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::shared::Shared;

/// Longest wait for an answer before the core DMS counts as unreachable.
const PATIENCE: Duration = Duration::from_secs(5);

/// The newest answer; none before the first.
pub(crate) struct HealthCell(watch::Sender<Option<DmsHealth>>);

impl Default for HealthCell {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl HealthCell {
    /// The newest answer; waits for the first, but no longer than [`PATIENCE`].
    pub(crate) async fn get(&self) -> DmsHealth {
        let mut answers = self.0.subscribe();
        let known = answers
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|answer| *answer);
        known.unwrap_or(DmsHealth::Unreachable)
    }
}

/// Asks again and again, for ever.
pub(crate) async fn keep_asking(shared: Arc<Shared>) {
    loop {
        let health = timeout(PATIENCE, shared.dms.health())
            .await
            .unwrap_or(DmsHealth::Unreachable);
        let before = shared.health.0.send_replace(Some(health));
        if before != Some(health) {
            tracing::info!(?before, now = ?health, "core DMS health changed");
        }
        tokio::time::sleep(shared.settings.sample_interval.duration()).await;
    }
}
