//! What the supervisor's tasks share: the ports, the settings, the clock, the listeners.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::EpochMs;
use domain::ids::RunId;
use domain::ports::{CoreDms, Engine, Intake};
use domain::run::{Event, Illegal, Run, next};
use domain::store::{Metadata, StoreError, Versioned};
use tokio::sync::Notify;

use crate::Settings;
use crate::events::{Hub, RunEvent};
use crate::health::HealthCell;
use crate::queue::Passes;

/// Tells the time, in milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> EpochMs + Send + Sync>;

/// What a supervisor is made of.
#[derive(Clone)]
pub struct Parts {
    /// The metadata store.
    pub metadata: Metadata,
    /// Where records come from.
    pub intake: Arc<dyn Intake>,
    /// What runs the pipelines.
    pub engine: Arc<dyn Engine>,
    /// Where documents go.
    pub dms: Arc<dyn CoreDms>,
    /// The folder that holds all run folders.
    pub clientapps: PathBuf,
    /// The wall clock.
    pub clock: Clock,
    /// How often, how long.
    pub settings: Settings,
}

/// Why a run could not be moved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotMoved {
    /// The event is none for the state that the run is in.
    #[error(transparent)]
    Illegal(#[from] Illegal),
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// See the module.
pub(crate) struct Shared {
    pub(crate) metadata: Metadata,
    pub(crate) intake: Arc<dyn Intake>,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) dms: Arc<dyn CoreDms>,
    pub(crate) clientapps: PathBuf,
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
    pub(crate) hub: Hub,
    pub(crate) health: HealthCell,
    /// Rung to have the store scanned at once.
    pub(crate) scan: Notify,
    /// Whose turn it was.
    pub(crate) passes: Mutex<Passes>,
    bells: Mutex<HashMap<RunId, Arc<Notify>>>,
}

impl Shared {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            metadata,
            intake,
            engine,
            dms,
            clientapps,
            clock,
            settings,
        } = parts;
        Self {
            metadata,
            intake,
            engine,
            dms,
            clientapps,
            clock,
            settings,
            hub: Hub::default(),
            health: HealthCell::default(),
            scan: Notify::new(),
            passes: Mutex::default(),
            bells: Mutex::default(),
        }
    }

    /// What time it is.
    pub(crate) fn now_ms(&self) -> EpochMs {
        (self.clock)()
    }

    fn bells(&self) -> MutexGuard<'_, HashMap<RunId, Arc<Notify>>> {
        self.bells.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the task of a run waits on, besides time.
    pub(crate) fn bell(&self, run: &RunId) -> Arc<Notify> {
        self.bells().entry(run.clone()).or_default().clone()
    }

    /// Has a run looked at now.
    pub(crate) fn ring(&self, run: &RunId) {
        match self.bells().get(run) {
            Some(bell) => bell.notify_one(),
            None => self.scan.notify_one(),
        }
    }

    /// The run's task is gone.
    pub(crate) fn forget(&self, run: &RunId) {
        self.bells().remove(run);
    }

    /// Moves a run by an event: stores what follows from it, then tells who listens.
    pub(crate) async fn advance(
        &self,
        run: &Versioned<Run>,
        event: Event,
    ) -> Result<Versioned<Run>, NotMoved> {
        let after = next(&run.value, event, self.now_ms(), &self.settings.policy)?;
        self.keep(run, after).await.map_err(NotMoved::Store)
    }

    /// Stores a changed run, then tells who listens of its new steps and of what holds it up.
    pub(crate) async fn keep(
        &self,
        before: &Versioned<Run>,
        after: Run,
    ) -> Result<Versioned<Run>, StoreError> {
        let moved = after.history.last() != before.value.history.last();
        let held =
            (&after.stalled, &after.waiting) != (&before.value.stalled, &before.value.waiting);
        let stored = self
            .metadata
            .update(
                Versioned {
                    value: after,
                    version: before.version,
                },
                None,
            )
            .await?;
        if let Some(step) = stored.value.history.last().filter(|_| moved) {
            tracing::info!(run = %stored.value.id, state = %step.to, event = step.event, "run moved");
            self.hub
                .publish(&stored.value.id, RunEvent::State(step.clone()));
        } else if held {
            self.hub.publish(&stored.value.id, RunEvent::Held);
        }
        if stored.value.state.is_final() {
            self.hub.close(&stored.value.id);
        }
        Ok(stored)
    }
}
