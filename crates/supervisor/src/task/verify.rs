//! The proof: the engine's durable ledgers, the core DMS's own count, and what follows from comparing them.

use domain::error::Failure;
use domain::file::{FileProgress, FileRecord};
use domain::ledger::Ledger;
use domain::ports::{Observed, RunContext};
use domain::run::{Desired, Event, Run, outcome, over_existing};
use domain::store::Versioned;

use super::lost::union;
use super::{Step, Task};
use crate::context::store_failure;

impl Task {
    pub(super) async fn verify(&mut self, run: &mut Versioned<Run>) -> Result<Step, Failure> {
        let context = self.context(&run.value).await?;
        self.end_worker(&context).await?;
        let progress = self.shared.engine.progress(&context).await?;
        let mut files = self
            .shared
            .metadata
            .files(&self.id)
            .await
            .map_err(store_failure)?;
        enter(&mut files, progress.files);
        let indices = union(&run.value.indices, &progress.indices);
        // an undo has to find them, however this run ends
        run.value.indices.clone_from(&indices);
        run.value.owners = progress.owners;
        let counted = if indices.is_empty() {
            Ok(Default::default())
        } else {
            self.shared.dms.count_by_file(&indices, &run.value).await
        };
        let counts = match counted {
            Ok(counts) => counts,
            // nobody has to wait for a core DMS that does not come back: what is known is kept, without the proof
            Err(failure) if failure.retryable && run.value.desired == Desired::Cancel => {
                tracing::warn!(run = %self.id, %failure, "called off without the core DMS's count");
                self.put_files(&files).await?;
                return Ok(Step::Happened(Event::CalledOff));
            }
            Err(failure) => return Err(failure),
        };
        for file in &mut files {
            file.counted = Some(counts.get(&file.file.file_key).copied().unwrap_or(0));
        }
        self.put_files(&files).await?;
        let in_order = run.value.losses == 0;
        let outcome = outcome(
            &files,
            run.value.outcome.as_ref(),
            in_order,
            &context.spec.error_budget,
        );
        let ledger: Ledger = files.iter().map(|file| file.ledger).sum();
        let on_existing = context.spec.destination.on_existing;
        let outcome = over_existing(outcome, ledger.duplicate, on_existing);
        Ok(Step::Happened(Event::Proven {
            outcome,
            ledger,
            indices,
        }))
    }

    /// Durable progress is right only while nothing runs: a worker that has said its last words may still be going.
    async fn end_worker(&self, context: &RunContext) -> Result<(), Failure> {
        match self.shared.engine.observe(context).await? {
            Observed::Absent | Observed::Exited(_) => Ok(()),
            Observed::Up(_) | Observed::Silent { .. } => self.shared.engine.kill(context).await,
        }
    }
}

/// Enters an engine's progress into the files of the manifest, which are in its order.
fn enter(files: &mut [FileRecord], progress: Vec<FileProgress>) {
    for done in progress {
        if let Ok(at) = files.binary_search_by_key(&done.index, |file| file.file.index) {
            (files[at].state, files[at].ledger) = (done.state, done.ledger);
        }
    }
}
