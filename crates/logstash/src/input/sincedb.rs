//! How far files were read, kept in a file: inode, device (major, minor), position, time, path.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use crate::event::now_ms;

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId {
    inode: u64,
    device: u64,
}

impl FileId {
    /// The id of a file.
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            device: metadata.dev(),
        }
    }
}

/// Positions by file.
#[derive(Debug)]
pub struct SinceDb {
    path: PathBuf,
    entries: HashMap<FileId, Entry>,
    changed: bool,
}

#[derive(Debug)]
struct Entry {
    position: u64,
    seconds: f64,
    path: String,
}

impl SinceDb {
    /// Reads what is kept; lines that make no sense are left out. Entries older than `keep_seconds` are forgotten.
    ///
    /// # Errors
    /// When the file is there but cannot be read.
    pub fn open(path: PathBuf, keep_seconds: f64) -> io::Result<Self> {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let oldest = now_seconds() - keep_seconds;
        let entries = text
            .lines()
            .filter_map(entry)
            .filter(|(_, entry)| entry.seconds >= oldest)
            .collect();
        Ok(Self {
            path,
            entries,
            changed: false,
        })
    }

    /// How far a file was read; `None` if it was never met.
    pub fn position(&self, id: FileId) -> Option<u64> {
        self.entries.get(&id).map(|entry| entry.position)
    }

    /// Notes how far a file was read.
    pub fn set(&mut self, id: FileId, position: u64, path: &str) {
        let entry = Entry {
            position,
            seconds: now_seconds(),
            path: path.to_owned(),
        };
        self.entries.insert(id, entry);
        self.changed = true;
    }

    /// Forgets a file.
    pub fn forget(&mut self, id: FileId) {
        self.changed |= self.entries.remove(&id).is_some();
    }

    /// Writes the positions if they changed: whole, then in the old file's place.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn save(&mut self) -> io::Result<()> {
        if !self.changed {
            return Ok(());
        }
        if self.path.as_os_str() == "/dev/null" {
            self.changed = false;
            return Ok(());
        }
        let mut text = String::new();
        for (id, entry) in &self.entries {
            let (major, minor) = (
                nix::sys::stat::major(id.device),
                nix::sys::stat::minor(id.device),
            );
            // writing to a text cannot fail
            let _infallible = writeln!(
                text,
                "{} {major} {minor} {} {} {}",
                id.inode, entry.position, entry.seconds, entry.path
            );
        }
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let new = self.path.with_added_extension("new");
        std::fs::write(&new, text)?;
        std::fs::rename(&new, &self.path)?;
        self.changed = false;
        Ok(())
    }
}

fn now_seconds() -> f64 {
    now_ms() as f64 / 1000.0
}

fn entry(line: &str) -> Option<(FileId, Entry)> {
    let mut parts = line.splitn(6, ' ');
    let inode = parts.next()?.parse().ok()?;
    let (major, minor) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let position = parts.next()?.parse().ok()?;
    let seconds = parts
        .next()
        .map_or(Some(now_seconds()), |text| text.parse().ok())?;
    let path = parts.next().unwrap_or_default().to_owned();
    let device = nix::sys::stat::makedev(major, minor);
    let entry = Entry {
        position,
        seconds,
        path,
    };
    Some((FileId { inode, device }, entry))
}
