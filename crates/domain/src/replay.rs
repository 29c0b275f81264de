//! Replaying the rejected records of a run: which records, of which files, and as of when.

use serde::{Deserialize, Serialize};

use crate::EpochMs;
use crate::ids::RunId;

/// What makes a run a replay: it reads nothing but what another run rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Replay {
    /// The run whose rejects are read again.
    pub run: RunId,
    /// That run's clock, which is also this one's (rule 6): a record without a time of its own is dated as those beside it.
    pub clock_ms: EpochMs,
}

/// One rejected record in its file, a line of the run folder's `replay.ndjson`. They are in the order of the files and
/// of their positions, and do not overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Slice {
    /// The file's place in the manifest of the replay.
    pub file_index: u32,
    /// Offset of its first byte in the uncompressed file.
    pub position: u64,
    /// Its length in bytes, without its line end.
    pub bytes: u64,
    /// Number of the line that it begins on.
    pub line: u64,
}
