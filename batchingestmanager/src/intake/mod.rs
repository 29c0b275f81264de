//! The intake of batch jobs: staged files are claimed for a run, and put away after it.

mod by_hand;
mod claim;
mod copy;
mod manifest;
mod settle;

use std::sync::Arc;

use async_trait::async_trait;
use domain::EpochMs;
use domain::error::{Culprit, Failure};
use domain::file::{FileRecord, ManifestFile};
use domain::plan::Plan;
use domain::ports::{Intake, RunContext};
use domain::run::{Outcome, Run};
use domain::store::Metadata;

pub use by_hand::claim_by_hand;

use crate::failure::blocking;
use crate::staging::LocalStaging;

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

    /// The plan of a run's client, as it stands now.
    async fn plan(&self, context: &RunContext) -> Result<Plan, Failure> {
        let id = &context.run.client;
        let client = self.metadata.client(id).await.map_err(|e| {
            Failure::transient(
                "metadata_unavailable",
                Culprit::MetadataStore,
                e.to_string(),
                "look at the metadata store",
            )
        })?;
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

#[async_trait]
impl Intake for BatchIntake {
    async fn claim(
        &self,
        context: &RunContext,
        _now_ms: EpochMs,
    ) -> Result<Vec<ManifestFile>, Failure> {
        let (root, context, plan) = (
            self.staging.root.clone(),
            context.clone(),
            self.plan(context).await?,
        );
        blocking(move || claim::claim(&root, &context, &plan)).await
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

    async fn expire(&self, run: &Run) -> Result<(), Failure> {
        let (root, job, run) = (self.staging.root.clone(), run.job_ref(), run.id.clone());
        blocking(move || settle::expire(&root, &job, &run)).await
    }
}
