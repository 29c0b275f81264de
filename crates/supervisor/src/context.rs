//! What the ports are told about a run, read from the store.

use domain::error::{Culprit, Failure};
use domain::ports::RunContext;
use domain::run::Run;
use domain::store::StoreError;
use domain::worker::RunFolder;

use crate::shared::Shared;

/// A store's error in the words that go with a run.
pub(crate) fn store_failure(error: StoreError) -> Failure {
    let retryable = matches!(
        error,
        StoreError::Unavailable(_) | StoreError::Stale { .. } | StoreError::Exists { .. }
    );
    let next_step =
        "the operator has to look at the metadata store; the run goes on by itself when it answers";
    Failure {
        retryable,
        ..Failure::permanent(
            "metadata_store",
            Culprit::MetadataStore,
            error.to_string(),
            next_step,
        )
    }
}

impl Shared {
    /// The folder of a run.
    pub(crate) fn folder(&self, run: &Run) -> RunFolder {
        RunFolder::of(&self.clientapps, &run.client, &run.job, &run.id)
    }

    /// A run with the spec that it runs; none if that revision is gone.
    pub(crate) async fn find_context(&self, run: &Run) -> Result<Option<RunContext>, Failure> {
        let revision = self
            .metadata
            .revision(&run.job_ref(), run.revision)
            .await
            .map_err(store_failure)?;
        Ok(revision.map(|revision| RunContext {
            run: run.clone(),
            spec: revision.value.spec,
            folder: self.folder(run),
        }))
    }

    /// The same, where there is nothing to be done without the spec.
    pub(crate) async fn context(&self, run: &Run) -> Result<RunContext, Failure> {
        self.find_context(run).await?.ok_or_else(|| {
            let message = format!(
                "revision {} of {} is not in the metadata store",
                run.revision,
                run.job_ref()
            );
            Failure::permanent(
                "revision_missing",
                Culprit::Platform,
                message,
                "put the job again and start a new run",
            )
        })
    }
}
