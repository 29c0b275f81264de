//! What the worker finds in its run folder, and the lock that says that it lives.

use std::fs::{self, File, OpenOptions};
use std::io::BufRead;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use domain::error::{Culprit, Failure};
use domain::file::ManifestFile;
use domain::worker::{RunFolder, WorkOrder};

use crate::files::{read_json, unusable};

/// The order of a run.
pub fn order(folder: &RunFolder) -> Result<WorkOrder, Failure> {
    read_json(&folder.order())?.ok_or_else(|| nothing_there(folder))
}

/// The manifest of a run.
pub fn manifest(folder: &RunFolder) -> Result<Vec<ManifestFile>, Failure> {
    let path = folder.manifest();
    let file = File::open(&path).map_err(|e| unusable(&path, &e))?;
    std::io::BufReader::new(file)
        .lines()
        .map(|line| line.and_then(|line| serde_json::from_str(&line).map_err(Into::into)))
        .collect::<Result<_, _>>()
        .map_err(|e| unusable(&path, &e))
}

/// How many files a run has, and their bytes.
pub fn totals(folder: &RunFolder) -> Result<(u32, u64), Failure> {
    let files = manifest(folder)?;
    let bytes = files.iter().map(|file| file.bytes).sum();
    Ok((u32::try_from(files.len()).unwrap_or(u32::MAX), bytes))
}

/// The secret that the worker's socket asks for.
pub fn token(folder: &RunFolder) -> Result<String, Failure> {
    let path = folder.token();
    let token = fs::read_to_string(&path).map_err(|e| unusable(&path, &e))?;
    Ok(token.trim_end().to_owned())
}

fn nothing_there(folder: &RunFolder) -> Failure {
    let message = format!("{} holds no work order", folder.path().display());
    Failure::permanent(
        "no_work_order",
        Culprit::Platform,
        message,
        "start the run through the manager",
    )
}

/// The lock on a run folder, held for as long as the process lives.
pub struct Locked {
    _lock: Option<File>,
}

impl Locked {
    /// Takes the lock. A launcher has taken it already and handed it over as standard input, so that there is no moment
    /// at which nobody holds it.
    pub fn take(folder: &RunFolder) -> Result<Self, Failure> {
        let path = folder.lock();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| unusable(&path, &e))?;
        if handed_over(&file) {
            return Ok(Self { _lock: None });
        }
        match file.try_lock() {
            Ok(()) => Ok(Self { _lock: Some(file) }),
            Err(error) => {
                let message = format!(
                    "another worker is at work in {}: {error}",
                    folder.path().display()
                );
                Err(Failure::transient(
                    "worker_running",
                    Culprit::Platform,
                    message,
                    "wait for it to end",
                ))
            }
        }
    }
}

/// Whether standard input is the lock file.
fn handed_over(lock: &File) -> bool {
    let stdin = std::io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map(File::from)
        .and_then(|file| file.metadata());
    match (stdin, lock.metadata()) {
        (Ok(stdin), Ok(lock)) => (stdin.dev(), stdin.ino()) == (lock.dev(), lock.ino()),
        _ => false,
    }
}
