//! The worker: a process that ingests one run's files (rule 21).
//!
//! It holds a lock on the run folder while it lives, and its last act is to write there how it ended.

mod pipeline;
mod sizes;
mod stages;

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use domain::error::{Culprit, Failure};
use domain::file::ManifestFile;
use domain::worker::{ExitKind, RunFolder, WorkOrder, WorkerAddress, WorkerExit};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::control::Ending;
use crate::files::{read_indices, read_json, read_log, unusable, write_json};
use crate::live::{Live, Progress};
use crate::meter::now_ms;
use crate::{limits, monitor};

pub(crate) use pipeline::{Plan, flow};

/// Exit code of a worker that found another one at work.
pub const EXIT_LOCKED: u8 = 3;

/// What a worker is told on its command line.
#[derive(Debug, Clone, Parser)]
#[command(name = "ingestworker", about = "Ingests the files of one run; launched by the manager")]
pub struct Arguments {
    /// The run folder.
    #[arg(long)]
    pub folder: PathBuf,
    /// Number of this launch, from 1.
    #[arg(long, default_value_t = 1)]
    pub attempt: u32,
    /// Instead of ingesting, find out which documents are missing; see `audit.json`.
    #[arg(long)]
    pub audit: bool,
}

/// Runs a worker as a process of its own.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    start(&arguments)
}

/// The same, for a program that has parsed the arguments and set up its logging.
pub fn start(arguments: &Arguments) -> ExitCode {
    let folder = RunFolder::new(&arguments.folder);
    let done = if arguments.audit { crate::audit::run(&folder).map(drop) } else { run_limited(&folder, arguments.attempt) };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tracing::error!(code = failure.code, "{failure}");
            ExitCode::from(if failure.code == LOCKED { EXIT_LOCKED } else { 1 })
        }
    }
}

const LOCKED: &str = "worker_locked";

fn run_limited(folder: &RunFolder, attempt: u32) -> Result<(), Failure> {
    if let Ok(order) = read_order(folder) {
        limits::apply(&order);
    }
    run(folder, attempt).map(drop)
}

/// Ingests what is left of a run. The exit has been written to the folder then; a failure means that it could not be, or that
/// another worker holds the folder.
pub fn run(folder: &RunFolder, attempt: u32) -> Result<WorkerExit, Failure> {
    let _lock = lock(folder)?;
    let (kind, live) = match prepare(folder, attempt) {
        Ok(prepared) => {
            let kind = pipeline::run(folder, &prepared);
            prepared.live.is_at(Progress::Finished);
            (kind, Some(prepared.live))
        }
        Err(failure) => (ExitKind::Failed { failure }, None),
    };
    let ledger = live.map(|live| live.ledger()).unwrap_or_default();
    let indices = read_indices(folder).unwrap_or_default().into_iter().collect();
    let exit = WorkerExit { attempt, kind, ledger, indices, at_ms: now_ms() };
    tracing::info!(?exit, "ends");
    write_json(&folder.exit(), &exit)?;
    Ok(exit)
}

/// Everything that a worker needs before it can begin.
#[derive(Debug)]
struct Prepared {
    order: WorkOrder,
    manifest: Vec<ManifestFile>,
    live: Arc<Live>,
}

fn prepare(folder: &RunFolder, attempt: u32) -> Result<Prepared, Failure> {
    let order = read_order(folder)?;
    let manifest = read_manifest(folder)?;
    let token = std::fs::read_to_string(folder.token()).map_err(|e| unusable(&folder.token(), &e))?;
    let bytes_total = manifest.iter().map(|file| file.bytes).sum();
    let files_total = u32::try_from(manifest.len()).unwrap_or(u32::MAX);
    let live = Arc::new(Live::new(order.run.clone(), attempt, bytes_total, files_total));
    let address = monitor::serve(Arc::clone(&live), token.trim().to_owned()).map_err(|e| {
        let message = format!("the monitoring interface cannot listen: {e}");
        Failure::transient("monitor_unusable", Culprit::Platform, message, "the worker is started again")
    })?;
    let address = WorkerAddress {
        pid: std::process::id(),
        attempt,
        url: format!("http://{address}"),
        limits_by: limits::ENFORCED_BY.into(),
    };
    write_json(&folder.address(), &address)?;
    limits::watch(order.memory, Arc::clone(&live.control));
    Ok(Prepared { order, manifest, live })
}

/// Locks the folder for as long as the result lives.
fn lock(folder: &RunFolder) -> Result<Flock<File>, Failure> {
    let path = folder.lock();
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(|e| unusable(&path, &e))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, error)| match error {
        Errno::EWOULDBLOCK => {
            let message = format!("another worker is at work on {}", folder.path().display());
            Failure::transient(LOCKED, Culprit::Platform, message, "nothing needs to be done")
        }
        error => unusable(&path, &error.into()),
    })
}

/// The work order.
pub(crate) fn read_order(folder: &RunFolder) -> Result<WorkOrder, Failure> {
    read_json(&folder.order())?.ok_or_else(|| missing(folder, "order.json"))
}

/// The manifest.
pub(crate) fn read_manifest(folder: &RunFolder) -> Result<Vec<ManifestFile>, Failure> {
    let mut files = Vec::new();
    read_log(&folder.manifest(), u64::MAX, |file: ManifestFile| files.push(file))?;
    if !folder.manifest().exists() {
        return Err(missing(folder, "manifest.ndjson"));
    }
    Ok(files)
}

fn missing(folder: &RunFolder, file: &str) -> Failure {
    let message = format!("there is no {file} in {}", folder.path().display());
    Failure::permanent("run_folder_incomplete", Culprit::Platform, message, "start a new run")
}

/// How the worker ends, by what it was told and how far it came.
fn exit_kind(live: &Live) -> ExitKind {
    let done = live.book().is_some_and(|book| book.entries().finished == live.files_total);
    match live.control.ending() {
        Some(Ending::Failed(failure)) => ExitKind::Failed { failure },
        Some(Ending::BudgetExceeded(message)) => ExitKind::BudgetExceeded { message },
        Some(Ending::Cancelled) => ExitKind::Cancelled,
        None | Some(Ending::Suspended) if done => ExitKind::Drained,
        Some(Ending::Suspended) => ExitKind::Suspended,
        None => ExitKind::Failed { failure: crate::worker_defect("the stages ended before all files were finished") },
    }
}
