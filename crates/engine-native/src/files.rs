//! Files of the run folder: written whole or not at all, or only ever appended to.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use domain::error::{Culprit, Failure};
use domain::worker::RunFolder;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The log of finished files: one [`domain::file::FileProgress`] a line.
pub fn finished_files(folder: &RunFolder) -> PathBuf {
    folder.path().join("files.ndjson")
}

/// The log of indices: one name a line, as a JSON string.
pub fn indices(folder: &RunFolder) -> PathBuf {
    folder.path().join("indices.ndjson")
}

/// The failure of a file that cannot be used.
pub fn unusable(path: &Path, error: &io::Error) -> Failure {
    let message = format!("{} cannot be used: {error}", path.display());
    let next_step =
        "make the run folder writable, or make room on its disk; the run goes on where it was";
    Failure::transient("run_folder_unusable", Culprit::Platform, message, next_step)
}

/// Puts a file in place: whole or not at all, also if the power goes.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let write = || {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".unfinished");
        let unfinished = PathBuf::from(unfinished);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        path.parent()
            .map_or(Ok(()), |dir| File::open(dir)?.sync_all())
    };
    write().map_err(|e| unusable(path, &e))
}

/// The same with JSON.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let bytes = serde_json::to_vec(value).map_err(|e| unusable(path, &e.into()))?;
    write_atomic(path, &bytes)
}

/// What a JSON file says; none if there is none.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Failure> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|e| unusable(path, &e.into())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unusable(path, &e)),
    }
}

/// The values of a log, up to `length` bytes; a last line without an end is none. Empty if there is no log.
pub fn read_log<T: DeserializeOwned>(
    path: &Path,
    length: u64,
    mut each: impl FnMut(T) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(unusable(path, &e)),
    };
    let mut reader = BufReader::new(io::Read::take(file, length));
    let mut line = Vec::new();
    loop {
        line.clear();
        reader
            .read_until(b'\n', &mut line)
            .map_err(|e| unusable(path, &e))?;
        if line.last() != Some(&b'\n') {
            return Ok(());
        }
        each(serde_json::from_slice(&line).map_err(|e| unusable(path, &e.into()))?)?;
    }
}

/// A log that is appended to, and whose length the checkpoint records.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    writer: BufWriter<File>,
    length: u64,
}

impl Log {
    /// Opens a log and cuts off what stands behind `length`: what was written after the last checkpoint.
    pub fn open(path: PathBuf, length: u64) -> Result<Self, Failure> {
        let open = || {
            let file = OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .mode(0o600)
                .open(&path)?;
            if file.metadata()?.len() < length {
                return Err(io::Error::other(format!(
                    "it is shorter than the {length} bytes that the checkpoint records"
                )));
            }
            file.set_len(length)?;
            Ok(file)
        };
        let file = open().map_err(|e| unusable(&path, &e))?;
        Ok(Self {
            path,
            writer: BufWriter::with_capacity(64 << 10, file),
            length,
        })
    }

    /// Appends whole lines.
    pub fn append(&mut self, lines: &[u8]) -> Result<(), Failure> {
        self.length += lines.len() as u64;
        self.writer
            .write_all(lines)
            .map_err(|e| unusable(&self.path, &e))
    }

    /// Hands everything to the system; gives the length, and a handle to sync it with.
    pub fn flush(&mut self) -> Result<(u64, File), Failure> {
        let flush = |writer: &mut BufWriter<File>| {
            writer.flush()?;
            writer.get_ref().try_clone()
        };
        flush(&mut self.writer)
            .map(|file| (self.length, file))
            .map_err(|e| unusable(&self.path, &e))
    }
}

/// The log of indices. A line stands in it, durably, before the first document goes to that index.
#[derive(Debug)]
pub struct IndexLog {
    path: PathBuf,
    file: File,
}

impl IndexLog {
    /// Opens the log of a run and gives what stands in it.
    pub fn open(folder: &RunFolder) -> Result<(Self, BTreeSet<String>), Failure> {
        let path = indices(folder);
        let known = read_indices(folder)?;
        let lines: Vec<u8> = known.iter().flat_map(|index| line(index)).collect();
        // without the half line that a crash may have left
        write_atomic(&path, &lines)?;
        let file = OpenOptions::new()
            .append(true)
            .open(&path)
            .map_err(|e| unusable(&path, &e))?;
        Ok((Self { path, file }, known))
    }

    /// Notes an index.
    pub fn append(&mut self, index: &str) -> Result<(), Failure> {
        let write = |file: &mut File| {
            file.write_all(&line(index))?;
            file.sync_data()
        };
        write(&mut self.file).map_err(|e| unusable(&self.path, &e))
    }
}

fn line(index: &str) -> Vec<u8> {
    let mut line = serde_json::Value::from(index).to_string().into_bytes();
    line.push(b'\n');
    line
}

/// The indices that a run has written to, or may have.
pub fn read_indices(folder: &RunFolder) -> Result<BTreeSet<String>, Failure> {
    let mut known = BTreeSet::new();
    read_log(&indices(folder), u64::MAX, |index: String| {
        known.insert(index);
        Ok(())
    })?;
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_cut_back_to_what_the_checkpoint_records() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut log = Log::open(path.clone(), 0).unwrap();
        log.append(b"1\n").unwrap();
        assert_eq!(log.flush().unwrap().0, 2);
        log.append(b"2\n").unwrap();
        drop(log);
        assert_eq!(fs::read(&path).unwrap(), b"1\n2\n");
        let mut log = Log::open(path.clone(), 2).unwrap();
        log.append(b"3\n").unwrap();
        log.flush().unwrap();
        let mut lines = Vec::new();
        read_log(&path, 4, |n: u32| {
            lines.push(n);
            Ok(())
        })
        .unwrap();
        assert_eq!(lines, [1, 3]);
        assert!(
            Log::open(path, 100).is_err(),
            "a log that lost lines is not gone on with"
        );
    }

    #[test]
    fn half_a_line_of_the_index_log_is_no_index() {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(dir.path());
        fs::write(indices(&folder), b"\"a\"\n\"b").unwrap();
        let (mut log, known) = IndexLog::open(&folder).unwrap();
        assert_eq!(known, BTreeSet::from(["a".into()]));
        log.append("c").unwrap();
        assert_eq!(
            read_indices(&folder).unwrap(),
            BTreeSet::from(["a".into(), "c".into()])
        );
    }
}
