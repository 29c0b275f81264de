//! The book of the run: outcomes are entered in the order of reading, and the checkpoint is a page of it.

use std::collections::BTreeMap;
use std::fs::File;

use domain::error::{Culprit, Failure};
use domain::file::{FileProgress, FileState, OTHER_OWNERS};
use domain::ledger::Ledger;
use domain::worker::RunFolder;

use crate::batch::{Mark, Settled, SettledSegment};
use crate::checkpoint::{Checkpoint, OpenFile};
use crate::files::{Log, finished_files, unusable};

/// Owners of duplicates that are named; the others are counted under [`OTHER_OWNERS`].
const MAX_OWNERS: usize = 20;

/// What has an outcome.
#[derive(Debug)]
pub struct Book {
    folder: RunFolder,
    entries: Checkpoint,
    files: Log,
    rejects: Log,
    next: u64,
    /// Settled batches that wait for one before them.
    early: BTreeMap<u64, Settled>,
    changed: bool,
}

/// A page that is about to become durable.
#[derive(Debug)]
pub struct Page {
    folder: RunFolder,
    checkpoint: Checkpoint,
    logs: [File; 2],
}

impl Book {
    /// Opens the book of a run at its last checkpoint.
    pub fn open(folder: RunFolder) -> Result<Self, Failure> {
        let entries = Checkpoint::load(&folder)?;
        let files = Log::open(finished_files(&folder), entries.files_bytes)?;
        let rejects = Log::open(folder.rejects(), entries.rejects_bytes)?;
        Ok(Self {
            folder,
            entries,
            files,
            rejects,
            next: 0,
            early: BTreeMap::new(),
            changed: true,
        })
    }

    /// What stands in it.
    pub fn entries(&self) -> &Checkpoint {
        &self.entries
    }

    /// Enters a batch, and those that waited for it; gives the bytes of the budget that are free again.
    pub fn enter(&mut self, settled: Settled) -> Result<usize, Failure> {
        self.early.insert(settled.seq, settled);
        let mut freed = 0;
        while let Some(batch) = self.early.remove(&self.next) {
            self.next += 1;
            freed += batch.cost;
            self.batch(batch)?;
        }
        Ok(freed)
    }

    fn batch(&mut self, batch: Settled) -> Result<(), Failure> {
        self.changed = true;
        self.rejects.append(&batch.rejects.lines)?;
        for (cause, n) in batch.rejects.causes {
            *self.entries.causes.entry(cause).or_default() += n;
        }
        for (owner, n) in batch.owners {
            let owners = &mut self.entries.owners;
            let named = owners.len() < MAX_OWNERS || owners.contains_key(&owner);
            *owners
                .entry(if named { owner } else { OTHER_OWNERS.into() })
                .or_default() += n;
        }
        batch
            .segments
            .into_iter()
            .try_for_each(|segment| self.segment(segment))
    }

    fn segment(&mut self, segment: SettledSegment) -> Result<(), Failure> {
        let index = segment.file.manifest.index;
        let before = self
            .entries
            .open
            .take()
            .map(|open| open.ledger)
            .unwrap_or_default();
        let ledger: Ledger = [before, segment.ledger].into_iter().sum();
        let Some(state) = segment.end else {
            let Mark { position, line } = segment.to;
            self.entries.open = Some(OpenFile {
                index,
                position,
                line,
                ledger,
            });
            return Ok(());
        };
        if !ledger.balanced() {
            return Err(unbalanced(&segment.file.manifest.name, &ledger));
        }
        self.finish(FileProgress {
            index,
            state,
            ledger,
        })
    }

    fn finish(&mut self, file: FileProgress) -> Result<(), Failure> {
        self.entries.finished += 1;
        self.entries.finished_ledger += file.ledger;
        if let FileState::Quarantined { failure } = &file.state {
            tracing::warn!(
                file = file.index,
                code = failure.code,
                "quarantined: {failure}"
            );
        }
        let mut line = serde_json::to_vec(&file)
            .map_err(|e| unusable(&finished_files(&self.folder), &e.into()))?;
        line.push(b'\n');
        self.files.append(&line)
    }

    /// The page to be made durable next; none if nothing was entered since the last one.
    pub fn turn(&mut self) -> Result<Option<Page>, Failure> {
        if !std::mem::take(&mut self.changed) {
            return Ok(None);
        }
        let (files_bytes, files) = self.files.flush()?;
        let (rejects_bytes, rejects) = self.rejects.flush()?;
        (self.entries.files_bytes, self.entries.rejects_bytes) = (files_bytes, rejects_bytes);
        Ok(Some(Page {
            folder: self.folder.clone(),
            checkpoint: self.entries.clone(),
            logs: [files, rejects],
        }))
    }
}

impl Page {
    /// Makes it durable: first the logs, then what speaks of them.
    pub fn save(self) -> Result<(), Failure> {
        for log in &self.logs {
            log.sync_data()
                .map_err(|e| unusable(self.folder.path(), &e))?;
        }
        self.checkpoint.save(&self.folder)
    }
}

fn unbalanced(name: &str, ledger: &Ledger) -> Failure {
    let message = format!(
        "{name:?}: {} came in, {} are accounted for",
        ledger.incoming(),
        ledger.accounted()
    );
    Failure::permanent(
        "ledger_unbalanced",
        Culprit::Platform,
        message,
        "this is a defect of the worker: report it with the run folder",
    )
}

#[cfg(test)]
mod tests;
