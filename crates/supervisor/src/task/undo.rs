//! Undoing (rule 18): the job's lock, the count of what is there, the proofs that rely on it, and only then the removal, until
//! the core DMS counts none. Every part may be done again, so an undo that was cut off goes on where it was.

use std::time::Duration;

use domain::error::{Culprit, Failure};
use domain::ids::FileKey;
use domain::run::{Event, Run, next};
use domain::store::{StoreError, Versioned};

use super::lost::union;
use super::{Step, Task};
use crate::context::store_failure;
use crate::folder::{blocking, unusable};
use crate::report;
use crate::shared::Shared;

/// The job's lock is looked at so often while another run holds it.
const LOOK_FOR_LOCK: Duration = Duration::from_secs(1);

impl Task {
    pub(super) async fn undo(&mut self, run: &mut Versioned<Run>) -> Result<Step, Failure> {
        let undo = run.value.undo_under_way().cloned().ok_or_else(no_undo)?;
        run.value.waiting = self
            .shared
            .lock_job(&run.value)
            .await
            .map_err(store_failure)?;
        if run.value.waiting.is_some() {
            return Ok(Step::Wait(LOOK_FOR_LOCK));
        }
        let indices = self.shared.indices_of(&run.value).await?;
        let file = undo.file_key();
        if undo.documents.is_none() {
            let documents = self.shared.count_of(&run.value, &indices, file).await?;
            return self.note_documents(run, indices, documents).await;
        }
        self.shared.void_proofs(&run.value, &undo).await?;
        self.shared.remove_all(&run.value, &indices, file).await?;
        if undo.restage {
            let name = undo.file.as_ref().map(|file| file.name.as_str());
            self.shared.intake.restage(&run.value, name).await?;
        }
        self.amend_report(&run.value).await?;
        self.shared
            .release(&run.value)
            .await
            .map_err(store_failure)?;
        Ok(Step::Happened(Event::Undone))
    }

    /// Stores what there is before any of it is removed: later it cannot be counted any more.
    async fn note_documents(
        &self,
        run: &Versioned<Run>,
        indices: Vec<String>,
        documents: u64,
    ) -> Result<Step, Failure> {
        let mut counted = Run {
            indices,
            ..run.value.clone()
        };
        if let Some(undo) = counted.undos.last_mut() {
            undo.documents = Some(documents);
        }
        match self.shared.keep(run, counted).await {
            Ok(_) | Err(StoreError::Stale { .. }) => Ok(Step::Wait(Duration::ZERO)),
            Err(error) => Err(store_failure(error)),
        }
    }

    /// The report says what the run's document will say.
    async fn amend_report(&self, run: &Run) -> Result<(), Failure> {
        let shared = &self.shared;
        let undone = next(run, Event::Undone, shared.now_ms(), &shared.settings.policy)
            .map_err(|_| no_undo())?;
        shared.amend_report(&undone).await
    }
}

impl Shared {
    /// The indices that documents of a run went to or may have gone to.
    pub(crate) async fn indices_of(&self, run: &Run) -> Result<Vec<String>, Failure> {
        if run.attempt == 0 {
            return Ok(run.indices.clone());
        }
        Ok(match self.find_context(run).await? {
            Some(context) => union(&run.indices, &self.engine.progress(&context).await?.indices),
            None => run.indices.clone(),
        })
    }

    /// How many documents of a run, or of one of its files, the core DMS holds.
    pub(crate) async fn count_of(
        &self,
        run: &Run,
        indices: &[String],
        file: Option<&FileKey>,
    ) -> Result<u64, Failure> {
        if indices.is_empty() {
            return Ok(0);
        }
        let counts = self.dms.count_by_file(indices, run).await?;
        Ok(match file {
            Some(key) => counts.get(key).copied().unwrap_or(0),
            None => counts.values().sum(),
        })
    }

    /// Removes documents until the core DMS counts none. What conflicts or fails for a time is tried again.
    async fn remove_all(
        &self,
        run: &Run,
        indices: &[String],
        file: Option<&FileKey>,
    ) -> Result<(), Failure> {
        let mut left = self.count_of(run, indices, file).await?;
        while left > 0 {
            let removed = self.dms.remove_documents(indices, run, file).await?;
            tracing::info!(run = %run.id, removed, left, "removing documents");
            left = self.count_of(run, indices, file).await?;
            if removed == 0 && left > 0 {
                return Err(Failure::transient(
                    "undo_incomplete",
                    Culprit::CoreDms,
                    format!(
                        "{left} documents of the run {} could not be removed",
                        run.id
                    ),
                    "it is tried again; if it does not end, look whether the indices are blocked for writes",
                ));
            }
        }
        Ok(())
    }

    /// Has the report of a run say what became of it.
    pub(crate) async fn amend_report(&self, run: &Run) -> Result<(), Failure> {
        let (folder, run) = (self.folder(run), run.clone());
        let amended = blocking({
            let folder = folder.clone();
            move || report::amend(&folder, &run)
        });
        amended.await.map_err(|e| unusable(&folder, &e))
    }
}

fn no_undo() -> Failure {
    Failure::permanent(
        "out_of_step",
        Culprit::Platform,
        "a run is being undone without anybody having asked for it",
        "report this defect with the run's document",
    )
}
