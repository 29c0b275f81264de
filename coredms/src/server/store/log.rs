//! One file of the write-ahead log: appended under the index's lock, synced once for all who wait.

use super::files::sync_directory;
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// An open log file.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    written: AtomicU64,
    synced: Mutex<u64>,
}

impl Log {
    /// Creates the log whose first operation will be `first_seq`.
    pub fn create(directory: &Path, first_seq: u64) -> io::Result<Self> {
        let path = directory.join(format!("wal-{first_seq:020}"));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        sync_directory(directory)?;
        Ok(Self {
            path,
            file,
            written: AtomicU64::new(0),
            synced: Mutex::new(0),
        })
    }

    /// The log files in `directory`, oldest first.
    pub fn list(directory: &Path) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("wal-") {
                found.push(entry.path());
            }
        }
        found.sort();
        Ok(found)
    }

    /// Bytes written.
    pub fn len(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a frame; returns the end. Only called under the index's lock.
    pub fn append(&self, frame: &[u8]) -> io::Result<u64> {
        (&self.file).write_all(frame)?;
        let end = self.len() + frame.len() as u64;
        self.written.store(end, Ordering::Release);
        Ok(end)
    }

    /// Returns when everything up to `end` is on disk. Whoever comes first syncs for all that
    /// wrote meanwhile; the others find their bytes covered.
    pub fn sync(&self, end: u64) -> io::Result<()> {
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced < end {
            let target = self.len();
            self.file.sync_data()?;
            *synced = target;
        }
        Ok(())
    }

    /// Reads `length` bytes at `offset`.
    pub fn read(&self, offset: u64, length: u32) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length as usize];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }
}
