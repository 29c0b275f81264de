//! Tearing down: everything is put away, and only then is the run at its end. Every part may be done twice.

use std::collections::BTreeMap;

use domain::error::{Culprit, Failure};
use domain::file::FileRecord;
use domain::ids::FileKey;
use domain::ports::RunContext;
use domain::report::DuplicatesOf;
use domain::run::{Event, Outcome, Run, next};
use domain::store::Versioned;
use domain::worker::{RunFolder, WorkerAddress};

use super::{Step, Task};
use crate::context::store_failure;
use crate::folder::{blocking, make_private_dir, read_json, unusable};
use crate::rejects::{self, RejectsError};
use crate::report::{self, Facts};
use crate::series;

/// Positions of missing documents that are listed of one file.
const MAX_MISSING: usize = 1000;

/// Tries to have the missing documents listed.
const MISSING_TRIES: u32 = 5;

/// Tries to take the run's credentials back.
const DISMISS_TRIES: u32 = 5;

/// Samples in a report.
const REPORT_POINTS: usize = 600;

impl Task {
    pub(super) async fn tear_down(&mut self, run: &mut Versioned<Run>) -> Result<Step, Failure> {
        let files = self
            .shared
            .metadata
            .files(&self.id)
            .await
            .map_err(store_failure)?;
        let folder = self.shared.folder(&run.value);
        // how limits were enforced is to be known before the engine clears up
        let address = folder.address();
        let address = blocking(move || read_json::<WorkerAddress>(&address))
            .await
            .map_err(|e| unusable(&folder, &e))?;
        // without the spec nothing was claimed or launched
        let (mut missing, mut duplicates) = (BTreeMap::new(), Vec::new());
        let context = self.shared.find_context(&run.value).await?;
        if let Some(context) = &context {
            missing = self.missing(context, &files).await?;
            duplicates = self.duplicates(context).await?;
            self.shared.engine.remove(context).await?;
            let outcome = run.value.outcome.as_ref().ok_or_else(no_outcome)?;
            self.shared.intake.settle(context, &files, outcome).await?;
        }
        self.write_report(run, files, missing, duplicates, address)
            .await?;
        self.count_use(&run.value).await?;
        self.shared
            .release(&run.value)
            .await
            .map_err(store_failure)?;
        // last: to list what is missing, if all of this is done again, takes the run's credentials
        self.dismiss(&run.value, &folder).await?;
        if let Some(context) = context.filter(|context| has_completed(&context.run)) {
            self.shared.dms.show(&context).await;
        }
        Ok(Step::Happened(Event::TornDown))
    }

    /// Documents of a suspect run that are not where they should be. A core DMS that does not answer does not keep the
    /// run from its end.
    async fn missing(
        &self,
        context: &RunContext,
        files: &[FileRecord],
    ) -> Result<BTreeMap<FileKey, Vec<u64>>, Failure> {
        if !matches!(context.run.outcome, Some(Outcome::Suspect { .. })) {
            return Ok(BTreeMap::new());
        }
        let differing: Vec<FileKey> = files
            .iter()
            .filter(|file| !file.proven())
            .map(|file| file.file.file_key.clone())
            .collect();
        match self
            .shared
            .engine
            .missing(context, &differing, MAX_MISSING)
            .await
        {
            Err(failure) if failure.retryable && self.failures < MISSING_TRIES => Err(failure),
            Err(failure) => {
                tracing::warn!(run = %self.id, %failure, "the missing documents cannot be listed");
                Ok(BTreeMap::new())
            }
            found => found,
        }
    }

    /// Takes the run's credentials back. A core DMS that does not answer does not keep the run from its end: what could
    /// not be taken back is tried again when the run is removed.
    async fn dismiss(&self, run: &Run, folder: &RunFolder) -> Result<(), Failure> {
        match self.shared.dms.dismiss(run, folder).await {
            Err(failure) if failure.retryable && self.failures < DISMISS_TRIES => Err(failure),
            Err(failure) => {
                tracing::warn!(run = %self.id, %failure, "the run's credentials for the core DMS could not be taken back");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Whose the documents are that were there already.
    async fn duplicates(&self, context: &RunContext) -> Result<Vec<DuplicatesOf>, Failure> {
        if context.run.ledger.duplicate == 0 {
            return Ok(Vec::new());
        }
        let mut duplicates = Vec::new();
        for (run, count) in self.shared.engine.progress(context).await?.owners {
            let owner = match run.parse() {
                Ok(id) => self.shared.metadata.run(&id).await.map_err(store_failure)?,
                // no run's id: a remainder, or documents that do not say whose they are
                Err(_) => None,
            };
            let revision = owner.map(|owner| owner.value.revision);
            duplicates.push(DuplicatesOf {
                run,
                revision,
                count,
            });
        }
        duplicates.sort_by_key(|owner| std::cmp::Reverse(owner.count));
        Ok(duplicates)
    }

    async fn write_report(
        &self,
        run: &Versioned<Run>,
        files: Vec<FileRecord>,
        missing: BTreeMap<FileKey, Vec<u64>>,
        duplicates: Vec<DuplicatesOf>,
        address: Option<WorkerAddress>,
    ) -> Result<(), Failure> {
        let folder = self.shared.folder(&run.value);
        // the run as it will be when the report can be read
        let ended = next(
            &run.value,
            Event::TornDown,
            self.shared.now_ms(),
            &self.shared.settings.policy,
        )
        .map_err(|_| no_outcome())?;
        let causes = match rejects::causes(&folder, 1).await {
            Err(RejectsError::Io(error)) => return Err(unusable(&folder, &error)),
            Err(error) => {
                tracing::error!(run = %self.id, %error, "the report goes without the rejects by cause");
                Vec::new()
            }
            Ok(causes) => causes,
        };
        let path = folder.path().to_owned();
        blocking(move || make_private_dir(&path))
            .await
            .map_err(|e| unusable(&folder, &e))?;
        let series = series::read(&folder, REPORT_POINTS)
            .await
            .map_err(|e| unusable(&folder, &e))?;
        let dms = self
            .shared
            .dms
            .identify()
            .await
            .unwrap_or_else(|_| format!("{} (did not answer)", self.shared.dms.endpoint().url));
        let facts = Facts {
            run: ended,
            files,
            missing,
            duplicates,
            causes,
            series,
            dms,
            limits_by: address.map(|address| address.limits_by),
        };
        let written = blocking({
            let folder = folder.clone();
            move || report::write(&folder, facts)
        });
        written.await.map_err(|e| unusable(&folder, &e))
    }
}

fn has_completed(run: &Run) -> bool {
    matches!(
        run.outcome,
        Some(Outcome::Completed | Outcome::CompletedWithRejects)
    )
}

fn no_outcome() -> Failure {
    let message = "a run is torn down without an outcome";
    Failure::permanent(
        "out_of_step",
        Culprit::Platform,
        message,
        "report this defect with the run's document",
    )
}
