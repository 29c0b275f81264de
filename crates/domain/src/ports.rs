//! The ports besides the metadata store: what a mode, an engine and the core DMS must do for the supervisor.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::EpochMs;
use crate::error::Failure;
use crate::file::{FileRecord, ManifestFile, Progress};
use crate::ids::{FileKey, JobRef};
use crate::index::Index;
use crate::monitor::DmsHealth;
use crate::plan::Plan;
use crate::run::{Outcome, Run};
use crate::spec::JobSpec;
use crate::trigger::Staged;
use crate::worker::{Command, DmsEndpoint, RunFolder, WorkOrder, WorkerExit, WorkerStatus};

/// What the ports are told about a run.
#[derive(Debug, Clone)]
pub struct RunContext {
    /// The run.
    pub run: Run,
    /// The revision of the spec that it runs.
    pub spec: JobSpec,
    /// Its folder.
    pub folder: RunFolder,
}

/// Where a mode's records come from: staged files for batch.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Takes the manifest: copies what is to be ingested into the run folder, so that nobody can change it any more, and
    /// knows it by its content. Called again after a crash it gives the same manifest or a new one, never half of one.
    async fn claim(
        &self,
        context: &RunContext,
        now_ms: EpochMs,
    ) -> Result<Vec<ManifestFile>, Failure>;

    /// Puts the files where they belong after the run: done, quarantined, or back. Removes the claimed copies, unless
    /// the outcome is [`Outcome::Suspect`]. Called again it changes nothing.
    async fn settle(
        &self,
        context: &RunContext,
        files: &[FileRecord],
        outcome: &Outcome,
    ) -> Result<(), Failure>;

    /// Brings files that were put away after a run back to where they wait for the next one: all, or the one of this
    /// name. What is in the way stays, and what is not there any more is no error. Called again it changes nothing.
    async fn restage(&self, run: &Run, name: Option<&str>) -> Result<(), Failure>;

    /// Removes the files that were put away after a run whose retention is over. Called again it changes nothing.
    async fn expire(&self, run: &Run) -> Result<(), Failure>;

    /// What lies there for a job: what its next run would take.
    async fn staged(&self, job: &JobRef, spec: &JobSpec, plan: &Plan) -> Result<Staged, Failure>;

    /// Waits until something may have come for one of these jobs. A hint only: it may come late, in vain, or never.
    async fn arrival(&self, _: &[JobRef]) {
        std::future::pending().await
    }
}

/// What an engine sees of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Observed {
    /// Nothing runs, and nothing has said how it ended: never launched, or killed.
    Absent,
    /// It runs and answers.
    Up(Box<WorkerStatus>),
    /// It runs, but does not answer (yet).
    Silent {
        /// What was seen instead.
        reason: String,
    },
    /// It has ended and said how.
    Exited(WorkerExit),
}

/// What runs the pipelines.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Starts a worker on the run folder. Does nothing if one runs there already. Once it has returned, `observe` gives
    /// [`Observed::Absent`] only if that worker has ended without a word, not because it is still coming up.
    async fn launch(
        &self,
        context: &RunContext,
        order: &WorkOrder,
        attempt: u32,
    ) -> Result<(), Failure>;

    /// What is there now. Asking also tells the worker that it has a manager.
    async fn observe(&self, context: &RunContext) -> Result<Observed, Failure>;

    /// Tells the worker something. An error means that it may not have heard it; telling it twice is harmless.
    async fn command(&self, context: &RunContext, command: Command) -> Result<(), Failure>;

    /// Ends the worker at once, without asking it, and returns when it is gone. Does nothing if none runs.
    async fn kill(&self, context: &RunContext) -> Result<(), Failure>;

    /// What is durably done: every file that was begun, in the manifest's order, and the indices. Empty before the first
    /// checkpoint. Right only while nothing runs.
    async fn progress(&self, context: &RunContext) -> Result<Progress, Failure>;

    /// Lists documents that the ledger says were created but which the core DMS does not hold, at most `limit` a file.
    async fn missing(
        &self,
        context: &RunContext,
        files: &[FileKey],
        limit: usize,
    ) -> Result<BTreeMap<FileKey, Vec<u64>>, Failure>;

    /// Removes what the engine put up for the run: processes, containers, networks. Called again it changes nothing.
    async fn remove(&self, context: &RunContext) -> Result<(), Failure>;
}

/// What the supervisor asks of the core DMS itself.
#[async_trait]
pub trait CoreDms: Send + Sync {
    /// What it is, for example `Elasticsearch 8.19.8`.
    async fn identify(&self) -> Result<String, Failure>;

    /// How it feels.
    async fn health(&self) -> DmsHealth;

    /// Puts index template and mapping for a job in place.
    async fn prepare(&self, context: &RunContext) -> Result<(), Failure>;

    /// After a refresh: how many documents of this run there are in these indices, by file. Fails rather than count with
    /// failed shards (rule 9).
    async fn count_by_file(
        &self,
        indices: &[String],
        run: &Run,
    ) -> Result<BTreeMap<FileKey, u64>, Failure>;

    /// The indices that a pattern covers.
    async fn indices(&self, pattern: &str) -> Result<Vec<Index>, Failure>;

    /// Removes an index with everything in it. Does nothing if there is none.
    async fn remove_index(&self, index: &str) -> Result<(), Failure>;

    /// Removes documents of this run from these indices, as many as one call may: all that are left, or those of one
    /// file. Says how many; 0 if there were none, or none of them could be removed now.
    async fn remove_documents(
        &self,
        indices: &[String],
        run: &Run,
        file: Option<&FileKey>,
    ) -> Result<u64, Failure>;

    /// Searches a client's indices with a body of the Elasticsearch query language; gives the answer as it came.
    async fn search(
        &self,
        index: &str,
        body: &serde_json::Value,
    ) -> Result<serde_json::Value, Failure>;

    /// The mappings of the indices that match a pattern, by index, in Elasticsearch's form. Empty if there are none.
    async fn mappings(&self, _: &str) -> Result<BTreeMap<String, serde_json::Value>, Failure> {
        Ok(BTreeMap::new())
    }

    /// How the platform reaches it.
    fn endpoint(&self) -> DmsEndpoint;

    /// How the run's worker reaches it: with credentials of its own, if the server gives any. Called before each launch;
    /// what an earlier launch was given is void from then on.
    async fn admit(&self, _: &RunContext) -> Result<DmsEndpoint, Failure> {
        Ok(self.endpoint())
    }

    /// Puts in place what a client looks at its job's documents with, after a run that has completed. Nothing depends on it:
    /// what fails is tried again after the next one.
    async fn show(&self, _: &RunContext) {}

    /// Takes the run's own credentials back. Called again it changes nothing.
    async fn dismiss(&self, _: &Run, _: &RunFolder) -> Result<(), Failure> {
        Ok(())
    }
}
