//! The intake of batch jobs: staged files are claimed for a run, and put away after it.

mod archive;
mod by_hand;
mod claim;
mod copy;
mod deliveries;
mod entries;
mod manifest;
mod packing;
mod refusals;
mod replay;
mod restage;
mod settle;

use std::sync::Arc;

use async_trait::async_trait;
use domain::EpochMs;
use domain::error::{Culprit, Failure};
use domain::file::{FileRecord, ManifestFile};
use domain::ids::{JobRef, RunId};
use domain::plan::Plan;
use domain::ports::{Intake, RunContext};
use domain::run::{Outcome, Run};
use domain::spec::JobSpec;
use domain::store::{Metadata, StoreError};
use domain::trigger::Staged;

pub use by_hand::claim_by_hand;

use crate::failure::{blocking, disk};
use crate::staging::{self, LocalStaging, survey};

/// Takes runs' files from the staging area.
pub struct BatchIntake {
    staging: Arc<LocalStaging>,
    metadata: Metadata,
}

impl BatchIntake {
    /// Over a staging area; clients' plans come from the metadata store.
    pub fn new(staging: Arc<LocalStaging>, metadata: Metadata) -> Self {
        Self { staging, metadata }
    }

    /// A run, and those that it was itself a replay of: after one of them the files were put away.
    async fn replayed(&self, run: &RunId) -> Result<Vec<RunId>, Failure> {
        let mut runs = vec![run.clone()];
        while let Some(newest) = runs.last()
            && let Some(found) = self.metadata.run(newest).await.map_err(unavailable)?
            && let Some(before) = found.value.replay_of
        {
            runs.push(before.run);
        }
        Ok(runs)
    }

    /// The plan of a run's client, as it stands now.
    async fn plan(&self, context: &RunContext) -> Result<Plan, Failure> {
        let id = &context.run.client;
        let client = self.metadata.client(id).await.map_err(unavailable)?;
        let gone = || {
            Failure::permanent(
                "client_gone",
                Culprit::Platform,
                format!("there is no client {id}"),
                "register it again",
            )
        };
        Ok(client.ok_or_else(gone)?.value.plan)
    }
}

fn unavailable(error: StoreError) -> Failure {
    Failure::transient(
        "metadata_unavailable",
        Culprit::MetadataStore,
        error.to_string(),
        "look at the metadata store",
    )
}

#[async_trait]
impl Intake for BatchIntake {
    async fn claim(
        &self,
        context: &RunContext,
        _now_ms: EpochMs,
    ) -> Result<Vec<ManifestFile>, Failure> {
        if let Some(replay) = &context.run.replay_of {
            let put_away_after = self.replayed(&replay.run).await?;
            let (root, context) = (self.staging.root.clone(), context.clone());
            return blocking(move || replay::claim(&root, &context, &put_away_after)).await;
        }
        let (root, digests) = (self.staging.root.clone(), self.staging.digests.clone());
        let (context, plan) = (context.clone(), self.plan(context).await?);
        blocking(move || claim::claim(&root, &digests, &context, &plan)).await
    }

    async fn settle(
        &self,
        context: &RunContext,
        files: &[FileRecord],
        outcome: &Outcome,
    ) -> Result<(), Failure> {
        let Some(places) = settle::places(files, outcome) else {
            return Ok(());
        };
        let (root, context) = (self.staging.root.clone(), context.clone());
        blocking(move || settle::settle(&root, &context, &places)).await
    }

    async fn restage(&self, run: &Run, name: Option<&str>) -> Result<(), Failure> {
        let (root, job, run) = (self.staging.root.clone(), run.job_ref(), run.id.clone());
        let name = name.map(str::to_owned);
        blocking(move || restage::restage(&root, &job, &run, name.as_deref())).await
    }

    async fn expire(&self, run: &Run) -> Result<(), Failure> {
        let (root, job, run) = (self.staging.root.clone(), run.job_ref(), run.id.clone());
        blocking(move || settle::expire(&root, &job, &run)).await
    }

    async fn staged(&self, job: &JobRef, spec: &JobSpec, plan: &Plan) -> Result<Staged, Failure> {
        let (root, digests) = (self.staging.root.clone(), self.staging.digests.clone());
        let (job, spec, plan) = (job.clone(), spec.clone(), plan.clone());
        blocking(move || {
            survey(&root, &digests, &job, &spec, &plan)
                .map(|surveyed| staging::sum_up(&surveyed.found))
                .map_err(|e| disk("looking for staged files", &e))
        })
        .await
    }

    async fn arrival(&self, jobs: &[JobRef]) {
        self.staging.hints.arrival(jobs).await;
    }
}
