//! The checksums of staged files, as far as somebody has read them: an upload, or a claim. With them a listing can say
//! that a file is not what its manifest lists, without reading it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::folder::Stamp;

/// So many are kept; beyond, all are forgotten, and learned again.
const MAX: usize = 100_000;

/// A file, as long as nobody writes to it.
type Key = (u64, u64, u64, i64);

/// What is known.
#[derive(Default)]
pub struct Digests(Mutex<HashMap<Key, String>>);

impl Digests {
    /// Notes the SHA-256 of a file.
    pub fn learn(&self, stamp: &Stamp, sha256: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX {
            known.clear();
        }
        known.insert(key(stamp), sha256.to_owned());
    }

    /// The SHA-256 of a file, if it is known.
    pub fn of(&self, stamp: &Stamp) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&key(stamp)).cloned()
    }
}

fn key(stamp: &Stamp) -> Key {
    (stamp.device, stamp.inode, stamp.bytes, stamp.modified_ns)
}
