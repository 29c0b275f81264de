//! Copying a staged file so that nobody can change the copy (rule 15), and knowing what was copied.
//!
//! A hard link would not do: who has the original open could still write into it.

use std::fs::File;
use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

use super::packing::HEAD;
use crate::folder::{Folder, Stamp};

/// How often a file is taken again that changes while it is copied.
const ATTEMPTS: usize = 3;

/// A copy.
pub struct Copied {
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Its first bytes: they tell how it is packed.
    pub head: Vec<u8>,
    /// What it is a copy of.
    pub stamp: Stamp,
}

/// What became of an attempt to copy.
pub enum Outcome {
    /// It is there.
    Copied(Copied),
    /// The file is gone, or is no file any more.
    Gone,
    /// The file is being written to.
    Changing,
    /// The file may not be read.
    Unreadable(io::Error),
}

/// Copies files; one buffer for all of them.
pub struct Copier {
    buffer: Vec<u8>,
}

impl Copier {
    /// With its buffer.
    pub fn new() -> Self {
        Self {
            buffer: vec![0; 256 << 10],
        }
    }

    /// Copies the file `name` into `to`. Nothing is left there unless it is copied.
    pub fn copy(
        &mut self,
        from: &Folder,
        name: &str,
        to: &Folder,
        to_name: &str,
    ) -> io::Result<Outcome> {
        for _ in 0..ATTEMPTS {
            let (mut original, before) = match from.open_file(name) {
                Ok(Some(opened)) => opened,
                Ok(None) => return Ok(Outcome::Gone),
                Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                    return Ok(Outcome::Unreadable(e));
                }
                Err(e) => return Err(e),
            };
            let mut copy = to.create_file(to_name)?;
            let copied = self.fill(&mut original, &mut copy, before.bytes)?;
            if let Some((sha256, head)) = copied
                && Stamp::of(&original)? == before
            {
                return Ok(Outcome::Copied(Copied {
                    sha256,
                    head,
                    stamp: before,
                }));
            }
            to.remove_file(to_name)?;
        }
        Ok(Outcome::Changing)
    }

    /// Fills a copy, by reference to the same blocks where the file system can; none if it does not become `bytes` long.
    fn fill(
        &mut self,
        original: &mut File,
        copy: &mut File,
        bytes: u64,
    ) -> io::Result<Option<(String, Vec<u8>)>> {
        // from a clone, what is hashed is what the clone holds; an error means that this file system has no clones
        let cloned = rustix::fs::ioctl_ficlone(&*copy, &*original).is_ok();
        let (mut hash, mut read, mut head) = (Sha256::new(), 0_u64, Vec::<u8>::new());
        loop {
            let source = if cloned { &mut *copy } else { &mut *original };
            let n = match source.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            let part = &self.buffer[..n];
            read += n as u64;
            if read > bytes {
                return Ok(None); // it grows: do not run after it
            }
            head.extend(part.iter().take(HEAD - head.len()));
            hash.update(part);
            if !cloned {
                copy.write_all(part)?;
            }
        }
        Ok((read == bytes).then(|| (hex::encode(hash.finalize()), head)))
    }
}
