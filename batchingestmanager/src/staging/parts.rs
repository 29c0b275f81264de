//! Uploads that can be continued: what came before one broke off is kept, under a name made of the file's name and
//! checksum, for a day after its last byte. It counts towards the client's quota.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use domain::ids::{ClientId, JobRef};
use sha2::{Digest, Sha256};

use super::{INCOMING, folders};
use crate::folder::{Folder, Stamp};

/// How long a part is kept after its last byte.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// How the names of parts begin.
const PREFIX: &str = "part-";

/// What is known of the parts, all jobs' together.
#[derive(Default)]
pub struct Parts(Mutex<HashMap<String, State>>);

enum State {
    UnderWay,
    /// The hash of its first bytes, so that they need not be read again.
    Hashed(u64, Sha256),
}

/// The name of a part.
pub fn part_name(job: &JobRef, name: &str, sha256: &str) -> String {
    let of = Sha256::digest(format!("{job}\n{name}\n{}", sha256.to_ascii_lowercase()));
    format!("{PREFIX}{}", hex::encode(of))
}

impl Parts {
    /// Begins an upload; none if it is under way.
    pub fn begin(self: &Arc<Self>, name: &str) -> Option<UnderWay> {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hashed = match states.insert(name.to_owned(), State::UnderWay) {
            Some(State::UnderWay) => return None,
            Some(State::Hashed(bytes, hash)) => Some((bytes, hash)),
            None => None,
        };
        Some(UnderWay {
            parts: self.clone(),
            name: name.to_owned(),
            hashed,
        })
    }

    /// The bytes of a client's parts that are not under way: those that are have their share of the quota by themselves.
    /// Removes those that nobody has continued for too long.
    pub fn usage(&self, root: &Folder, client: &ClientId) -> io::Result<u64> {
        let mut sum = 0;
        let Some(client) = root.child(client.as_str())? else {
            return Ok(0);
        };
        for job in folders(&client)? {
            // something else under that name is found out by the next upload
            if let Ok(Some(incoming)) = job.child(INCOMING) {
                sum += self.weigh(&incoming)?;
            }
        }
        Ok(sum)
    }

    fn weigh(&self, incoming: &Folder) -> io::Result<u64> {
        let mut sum = 0;
        for name in incoming.names()? {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
                continue;
            };
            let under_way = {
                let states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                matches!(states.get(name), Some(State::UnderWay))
            };
            let Some(stamp) = incoming.stamp(name)?.filter(|_| !under_way) else {
                continue;
            };
            if is_abandoned(&stamp) {
                incoming.remove_file(name)?;
            } else {
                sum += stamp.bytes;
            }
        }
        Ok(sum)
    }
}

/// Whether something in the folder of uploads is a part that can be continued.
pub fn is_kept(incoming: &Folder, name: &OsStr) -> bool {
    let is_part = name.to_str().is_some_and(|name| name.starts_with(PREFIX));
    let stamp = incoming.stamp(name).ok().flatten();
    is_part && stamp.is_some_and(|stamp| stamp.is_file() && !is_abandoned(&stamp))
}

fn is_abandoned(stamp: &Stamp) -> bool {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let modified = Duration::from_nanos(u64::try_from(stamp.modified_ns).unwrap_or(0));
    now.saturating_sub(modified) > KEPT
}

/// An upload of a part that is under way.
pub struct UnderWay {
    parts: Arc<Parts>,
    name: String,
    hashed: Option<(u64, Sha256)>,
}

impl UnderWay {
    /// The hash of the part's first `bytes`: of all that is there.
    pub fn hash(&mut self, part: &mut std::fs::File, bytes: u64) -> io::Result<Sha256> {
        match self.hashed.take() {
            Some((hashed, hash)) if hashed == bytes => Ok(hash),
            _ => {
                let (mut hash, mut buffer) = (Sha256::new(), vec![0; 256 << 10]);
                loop {
                    match part.read(&mut buffer)? {
                        0 => return Ok(hash),
                        n => hash.update(buffer.get(..n).unwrap_or_default()),
                    }
                }
            }
        }
    }

    /// The upload broke off behind `bytes` with this hash.
    pub fn keep(&mut self, bytes: u64, hash: Sha256) {
        self.hashed = Some((bytes, hash));
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut states = self.parts.0.lock().unwrap_or_else(PoisonError::into_inner);
        match self.hashed.take() {
            Some((bytes, hash)) => states.insert(self.name.clone(), State::Hashed(bytes, hash)),
            None => states.remove(&self.name),
        };
    }
}
