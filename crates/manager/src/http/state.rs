//! What all requests share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use domain::EpochMs;
use domain::ids::{ClientId, JobRef};
use domain::plan::Plan;
use domain::ports::CoreDms;
use domain::provisions::Provisions;
use domain::run::Run;
use domain::staging::StagingArea;
use domain::store::Metadata;
use domain::worker::RunFolder;
use supervisor::{Clock, Supervisor};
use tokio_util::sync::CancellationToken;

use super::Metrics;
use crate::config::Registration;
use crate::preview::Previews;

/// What all requests share.
pub(crate) struct AppState {
    /// The metadata store.
    pub metadata: Metadata,
    /// Where files wait.
    pub staging: Arc<dyn StagingArea>,
    /// Who makes runs happen.
    pub supervisor: Supervisor,
    /// Where documents go.
    pub dms: Arc<dyn CoreDms>,
    /// The wall clock.
    pub clock: Clock,
    /// The folder that holds all run folders.
    pub clientapps: PathBuf,
    /// The folder that holds all staging directories.
    pub staging_root: PathBuf,
    /// Who may register.
    pub registration: Registration,
    /// The operator's plans.
    pub plans: BTreeMap<String, Plan>,
    /// What pipelines may use.
    pub provisions: Provisions,
    /// Where previews are made.
    pub previews: Previews,
    /// What is counted.
    pub metrics: Metrics,
    /// Told when the manager stops: streams end then.
    pub stop: CancellationToken,
}

impl AppState {
    /// What time it is.
    pub(crate) fn now_ms(&self) -> EpochMs {
        (self.clock)()
    }

    /// A run's folder.
    pub(crate) fn folder(&self, run: &Run) -> RunFolder {
        RunFolder::of(&self.clientapps, &run.client, &run.job, &run.id)
    }

    /// The folder of all runs of a job.
    pub(crate) fn job_folder(&self, job: &JobRef) -> PathBuf {
        self.client_folder(&job.client).join(job.job.as_str())
    }

    /// The folder of all jobs of a client.
    pub(crate) fn client_folder(&self, client: &ClientId) -> PathBuf {
        self.clientapps.join(client.as_str())
    }
}
