//! Files of a run: the manifest taken at claim, and what became of each file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::ids::{FileKey, RunId};
use crate::ledger::Ledger;

/// How a file's bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip (RFC 1952), one or several members.
    Gzip,
    /// Zstandard (RFC 8878), one or several frames.
    Zstd,
}

/// What the claim says of a file beyond its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Terms {
    /// The most bytes that it may unpack to, by its client's plan; a file that is not packed has no such bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_unpacked: Option<u64>,
    /// How many records it holds, as its client's manifest says ([`crate::delivery`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// What was decided of it at the claim. There is no copy of such a file, and nobody reads it: an archive's member that
    /// cannot be taken, or an archive that cannot be opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<FileState>,
}

impl Terms {
    fn are_none(&self) -> bool {
        *self == Self::default()
    }
}

/// One file as it was when it was claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ManifestFile {
    /// Its place in the manifest, from 0; files are read in this order.
    pub index: u32,
    /// Its name in the staging directory; a member of an archive has the archive's name, `/`, and its path in there.
    pub name: String,
    /// Its size as it lay there, in bytes; of a member as it came out of its archive, 0 if it did not.
    pub bytes: u64,
    /// SHA-256 of those bytes, hexadecimal.
    pub sha256: String,
    /// How they are packed.
    pub compression: Compression,
    /// Its identity (rule 3).
    pub file_key: FileKey,
    /// Name of the claimed copy in the run folder's `claimed/`.
    pub claimed_as: String,
    /// What else the claim says of it.
    #[serde(default, skip_serializing_if = "Terms::are_none")]
    pub terms: Terms,
}

impl ManifestFile {
    /// The name of the staged file that it is, or came out of: a staged file's name holds no `/`.
    pub fn staged_name(&self) -> &str {
        self.name
            .split_once('/')
            .map_or(&self.name, |(staged, _)| staged)
    }
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum FileState {
    /// Claimed, not yet read to its end.
    Claimed,
    /// Read to its end, and every record is accounted for.
    Read,
    /// Given up: what was read before stands in the ledger, the rest was not ingested.
    Quarantined {
        /// Why.
        failure: Failure,
    },
    /// Left out: nothing of it was to be ingested, for example a link in an archive.
    Skipped {
        /// Why.
        failure: Failure,
    },
}

/// A file of a run with its ledger: one document each in the metadata store, as a run may have 100,000.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FileRecord {
    /// Of which run.
    pub run: RunId,
    /// The file as claimed.
    #[serde(flatten)]
    pub file: ManifestFile,
    /// What became of it.
    pub state: FileState,
    /// Its ledger.
    pub ledger: Ledger,
    /// How many documents of this run and this file the core DMS counted; none before the proof.
    pub counted: Option<u64>,
}

impl FileRecord {
    /// A file just claimed.
    pub fn claimed(run: RunId, file: ManifestFile) -> Self {
        Self {
            run,
            file,
            state: FileState::Claimed,
            ledger: Ledger::default(),
            counted: None,
        }
    }

    /// Whether its ledger is balanced and confirmed by the core DMS, and has as many records as its client says.
    pub fn proven(&self) -> bool {
        self.ledger.balanced()
            && self.counted == Some(self.ledger.created)
            && self.listed_otherwise().is_none()
    }

    /// How many records its client's manifest lists, if that is not what was read of it to its end.
    pub fn listed_otherwise(&self) -> Option<u64> {
        self.file
            .terms
            .records
            .filter(|&listed| self.state == FileState::Read && listed != self.ledger.read)
    }
}

/// The durable progress of one file, as an engine reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileProgress {
    /// The file's place in the manifest.
    pub index: u32,
    /// What became of it so far.
    pub state: FileState,
    /// The sums over everything the sink has answered.
    pub ledger: Ledger,
}

/// Stands in [`Progress::owners`] for the runs that are summed up.
pub const OTHER_OWNERS: &str = "other";

/// What an engine has durably done for a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Every file that was begun, in the manifest's order.
    pub files: Vec<FileProgress>,
    /// The concrete indices that documents went to or may have gone to: an index is noted durably before the first
    /// document is sent to it.
    pub indices: Vec<String>,
    /// Who wrote the documents that were there already: how many are whose, by run id (rule 10). Documents of unknown
    /// origin are `unknown`; if there are many runs, some are summed up as [`OTHER_OWNERS`].
    #[serde(default)]
    pub owners: BTreeMap<String, u64>,
}

impl Progress {
    /// The sums over all files.
    pub fn ledger(&self) -> Ledger {
        self.files.iter().map(|file| file.ledger).sum()
    }
}
