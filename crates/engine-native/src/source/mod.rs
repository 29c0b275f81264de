//! A claimed file as a stream of uncompressed bytes, hashed as it is read.

mod unpack;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::error::{Culprit, Failure};
use domain::file::ManifestFile;
use domain::units::Bytes;
use sha2::{Digest, Sha256};

use unpack::Unpacked;

/// A file being read.
#[derive(Debug)]
pub struct Source {
    name: String,
    sha256: String,
    max_unpacked: Option<u64>,
    reader: Unpacked,
    /// Uncompressed bytes that may still be read; none for all.
    limit: Option<u64>,
}

/// Hashes and counts what is read.
#[derive(Debug)]
struct Hashed<R> {
    file: R,
    hash: Sha256,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Hashed<R> {
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
        let reader = Unpacked::new(hashed, manifest.compression)
            .map_err(|e| unreadable(&manifest.name, 0, &e))?;
        Ok(Self {
            name: manifest.name.clone(),
            sha256: manifest.sha256.clone(),
            max_unpacked: manifest
                .terms
                .max_unpacked
                .filter(|_| reader.packing().is_some()),
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

    /// Reads the next uncompressed bytes; 0 at the end. `at` is their offset, for the failure, and for the bound of what
    /// the file may unpack to.
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
            match self.reader.read(into) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    let fault = self.reader.fault(&self.name, at, &e);
                    return Err(fault.unwrap_or_else(|| unreadable(&self.name, at, &e)));
                }
                Ok(n) => {
                    let max = self.max_unpacked.filter(|&max| at + n as u64 > max);
                    return max.map_or(Ok(n), |max| Err(expanded(&self.name, max)));
                }
            }
        }
    }

    /// At the end: whether the bytes were those of the manifest.
    pub fn verify(self) -> Result<(), Failure> {
        let mut hashed = self.reader.into_inner();
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
}

/// A file that unpacks to more than its client's plan allows.
fn expanded(name: &str, max: u64) -> Failure {
    let message = format!(
        "{name:?} unpacks to more than {}, the most that the plan allows for a file of its size (max_expansion, max_expanded_bytes)",
        Bytes(max)
    );
    let next_step =
        "deliver it in parts or less packed, or ask the operator for a larger bound in the plan";
    Failure::permanent("expansion_too_large", Culprit::Client, message, next_step)
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

#[cfg(test)]
mod tests;
