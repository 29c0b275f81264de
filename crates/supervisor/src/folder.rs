//! Files of run folders: written whole or not at all, and private to the platform.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use domain::error::{Culprit, Failure};
use domain::worker::RunFolder;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::spawn_blocking;

/// Runs blocking work on files apart from the async threads.
pub(crate) async fn blocking<T, W>(work: W) -> io::Result<T>
where
    T: Send + 'static,
    W: FnOnce() -> io::Result<T> + Send + 'static,
{
    spawn_blocking(work)
        .await
        .unwrap_or_else(|lost| Err(io::Error::other(lost)))
}

/// What a client is told if a run folder cannot be used.
pub(crate) fn unusable(folder: &RunFolder, error: &io::Error) -> Failure {
    let message = format!(
        "the run folder {} cannot be used: {error}",
        folder.path().display()
    );
    let next_step = "the operator has to make it writable, or make room on its disk; the run goes on by itself then";
    Failure::transient("run_folder_unusable", Culprit::Platform, message, next_step)
}

/// Removes a folder with all that is in it; one that is not there is fine. A run that has just ended may still be writing its last
/// lines there, so what appears meanwhile is removed as well.
///
/// # Errors
///
/// What the file system says, also if files keep appearing for longer than a second.
pub async fn remove_folder(path: PathBuf) -> io::Result<()> {
    blocking(move || {
        let mut pauses = 20;
        loop {
            match fs::remove_dir_all(&path) {
                Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty && pauses > 0 => {
                    pauses -= 1;
                    thread::sleep(Duration::from_millis(50));
                }
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                Ok(()) | Err(_) => return Ok(()),
            }
        }
    })
    .await
}

/// Makes a directory (and those above it) that only the platform's user can enter.
pub(crate) fn make_private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Puts a file in place that only the platform's user can read: whole or not at all, also if the power goes.
pub(crate) fn write_atomic(
    path: &Path,
    fill: impl FnOnce(&mut io::BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let unfinished = unfinished(path);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?;
    let mut writer = io::BufWriter::new(file);
    fill(&mut writer)?;
    writer
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()?;
    fs::rename(&unfinished, path)?;
    path.parent()
        .map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".unfinished");
    name.into()
}

/// The same with JSON.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> io::Result<()> {
    write_atomic(path, |out| {
        serde_json::to_writer_pretty(&mut *out, value)?;
        out.write_all(b"\n")
    })
}

/// What a JSON file says; none if there is none.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// The end of a text file, at most `bytes` of it, from the beginning of a line; empty if there is no file.
pub(crate) fn tail(path: &Path, bytes: u64) -> io::Result<String> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
        Err(e) => return Err(e),
    };
    let length = file.metadata()?.len();
    let start = length.saturating_sub(bytes);
    file.seek(SeekFrom::Start(start))?;
    let mut end = Vec::new();
    file.take(bytes).read_to_end(&mut end)?;
    let whole = if start == 0 {
        0
    } else {
        end.iter().position(|&b| b == b'\n').map_or(0, |i| i + 1)
    };
    Ok(String::from_utf8_lossy(&end[whole..]).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_written_is_private_and_replaces_what_was_there() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("a/b");
        make_private_dir(&dir).unwrap();
        make_private_dir(&dir).unwrap();
        let path = dir.join("x.json");
        write_json(&path, &[1]).unwrap();
        write_json(&path, &[2]).unwrap();
        assert_eq!(read_json::<Vec<u32>>(&path).unwrap(), Some(vec![2]));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&dir), mode(&path)), (0o700, 0o600));
        assert_eq!(
            fs::read_dir(&dir).unwrap().count(),
            1,
            "nothing unfinished is left"
        );
    }

    #[tokio::test]
    async fn a_folder_is_removed_while_something_still_writes_there() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("job/run");
        make_private_dir(&dir).unwrap();
        let writer = thread::spawn({
            let dir = dir.clone();
            move || (0..3000).all(|i| fs::write(dir.join(i.to_string()), "late").is_ok())
        });
        let job = home.path().join("job");
        remove_folder(job.clone()).await.unwrap();
        assert!(!job.exists());
        writer.join().unwrap();
        remove_folder(job).await.unwrap();
    }

    #[test]
    fn a_tail_begins_with_a_whole_line() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("worker.log");
        assert_eq!(tail(&path, 10).unwrap(), "");
        fs::write(&path, "first line\nsecond\nthird\n").unwrap();
        assert_eq!(tail(&path, 16).unwrap(), "second\nthird");
        assert_eq!(tail(&path, 1000).unwrap(), "first line\nsecond\nthird");
    }
}
