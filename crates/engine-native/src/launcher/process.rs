//! Worker processes: started so that they outlive the manager, known by the lock that they hold, ended by their id.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use domain::error::{Culprit, Failure};
use domain::ids::FileKey;
use domain::preview::SampledFile;
use domain::worker::{RunFolder, WorkerAddress};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill as send};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use super::blocking;
use crate::files::{read_json, unusable, write_atomic};

/// A killed process is gone within moments; if not, something holds it in the kernel.
const GONE_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// An audit reads whole files.
const AUDIT_WITHIN: Duration = Duration::from_secs(3600);
/// Somebody waits for a preview.
const PREVIEW_WITHIN: Duration = Duration::from_secs(10);
/// Containers may take their time to end.
const CLEAR_WITHIN: Duration = Duration::from_secs(120);
/// As much of a failed process's words is told.
const WORDS: usize = 2000;

/// How a worker is started.
#[derive(Debug)]
pub struct Process {
    /// The program.
    pub program: PathBuf,
    /// What stands before the worker's own arguments.
    pub args: Vec<String>,
}

impl Process {
    /// Starts a worker, unless one runs there.
    pub async fn launch(&self, folder: &RunFolder, attempt: u32) -> Result<(), Failure> {
        let Some((lock, log)) = prepared(folder).await? else {
            return Ok(());
        };
        let errors = log.try_clone().map_err(|e| unusable(&folder.log(), &e))?;
        let child = self
            .command(folder, attempt)
            // the locked file itself: the lock lives exactly as long as the process
            .stdin(Stdio::from(lock))
            .stdout(Stdio::from(log))
            .stderr(Stdio::from(errors))
            .process_group(0)
            .kill_on_drop(false)
            .spawn()
            .map_err(|e| self.cannot_start(&e))?;
        let pid = child.id();
        reap(child);
        match pid {
            Some(pid) => {
                let folder = folder.clone();
                blocking(move || write_atomic(&pid_file(&folder), pid.to_string().as_bytes())).await
            }
            // it has ended already: its exit or the lock says so
            None => Ok(()),
        }
    }

    fn command(&self, folder: &RunFolder, attempt: u32) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .arg("--folder")
            .arg(folder.path())
            .args(["--attempt", &attempt.to_string()]);
        command
    }

    /// Has a worker process list what is missing.
    pub async fn audit(
        &self,
        folder: &RunFolder,
        attempt: u32,
        files: &[FileKey],
        limit: usize,
    ) -> Result<BTreeMap<FileKey, Vec<u64>>, Failure> {
        let mut command = self.command(folder, attempt);
        for file in files {
            command.args(["--audit", file.as_str()]);
        }
        command.args(["--audit-limit", &limit.to_string()]);
        let output = self.output(command, AUDIT_WITHIN).await?;
        let output = output.map_err(|why| audit_failed(&why))?;
        serde_json::from_slice(&output).map_err(|e| audit_failed(&e.to_string()))
    }

    /// Has a worker process preview the files of a folder.
    pub async fn preview(&self, folder: &RunFolder) -> Result<Vec<SampledFile>, Failure> {
        let mut command = self.command(folder, 1);
        // its last words are told to people: what went wrong, not where
        command.arg("--preview").env("RUST_BACKTRACE", "0");
        let output = self.output(command, PREVIEW_WITHIN).await?;
        let told = output.map_err(|why| preview_broke(&why))?;
        serde_json::from_slice::<Result<Vec<SampledFile>, Failure>>(&told)
            .map_err(|e| preview_broke(&e.to_string()))?
    }

    /// Has a worker process remove what another one has left besides the run folder.
    pub async fn clear(&self, folder: &RunFolder, attempt: u32) -> Result<(), Failure> {
        if !folder.order().exists() {
            return Ok(()); // nothing was ever launched
        }
        let mut command = self.command(folder, attempt);
        command.arg("--clear");
        let cleared = self.output(command, CLEAR_WITHIN).await?;
        cleared.map(drop).map_err(|why| {
            let message = format!("what the run has put up could not be removed: {why}");
            Failure::transient(
                "not_cleared",
                Culprit::Platform,
                message,
                "it is tried again; see whether Docker answers",
            )
        })
    }

    /// What a process prints that does nothing else, or its last words.
    async fn output(
        &self,
        mut command: Command,
        within: Duration,
    ) -> Result<Result<Vec<u8>, String>, Failure> {
        command
            .stdin(Stdio::null())
            .process_group(0)
            .kill_on_drop(true);
        let Ok(output) = tokio::time::timeout(within, command.output()).await else {
            return Ok(Err(format!("it took longer than {within:?}")));
        };
        let output = output.map_err(|e| self.cannot_start(&e))?;
        if output.status.success() {
            return Ok(Ok(output.stdout));
        }
        let begin = output.stderr.len().saturating_sub(WORDS);
        let words = output.stderr.get(begin..).unwrap_or_default();
        Ok(Err(String::from_utf8_lossy(words).into_owned()))
    }

    fn cannot_start(&self, error: &io::Error) -> Failure {
        let message = format!(
            "the worker {} cannot be started: {error}",
            self.program.display()
        );
        Failure::transient(
            "worker_cannot_start",
            Culprit::Platform,
            message,
            "check the manager's worker_program and the host's limits",
        )
    }
}

fn preview_broke(why: &str) -> Failure {
    let is_memory = |said: &str| why.contains(said);
    let message = if is_memory("memory allocation") || is_memory("allocation error") {
        "the preview took more memory than a run or a preview may have".to_owned()
    } else {
        // where in the program is for its log
        let where_ = |line: &&str| line.starts_with("thread '") || line.starts_with("note: ");
        let said: Vec<&str> = why
            .lines()
            .filter(|line| !line.is_empty() && !where_(line))
            .collect();
        format!("the preview broke off: {}", said.join("; "))
    };
    Failure::permanent(
        "preview_broke",
        Culprit::Client,
        message,
        "look for a step that takes very long or very much, such as a pattern that backtracks; preview fewer records to find the one that it fails on",
    )
}

fn audit_failed(why: &str) -> Failure {
    let message = format!("the missing documents could not be listed: {why}");
    Failure::transient(
        "audit_failed",
        Culprit::Platform,
        message,
        "run the job again: what arrived is not sent twice",
    )
}

fn pid_file(folder: &RunFolder) -> PathBuf {
    folder.path().join("worker.pid")
}

/// Lock and log of a run, once nobody works on it; none if somebody does. A worker that has said its last words holds the
/// lock for moments still.
async fn prepared(folder: &RunFolder) -> Result<Option<(File, File)>, Failure> {
    let until = tokio::time::Instant::now() + GONE_WITHIN;
    loop {
        let attempt = folder.clone();
        let found = blocking(move || Ok((prepare(&attempt)?, attempt.exit().exists())));
        match found.await? {
            (None, true) if tokio::time::Instant::now() < until => {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            (prepared, _) => return Ok(prepared),
        }
    }
}

/// Lock and log of a run that nobody works on; none if somebody does.
fn prepare(folder: &RunFolder) -> Result<Option<(File, File)>, Failure> {
    let Some(lock) = try_lock(folder)? else {
        return Ok(None);
    };
    // what an earlier worker said is not to be taken for this one's
    for stale in [folder.exit(), folder.address(), pid_file(folder)] {
        match fs::remove_file(&stale) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(unusable(&stale, &e)),
            _ => {}
        }
    }
    let path = folder.log();
    let log = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)
        .map_err(|e| unusable(&path, &e))?;
    Ok(Some((lock, log)))
}

/// The lock file, locked for as long as any copy of it is open; none if a worker holds it.
fn try_lock(folder: &RunFolder) -> Result<Option<File>, Failure> {
    let path = folder.lock();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|e| unusable(&path, &e))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(unusable(&path, &error)),
    }
}

/// Whether a worker holds the folder's lock.
pub fn is_running(folder: &RunFolder) -> Result<bool, Failure> {
    let path = folder.lock();
    let file = match OpenOptions::new().read(true).write(true).open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(unusable(&path, &e)),
    };
    match file.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(unusable(&path, &error)),
    }
}

/// Lets the system forget a worker that ends while this manager lives.
fn reap(mut child: Child) {
    tokio::spawn(async move {
        match child.wait().await {
            Ok(status) => tracing::debug!(%status, "a worker process ended"),
            Err(error) => tracing::warn!(%error, "a worker process could not be waited for"),
        }
    });
}

/// Ends a folder's worker and waits until it is gone.
pub async fn kill(folder: &RunFolder) -> Result<(), Failure> {
    let until = tokio::time::Instant::now() + GONE_WITHIN;
    loop {
        let folder_now = folder.clone();
        let running = blocking(move || {
            let running = is_running(&folder_now)?;
            if running && let Some(pid) = pid_of(&folder_now)? {
                match send(pid, Signal::SIGKILL) {
                    Ok(()) | Err(Errno::ESRCH) => {}
                    Err(error) => return Err(unusable(folder_now.path(), &error.into())),
                }
            }
            Ok(running)
        });
        if !running.await? {
            return Ok(());
        }
        if tokio::time::Instant::now() >= until {
            let message = format!("the worker of {} does not end", folder.path().display());
            return Err(Failure::transient(
                "worker_unkillable",
                Culprit::Platform,
                message,
                "it is tried again; look at the process on the host",
            ));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The id of the folder's worker, if the process of that id is really one of this folder.
fn pid_of(folder: &RunFolder) -> Result<Option<Pid>, Failure> {
    let path = pid_file(folder);
    let noted = match fs::read_to_string(&path) {
        Ok(text) => text.trim().parse::<u32>().ok(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            read_json::<WorkerAddress>(&folder.address())?.map(|address| address.pid)
        }
        Err(e) => return Err(unusable(&path, &e)),
    };
    let pid = noted
        .and_then(|pid| i32::try_from(pid).ok())
        .filter(|&pid| pid > 1 && works_on(pid, folder.path()));
    Ok(pid.map(Pid::from_raw))
}

fn works_on(pid: i32, folder: &Path) -> bool {
    use std::os::unix::ffi::OsStrExt;
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    arguments
        .split(|&b| b == 0)
        .any(|argument| argument == folder.as_os_str().as_bytes())
}
