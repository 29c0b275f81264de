//! Keys by which a client's request for a run is known again: the same key gives the same run, for a day.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::EpochMs;
use crate::ids::JobRef;
use crate::run::NewRun;

/// How long a key is known, in milliseconds.
pub const KEPT_MS: EpochMs = 24 * 3600 * 1000;

/// Longest key, in bytes.
pub const MAX_BYTES: usize = 255;

/// A key, and the run that was asked for under it. Stored before that run is created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StartKey {
    /// SHA-256 of the key, hexadecimal.
    pub digest: String,
    /// The run.
    pub run: NewRun,
    /// When it was asked for.
    pub created_ms: EpochMs,
}

impl StartKey {
    /// For a run that is asked for under a key.
    pub fn new(key: &str, run: NewRun, created_ms: EpochMs) -> Self {
        Self {
            digest: digest(key),
            run,
            created_ms,
        }
    }

    /// Whether it is no longer known.
    pub fn is_over(&self, now_ms: EpochMs) -> bool {
        now_ms.saturating_sub(self.created_ms) >= KEPT_MS
    }
}

/// Whether a text can be a key: printable ASCII, 1 to 255 characters.
pub fn is_valid(key: &str) -> bool {
    (1..=MAX_BYTES).contains(&key.len()) && key.bytes().all(|b| (0x20..0x7f).contains(&b))
}

fn digest(key: &str) -> String {
    hex::encode(Sha256::digest(key))
}

/// Where the key of a job is stored.
pub fn stored_as(job: &JobRef, key: &str) -> String {
    format!("{job}/{}", digest(key))
}
