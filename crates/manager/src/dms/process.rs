//! The embedded core DMS's process: spawned or found again by the directory that it serves, watched, ended.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::Program;

/// So often an adopted process, of which the system tells nothing, is looked after.
const LOOK: Duration = Duration::from_millis(200);
/// A longer log is begun anew when the process is started.
const MAX_LOG_BYTES: u64 = 16 << 20;

/// A process that serves a directory.
pub(super) enum Process {
    /// Of this manager.
    Child(Child),
    /// Of a manager before it.
    Adopted { pid: i32, data: PathBuf },
}

impl Process {
    /// The process that serves `data` already, if there is one.
    pub(super) fn find(data: &Path) -> Option<Self> {
        let pid = fs::read_dir("/proc")
            .ok()?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let pid = pid.into_iter().find(|&pid| serves(pid, data))?;
        Some(Self::Adopted {
            pid,
            data: data.to_owned(),
        })
    }

    /// Starts the program on `data`, in a process group of its own: what ends the manager does not end it.
    pub(super) fn spawn(
        program: &Program,
        data: &Path,
        listen: &str,
        key: &Path,
        log: &Path,
    ) -> io::Result<Self> {
        if fs::metadata(log).is_ok_and(|log| log.len() > MAX_LOG_BYTES) {
            fs::remove_file(log)?;
        }
        let log = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(log)?;
        let mut command = Command::new(&program.path);
        command
            .args(&program.args)
            .arg("--data")
            .arg(data)
            .args(["--listen", listen])
            .arg("--api-key-file")
            .arg(key);
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        Ok(Self::Child(command.spawn()?))
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        match self {
            Self::Child(child) => child.try_wait().is_ok_and(|status| status.is_some()),
            Self::Adopted { pid, data } => !serves(*pid, data),
        }
    }

    /// Returns when it has ended.
    pub(super) async fn ended(&mut self) {
        match self {
            Self::Child(child) => {
                if let Err(error) = child.wait().await {
                    tracing::warn!(%error, "the embedded core DMS's process cannot be waited for");
                }
            }
            Self::Adopted { .. } => {
                while !self.has_ended() {
                    sleep(LOOK).await;
                }
            }
        }
    }

    /// Asks it to end, and ends it after `grace`; says whether it ended by itself.
    pub(super) async fn end(&mut self, grace: Duration) -> bool {
        self.signal(Signal::SIGTERM);
        if timeout(grace, self.ended()).await.is_ok() {
            return true;
        }
        self.signal(Signal::SIGKILL);
        self.ended().await;
        false
    }

    fn signal(&self, signal: Signal) {
        let pid = match self {
            Self::Child(child) => child.id().and_then(|pid| i32::try_from(pid).ok()),
            // a number that has gone to another process meanwhile is left alone
            Self::Adopted { pid, data } => serves(*pid, data).then_some(*pid),
        };
        if let Some(pid) = pid
            && let Err(error) = kill(Pid::from_raw(pid), signal)
        {
            tracing::debug!(pid, %error, "a signal did not arrive");
        }
    }
}

/// Whether a process was started to serve `data`. One that has ended has no command line.
fn serves(pid: i32, data: &Path) -> bool {
    let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else {
        return false;
    };
    let mut words = line.split(|&b| b == 0);
    let data = data.as_os_str().as_encoded_bytes();
    words.any(|word| word == b"--data") && words.next() == Some(data)
}
