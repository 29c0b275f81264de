//! Undoing a run (rule 18): what was asked for, what came of it, and whose proof is void since.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::EpochMs;
use crate::audit::Actor;
use crate::error::Failure;
use crate::file::OTHER_OWNERS;
use crate::ids::{FileKey, JobId, RunId};
use crate::run::{Run, RunState};

/// Undos that a run takes, one after the other; who needs more files undone undoes the whole run.
pub const MAX_UNDOS: usize = 100;

/// A file whose documents are to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UndoneFile {
    /// Its name in the run's manifest.
    pub name: String,
    /// Its identity.
    pub file_key: FileKey,
}

/// The removal of a run's documents, or of one file's, from the core DMS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Undo {
    /// Who asked for it.
    pub by: Actor,
    /// When.
    pub requested_ms: EpochMs,
    /// Only this file; none for the whole run.
    pub file: Option<UndoneFile>,
    /// Whether the files that were put away come back to the staging directory.
    pub restage: bool,
    /// Documents that were there before the first of them was removed; none while they are not counted.
    pub documents: Option<u64>,
    /// When the core DMS held none of them any more; none while it goes on.
    pub finished_ms: Option<EpochMs>,
    /// Why it could not be carried through, if it could not; it may be asked for again.
    pub failure: Option<Failure>,
}

impl Undo {
    /// An undo just asked for.
    pub fn asked(by: Actor, file: Option<UndoneFile>, restage: bool, now_ms: EpochMs) -> Self {
        Self {
            by,
            requested_ms: now_ms,
            file,
            restage,
            documents: None,
            finished_ms: None,
            failure: None,
        }
    }

    /// The key of the file that it is about; none if it is about the whole run.
    pub fn file_key(&self) -> Option<&FileKey> {
        self.file.as_ref().map(|file| &file.file_key)
    }
}

/// Why a run's proof does not hold any more: documents that it counted as duplicates were removed by an undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProofVoid {
    /// The run that was undone.
    pub run: RunId,
    /// Which of its files; none for all.
    pub file: Option<FileKey>,
    /// When the undo was asked for.
    pub at_ms: EpochMs,
    /// Duplicates that were that run's, as far as is known; some of them may have been in other files of it.
    pub documents: u64,
}

/// A run whose duplicates are documents that an undo removes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Relying {
    /// Its job.
    pub job: JobId,
    /// Which run.
    pub run: RunId,
    /// See [`ProofVoid::documents`].
    pub documents: u64,
}

/// What an undo would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UndoPreview {
    /// Documents that it would remove, as the core DMS counts them now.
    pub documents: u64,
    /// Runs whose proof would be void.
    pub relying: Vec<Relying>,
}

impl Run {
    /// The undo that is under way.
    pub fn undo_under_way(&self) -> Option<&Undo> {
        self.undos
            .last()
            .filter(|_| self.state == RunState::Undoing)
    }

    /// Duplicates of this run that the documents of `other` are the reason for; none if it has none. Where many runs
    /// were summed up, they count, as nobody can say that they are not `other`'s.
    pub fn relies_on(&self, other: &Run) -> Option<u64> {
        let of = |owner: &str| self.owners.get(owner).copied().unwrap_or(0);
        let summed_up = match self.created_ms >= other.created_ms {
            true => of(OTHER_OWNERS),
            false => 0,
        };
        let documents = of(other.id.as_str()) + summed_up;
        (self.id != other.id && documents > 0).then_some(documents)
    }
}
