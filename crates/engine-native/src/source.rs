//! A claimed file as a stream of uncompressed bytes, hashed as it is read.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::error::{Culprit, Failure};
use domain::file::{Compression, ManifestFile};
use flate2::bufread::MultiGzDecoder;
use sha2::{Digest, Sha256};

/// Packed bytes are read in pieces of this size.
const PACKED_PIECE: usize = 64 << 10;

/// A file being read.
#[derive(Debug)]
pub struct Source {
    name: String,
    sha256: String,
    reader: Unpacked,
    /// Uncompressed bytes that may still be read; none for all.
    limit: Option<u64>,
}

#[derive(Debug)]
enum Unpacked {
    Plain(Hashed),
    Gzip(Box<MultiGzDecoder<BufReader<Hashed>>>),
}

/// Hashes and counts what is read.
#[derive(Debug)]
struct Hashed {
    file: File,
    hash: Sha256,
    read: Arc<AtomicU64>,
}

impl Read for Hashed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(into)?;
        self.hash.update(into.get(..n).unwrap_or_default());
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl Source {
    /// Opens the claimed copy of a file; `read` counts its packed bytes as they are read.
    pub fn open(
        claimed: &Path,
        manifest: &ManifestFile,
        read: Arc<AtomicU64>,
    ) -> Result<Self, Failure> {
        let file = File::open(claimed.join(&manifest.claimed_as))
            .map_err(|e| unreadable(&manifest.name, 0, &e))?;
        let hashed = Hashed {
            file,
            hash: Sha256::new(),
            read,
        };
        let reader = match manifest.compression {
            Compression::None => Unpacked::Plain(hashed),
            Compression::Gzip => Unpacked::Gzip(Box::new(MultiGzDecoder::new(
                BufReader::with_capacity(PACKED_PIECE, hashed),
            ))),
        };
        Ok(Self {
            name: manifest.name.clone(),
            sha256: manifest.sha256.clone(),
            reader,
            limit: None,
        })
    }

    /// From here on it ends after so many uncompressed bytes.
    pub fn limit(&mut self, bytes: u64) {
        self.limit = Some(bytes);
    }

    /// From here on it ends where the file does.
    pub fn unlimit(&mut self) {
        self.limit = None;
    }

    /// Reads the next uncompressed bytes; 0 at the end. `at` is their offset, for the failure.
    pub fn read(&mut self, into: &mut [u8], at: u64) -> Result<usize, Failure> {
        let Some(limit) = self.limit else {
            return self.read_on(into, at);
        };
        let length = usize::try_from(limit).unwrap_or(usize::MAX).min(into.len());
        let read = match into.get_mut(..length).filter(|into| !into.is_empty()) {
            Some(into) => self.read_on(into, at)?,
            None => 0,
        };
        self.limit = Some(limit - read as u64);
        Ok(read)
    }

    fn read_on(&mut self, into: &mut [u8], at: u64) -> Result<usize, Failure> {
        loop {
            let read = match &mut self.reader {
                Unpacked::Plain(file) => file.read(into),
                Unpacked::Gzip(unpacked) => unpacked.read(into),
            };
            match read {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.broken(at, &e)),
                Ok(n) => return Ok(n),
            }
        }
    }

    /// At the end: whether the bytes were those of the manifest.
    pub fn verify(self) -> Result<(), Failure> {
        let mut hashed = match self.reader {
            Unpacked::Plain(hashed) => hashed,
            Unpacked::Gzip(unpacked) => unpacked.into_inner().into_inner(),
        };
        io::copy(&mut hashed, &mut io::sink()).map_err(|e| unreadable(&self.name, 0, &e))?;
        let found = hex::encode(hashed.hash.finalize());
        if found == self.sha256 {
            return Ok(());
        }
        let message = format!(
            "{:?} is not the file that was claimed: its SHA-256 is {found}, the manifest says {}",
            self.name, self.sha256
        );
        let next_step =
            "the claimed copy was changed or the disk is at fault; deliver the file again";
        Err(Failure::permanent(
            "content_changed",
            Culprit::Platform,
            message,
            next_step,
        ))
    }

    fn broken(&self, at: u64, error: &io::Error) -> Failure {
        if matches!(self.reader, Unpacked::Plain(_)) {
            return unreadable(&self.name, at, error);
        }
        let next_step = domain::run::REDELIVER_WHOLE;
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                let message = format!(
                    "{:?} is a truncated gzip file: it ends after {at} unpacked bytes",
                    self.name
                );
                Failure::permanent("gzip_truncated", Culprit::Client, message, next_step)
            }
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                let message = format!(
                    "{:?} is a corrupt gzip file: after {at} unpacked bytes: {error}",
                    self.name
                );
                Failure::permanent("gzip_corrupt", Culprit::Client, message, next_step)
            }
            _ => unreadable(&self.name, at, error),
        }
    }
}

fn unreadable(name: &str, at: u64, error: &io::Error) -> Failure {
    let message = format!("the claimed copy of {name:?} cannot be read at byte {at}: {error}");
    Failure::transient(
        "file_unreadable",
        Culprit::Platform,
        message,
        "it is tried again; the operator has to look at the disk of the run folder, and at the limit of open files",
    )
}
