//! The truth of progress (rule 12): one file that is replaced as a whole.
//!
//! Files are read, and batches committed, in one order. So progress is a point in that order: the files before it are
//! finished and stand in a log of their own, one file may be open, those behind it were not begun. The checkpoint names that
//! point and the lengths of the logs at that moment; a worker that starts again cuts the logs back to them and reads on from the point.
//! What had been sent from behind it is met again as a conflict, and looked up.

use std::collections::BTreeMap;

use domain::error::Failure;
use domain::ledger::Ledger;
use domain::worker::RunFolder;
use serde::{Deserialize, Serialize};

use crate::batch::Mark;
use crate::files::{read_json, write_json};

/// The format's number; another one is refused.
const VERSION: u32 = 1;

/// A run's durable progress.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    version: u32,
    /// Files that are finished: the first ones of the manifest.
    pub finished: u32,
    /// The sums over them.
    pub finished_ledger: Ledger,
    /// The file after them, if it was begun.
    pub open: Option<OpenFile>,
    /// Length of the log of finished files.
    pub files_bytes: u64,
    /// Length of the reject log.
    pub rejects_bytes: u64,
    /// Rejects by cause.
    pub causes: BTreeMap<String, u64>,
    /// Duplicates by the run that wrote them first.
    pub owners: BTreeMap<String, u64>,
}

/// A file that is not finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenFile {
    /// Its place in the manifest.
    pub index: u32,
    /// Low-water position: everything before it has an outcome.
    pub position: u64,
    /// The line of that position.
    pub line: u64,
    /// The sums up to it.
    pub ledger: Ledger,
}

impl OpenFile {
    /// Where to read on.
    pub fn mark(&self) -> Mark {
        Mark {
            position: self.position,
            line: self.line,
        }
    }
}

impl Checkpoint {
    /// The checkpoint of a run; that of its beginning if there is none yet.
    pub fn load(folder: &RunFolder) -> Result<Self, Failure> {
        let path = folder.checkpoint();
        let Some(checkpoint) = read_json::<Self>(&path)? else {
            return Ok(Self {
                version: VERSION,
                ..Self::default()
            });
        };
        if checkpoint.version == VERSION {
            return Ok(checkpoint);
        }
        let error = format!(
            "its version is {}, this worker knows {VERSION}",
            checkpoint.version
        );
        Err(Failure {
            retryable: false,
            ..crate::files::unusable(&path, &std::io::Error::other(error))
        })
    }

    /// Begins a run anew: everything is read again, and what had arrived is met again as its own.
    pub fn forget(folder: &RunFolder) -> Result<(), Failure> {
        let path = folder.checkpoint();
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                Err(crate::files::unusable(&path, &e))
            }
            _ => Ok(()),
        }
    }

    /// Puts it in place.
    pub fn save(&self, folder: &RunFolder) -> Result<(), Failure> {
        write_json(&folder.checkpoint(), self)
    }

    /// The sums over everything.
    pub fn ledger(&self) -> Ledger {
        let mut sum = self.finished_ledger;
        sum += self
            .open
            .as_ref()
            .map(|open| open.ledger)
            .unwrap_or_default();
        sum
    }

    /// The commonest cause of rejects.
    pub fn commonest_cause(&self) -> Option<&str> {
        self.causes
            .iter()
            .max_by_key(|(_, n)| **n)
            .map(|(cause, _)| cause.as_str())
    }
}
