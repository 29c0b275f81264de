//! The files that a file input has open.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use super::Feed;
use super::file::File;
use super::file_reader::FileReader;
use super::sincedb::{FileId, SinceDb};

/// The files that are followed.
pub struct Watch<'i> {
    input: &'i File,
    feed: &'i Feed,
    db: SinceDb,
    readers: HashMap<PathBuf, FileReader>,
    first_look: bool,
}

impl<'i> Watch<'i> {
    /// Nothing is open yet.
    pub fn new(input: &'i File, feed: &'i Feed, db: SinceDb) -> Self {
        Self {
            input,
            feed,
            db,
            readers: HashMap::new(),
            first_look: true,
        }
    }

    /// Writes how far files were read.
    pub fn save(&mut self) {
        if let Err(error) = self.db.save() {
            tracing::error!(%error, "the file input cannot keep its positions");
        }
    }

    /// Reads what is new in these files.
    pub fn look(&mut self, found: &[PathBuf]) {
        for path in found {
            if let Err(error) = self.visit(path) {
                tracing::warn!(path = %path.display(), %error, "the file cannot be read");
            }
        }
        self.first_look = false;
    }

    /// Hands over what codecs hold back.
    pub fn end(&mut self) {
        for reader in self.readers.values_mut() {
            reader.release(self.feed);
        }
        self.save();
    }

    /// Reads what is new in a file.
    fn visit(&mut self, path: &Path) -> io::Result<()> {
        if self.feed.is_stopped() {
            return Ok(());
        }
        let metadata = path.metadata()?;
        let (id, size) = (FileId::of(&metadata), metadata.len());
        // another file of this name, or less than was read
        let stale = |reader: &FileReader| reader.id != id || reader.position() > size;
        if self.readers.get(path).is_some_and(stale)
            && let Some(mut old) = self.readers.remove(path)
        {
            old.release(self.feed);
        }
        if !self.readers.contains_key(path) {
            let known = self.db.position(id);
            let start = self.input.start(known, size, self.first_look);
            if self.input.read_once && known == Some(size) && size > 0 {
                return Ok(());
            }
            let reader = self
                .input
                .reader(path, id, start)
                .map_err(|error| io::Error::other(error.to_string()))?;
            self.db.set(id, start, &path.to_string_lossy());
            self.readers.insert(path.to_owned(), reader);
        }
        let Some(reader) = self.readers.get_mut(path) else {
            return Ok(());
        };
        if reader.read(path, self.feed)? {
            self.db.set(id, reader.position(), &path.to_string_lossy());
        }
        reader.release_after_silence(self.feed);
        if self.input.read_once && !self.feed.is_stopped() {
            reader.end(self.feed);
            self.db.set(id, reader.position(), &path.to_string_lossy());
            self.readers.remove(path);
            self.db.save()?;
            self.input.complete(path)?;
            if self.input.delete_completed {
                self.db.forget(id);
            }
        }
        Ok(())
    }
}
