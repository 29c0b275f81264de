//! A queue that is being written.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::entry::Entry;
use super::letters::{finished, segments, unfinished};
use super::record::{HEADER, MAX_ENTRY, VERSION, VERSION_SIZE, records};
use super::recovery::finish_leftovers;

/// A segment is finished before it has more bytes than these.
const SEGMENT_BYTES: u64 = 10 * 1024 * 1024;
/// Held while somebody writes the queue.
const LOCK: &str = ".lock";

/// The dead letter queue of one pipeline. Its folder is made, and taken, with the first entry.
#[derive(Debug)]
pub struct Queue {
    folder: PathBuf,
    max_bytes: u64,
    state: Mutex<State>,
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is in the queue.
    Stored,
    /// The queue is full, or the entry is too large: it is not kept.
    Dropped,
}

/// How a queue is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueStatus {
    /// Bytes of all segments, as far as known.
    pub bytes: u64,
    /// The most bytes that they may have.
    pub max_bytes: u64,
    /// Entries that were not kept.
    pub dropped: u64,
    /// Why the last of them was not.
    pub last_error: Option<String>,
}

#[derive(Debug, Default)]
struct State {
    /// Whose file is locked for as long as it is open.
    lock: Option<File>,
    head: Option<Head>,
    /// The number of the last segment.
    number: u64,
    bytes: u64,
    dropped: u64,
    last_error: Option<String>,
}

/// The segment that is being written.
#[derive(Debug)]
struct Head {
    file: File,
    /// Where its last entry ends.
    end: u64,
    /// Whether something may be lost in a crash.
    dirty: bool,
}

impl Queue {
    /// A queue of at most `max_bytes` in `folder`, `<path.dead_letter_queue>/<pipeline id>`.
    #[must_use]
    pub fn new(folder: PathBuf, max_bytes: u64) -> Self {
        Self {
            folder,
            max_bytes,
            state: Mutex::default(),
        }
    }

    /// Keeps an entry, unless the queue is full or the entry too large.
    ///
    /// # Errors
    /// When the queue cannot be written, or another process writes it.
    pub fn keep(&self, entry: &Entry) -> io::Result<Kept> {
        let bytes = entry.encode();
        let mut state = self.state();
        if bytes.len() > MAX_ENTRY {
            let size = bytes.len();
            return Ok(self.drop_entry(
                &mut state,
                &format!("an entry of {size} bytes is too large (at most {MAX_ENTRY})"),
            ));
        }
        self.begin(&mut state)?;
        let needed = (HEADER + bytes.len()) as u64;
        if state.bytes + needed > self.max_bytes {
            // somebody who read it may have cleaned up
            state.bytes = self.size()?;
            if state.bytes + needed > self.max_bytes {
                let most = self.max_bytes;
                let why = format!("it is full (`dead_letter_queue.max_bytes` is {most})");
                return Ok(self.drop_entry(&mut state, &why));
            }
        }
        let end = state.head.as_ref().map_or(0, |head| head.end);
        if end > VERSION_SIZE && end + needed > SEGMENT_BYTES {
            self.finish(&mut state)?;
        }
        if state.head.is_none() {
            self.next_segment(&mut state)?;
        }
        let written = match &mut state.head {
            Some(head) => head.append(&bytes)?,
            None => 0,
        };
        state.bytes += written;
        Ok(Kept::Stored)
    }

    /// Makes everything that was kept outlive a crash.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn sync(&self) -> io::Result<()> {
        match &mut self.state().head {
            Some(head) if head.dirty => {
                head.file.sync_data()?;
                head.dirty = false;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Finishes the segment and leaves the queue to others. What is kept later begins a new segment.
    ///
    /// # Errors
    /// When the segment cannot be finished.
    pub fn close(&self) -> io::Result<()> {
        let mut state = self.state();
        self.finish(&mut state)?;
        state.lock = None;
        Ok(())
    }

    /// How the queue is doing.
    #[must_use]
    pub fn status(&self) -> QueueStatus {
        let state = self.state();
        QueueStatus {
            bytes: state.bytes,
            max_bytes: self.max_bytes,
            dropped: state.dropped,
            last_error: state.last_error.clone(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the folder, if that is not done yet.
    fn begin(&self, state: &mut State) -> io::Result<()> {
        if state.lock.is_some() {
            return Ok(());
        }
        make_folder(&self.folder)?;
        let lock = File::create(self.folder.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => io::Error::new(
                io::ErrorKind::ResourceBusy,
                format!(
                    "another process writes the dead letter queue {}",
                    self.folder.display()
                ),
            ),
            TryLockError::Error(error) => error,
        })?;
        finish_leftovers(&self.folder)?;
        state.number = segments(&self.folder)?.last().copied().unwrap_or(0);
        state.bytes = self.size()?;
        state.lock = Some(lock);
        Ok(())
    }

    fn drop_entry(&self, state: &mut State, why: &str) -> Kept {
        let folder = self.folder.display();
        let message = format!("the dead letter queue {folder} does not take an event: {why}");
        tracing::error!("{message}");
        state.dropped += 1;
        state.last_error = Some(message);
        Kept::Dropped
    }

    fn next_segment(&self, state: &mut State) -> io::Result<()> {
        let number = state.number + 1;
        let file = File::create(unfinished(&self.folder, number))?;
        file.write_all_at(&[VERSION], 0)?;
        sync_folder(&self.folder)?;
        state.number = number;
        state.bytes += VERSION_SIZE;
        state.head = Some(Head {
            file,
            end: VERSION_SIZE,
            dirty: true,
        });
        Ok(())
    }

    /// Finishes the segment that is being written; one without entries goes.
    fn finish(&self, state: &mut State) -> io::Result<()> {
        let Some(head) = &state.head else {
            return Ok(());
        };
        let path = unfinished(&self.folder, state.number);
        if head.end > VERSION_SIZE {
            head.file.sync_all()?;
            fs::rename(&path, finished(&self.folder, state.number))?;
        } else {
            fs::remove_file(&path)?;
        }
        state.head = None;
        sync_folder(&self.folder)
    }

    /// Bytes of all segments.
    fn size(&self) -> io::Result<u64> {
        let mut bytes = 0;
        for number in segments(&self.folder)? {
            for path in [
                finished(&self.folder, number),
                unfinished(&self.folder, number),
            ] {
                // what is not there has no bytes
                bytes += fs::metadata(path).map_or(0, |found| found.len());
            }
        }
        Ok(bytes)
    }
}

/// Makes a folder, and those that it is in, to outlive a crash.
fn make_folder(folder: &Path) -> io::Result<()> {
    let folder = std::path::absolute(folder)?;
    let missing = folder.ancestors().take_while(|path| !path.exists());
    let missing: Vec<&Path> = missing.collect();
    fs::create_dir_all(&folder)?;
    let mut parents = missing.into_iter().filter_map(Path::parent);
    parents.try_for_each(sync_folder)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

impl Head {
    /// Appends an entry; the bytes that it took.
    fn append(&mut self, entry: &[u8]) -> io::Result<u64> {
        let records = records(entry, self.end);
        self.dirty = true;
        if let Err(error) = self.file.write_all_at(&records, self.end) {
            // half an entry must not stand before the next one; that overwrites what cannot be cut off
            let _cut = self.file.set_len(self.end);
            return Err(error);
        }
        self.end += records.len() as u64;
        Ok(records.len() as u64)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            tracing::error!(%error, "the dead letter queue cannot be finished");
        }
    }
}
