//! The launcher of both engines: workers as processes of this host. It finds a worker again, whoever started it, by its run folder alone.

mod calls;
mod process;

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use domain::error::{Culprit, Failure};
use domain::file::{FileProgress, FileState, Progress};
use domain::ids::FileKey;
use domain::ports::{Engine, Observed, RunContext};
use domain::preview::{Previewer, SampledFile};
use domain::spec::EngineKind;
use domain::worker::{Command, RunFolder, WorkOrder, WorkerAddress, WorkerExit};

use crate::checkpoint::Checkpoint;
use crate::files::{finished_files, read_indices, read_json, read_log};
use calls::Calls;
use process::Process;

/// Both engines, as a worker knows from its order what to do: launches `<program> <args…> --folder DIR --attempt N`.
pub struct Launcher {
    process: Process,
    calls: Calls,
}

impl Launcher {
    /// A launcher of this program.
    pub fn new(program: PathBuf, args: Vec<String>) -> Self {
        Self {
            process: Process { program, args },
            calls: Calls::new(),
        }
    }
}

#[async_trait]
impl Engine for Launcher {
    async fn launch(
        &self,
        context: &RunContext,
        _: &WorkOrder,
        attempt: u32,
    ) -> Result<(), Failure> {
        self.process.launch(&context.folder, attempt).await
    }

    async fn observe(&self, context: &RunContext) -> Result<Observed, Failure> {
        let seen = look(context.folder.clone()).await?;
        let Seen {
            exit,
            running,
            address,
        } = seen;
        if let Some(exit) = exit.filter(|exit| exit.attempt == context.run.attempt) {
            return Ok(Observed::Exited(exit));
        }
        if !running {
            return Ok(Observed::Absent);
        }
        let Some(address) = address.filter(|address| address.attempt == context.run.attempt) else {
            return Ok(Observed::Silent {
                reason: "it has not said yet where it can be reached".into(),
            });
        };
        Ok(match self.calls.status(&context.folder, &address).await {
            Ok(status) => Observed::Up(Box::new(status)),
            Err(reason) => Observed::Silent { reason },
        })
    }

    async fn command(&self, context: &RunContext, command: Command) -> Result<(), Failure> {
        let address = look(context.folder.clone())
            .await?
            .address
            .filter(|address| address.attempt == context.run.attempt);
        let told = match &address {
            Some(address) => self.calls.command(&context.folder, address, command).await,
            None => Err("it has not said yet where it can be reached".into()),
        };
        told.map_err(|reason| {
            let message = format!("the worker could not be told to {command:?}: {reason}");
            Failure::transient(
                "worker_not_told",
                Culprit::Platform,
                message,
                "it is told again",
            )
        })
    }

    async fn kill(&self, context: &RunContext) -> Result<(), Failure> {
        process::kill(&context.folder).await
    }

    async fn progress(&self, context: &RunContext) -> Result<Progress, Failure> {
        let folder = context.folder.clone();
        blocking(move || progress(&folder)).await
    }

    async fn missing(
        &self,
        context: &RunContext,
        files: &[FileKey],
        limit: usize,
    ) -> Result<BTreeMap<FileKey, Vec<u64>>, Failure> {
        if files.is_empty() {
            return Ok(BTreeMap::new());
        }
        self.process
            .audit(&context.folder, context.run.attempt, files, limit)
            .await
    }

    async fn remove(&self, context: &RunContext) -> Result<(), Failure> {
        process::kill(&context.folder).await?;
        match context.spec.engine {
            EngineKind::Native => Ok(()),
            EngineKind::Elastic => {
                let attempt = context.run.attempt;
                self.process.clear(&context.folder, attempt).await
            }
        }
    }
}

#[async_trait]
impl Previewer for Launcher {
    async fn preview(&self, folder: &RunFolder) -> Result<Vec<SampledFile>, Failure> {
        self.process.preview(folder).await
    }
}

/// What a run folder says of its worker.
struct Seen {
    exit: Option<WorkerExit>,
    running: bool,
    address: Option<WorkerAddress>,
}

async fn look(folder: RunFolder) -> Result<Seen, Failure> {
    blocking(move || {
        // the lock first: a worker that ends between the two looks has written its exit by then
        let running = process::is_running(&folder)?;
        Ok(Seen {
            running,
            exit: read_json(&folder.exit())?,
            address: read_json(&folder.address())?,
        })
    })
    .await
}

fn progress(folder: &RunFolder) -> Result<Progress, Failure> {
    let checkpoint = Checkpoint::load(folder)?;
    let mut files: Vec<FileProgress> = Vec::new();
    read_log(&finished_files(folder), checkpoint.files_bytes, |file| {
        files.push(file);
        Ok(())
    })?;
    let open = checkpoint.open.as_ref();
    files.extend(open.map(|open| FileProgress {
        index: open.index,
        state: FileState::Claimed,
        ledger: open.ledger,
    }));
    Ok(Progress {
        files,
        indices: read_indices(folder)?.into_iter().collect(),
        owners: checkpoint.owners,
    })
}

/// Runs file work off the runtime's threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| crate::worker_defect(&format!("looking at a run folder broke: {e}")))?
}
