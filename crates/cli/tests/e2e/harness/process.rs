//! A process under test: its output goes to a file, and it does not outlive its test.
//!
//! It stays in the tester's process group, so that whoever interrupts the tests interrupts it too.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// A started process.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`; its output is appended to the file `log`.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let open =
            || -> io::Result<File> { OpenOptions::new().create(true).append(true).open(log) };
        let child = command
            .stdin(Stdio::null())
            .stdout(open().unwrap())
            .stderr(open().unwrap())
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?} cannot be started: {e}"));
        let log = log.to_owned();
        Self { child, log }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything that it and its predecessors have written.
    pub fn output(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        signal(self.child.id(), Signal::SIGTERM);
    }

    /// Ends it at once, and only it: what it started goes on.
    pub fn kill(&mut self) {
        signal(self.child.id(), Signal::SIGKILL);
        let status = self.child.wait().unwrap();
        assert!(
            status.signal().is_some() || status.code().is_some(),
            "it has ended: {status}"
        );
    }

    /// Its exit code, which must come `within` that time.
    pub async fn exit_code(&mut self, within: Duration) -> i32 {
        let began = Instant::now();
        loop {
            if let Some(status) = self.ended() {
                return status.code().unwrap_or_else(|| {
                    panic!("it did not end by itself: {status}\n{}", self.output())
                });
            }
            assert!(
                began.elapsed() < within,
                "it has not ended within {within:?}:\n{}",
                self.output()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // it may have ended meanwhile; there is nobody to tell
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Sends a signal to a process that may be gone already.
pub fn signal(process: u32, signal: Signal) {
    match kill(pid(process), signal) {
        Ok(()) | Err(nix::errno::Errno::ESRCH) => {}
        Err(e) => panic!("{signal} cannot be sent to process {process}: {e}"),
    }
}

fn pid(process: u32) -> Pid {
    Pid::from_raw(i32::try_from(process).unwrap())
}

/// The processes whose command line names `path`: workers and servers that a platform has started in its home.
pub fn processes_naming(path: &Path) -> Vec<(u32, String)> {
    let path = path.to_string_lossy();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            (id != std::process::id() && line.contains(&*path)).then_some((id, line))
        })
        .collect()
}
