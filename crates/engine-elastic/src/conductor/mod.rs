//! The conductor: a worker that has Filebeat and Logstash move the records.
//!
//! ```text
//! claimed files ─ parts ─▶ frames ─▶ Filebeat ─▶ Logstash ─▶ core DMS
//!                                       └──── counters ────┘   └ what was sent, what was rejected ─ outcomes ─▶ book
//! ```
//!
//! It lives and dies as any worker does: the manager finds it by its run folder, it goes on while a manager is away for a
//! moment, and whoever starts it again begins with what is really there. Containers that an earlier one has left are removed
//! first, and everything is sent again: ids make that harmless, and what Logstash held in memory is lost with it.

mod counters;
mod dead;
mod failures;
mod figures;
mod forward;
mod ground;
mod outcomes;
mod parts;
mod stage;
mod take_away;

use std::sync::Arc;

use async_trait::async_trait;
use domain::error::Failure;
use domain::ledger::Ledger;
use domain::worker::{RunFolder, WorkOrder};
use engine_native::control::Ending;
use engine_native::records::Records;
use engine_native::worker::{Gauges, Plane, Shell};
use tokio::task::spawn_blocking;

use crate::docker::{Docker, Patience};
use counters::Counters;
use figures::Figures;
use parts::Parts;
use stage::{Ended, Stage};

pub use take_away::take_away;

/// Does orders whose engine is the elastic one.
#[derive(Debug, Default)]
pub struct Conductor {
    figures: Arc<Figures>,
}

#[async_trait]
impl Plane for Conductor {
    fn gauges(&self) -> Arc<dyn Gauges> {
        Arc::clone(&self.figures) as Arc<dyn Gauges>
    }

    async fn run(&self, shell: Shell) -> Result<bool, Failure> {
        let docker = connect(&shell.order).await?;
        clear(&docker, &shell.folder, &shell.order).await?;
        let records = Arc::new(Records::of(&shell.folder, &shell.order)?);
        let Some(parts) = framed(&shell, &records).await? else {
            return Ok(false);
        };
        if let Some(message) = over_budget(&shell, &parts.ledger) {
            shell.control.end(Ending::BudgetExceeded(message));
        }
        let ended = self.perform(&shell, &docker, &parts).await;
        let cleared = clear(&docker, &shell.folder, &shell.order).await;
        self.figures.rest();
        let ended = ended?;
        cleared?;
        match ended {
            Ended::Suspended => Ok(false),
            Ended::Played(counters) => settle(shell, records, parts, Some(counters)).await,
            Ended::CutShort => settle(shell, records, parts, None).await,
        }
    }

    async fn clear(&self, folder: &RunFolder, order: &WorkOrder) -> Result<(), Failure> {
        if !ground::is_marked(folder) {
            return Ok(()); // so also where there is no Docker
        }
        clear(&connect(order).await?, folder, order).await
    }
}

impl Conductor {
    async fn perform(
        &self,
        shell: &Shell,
        docker: &Docker,
        parts: &Parts,
    ) -> Result<Ended, Failure> {
        let figures = Arc::clone(&self.figures);
        let mut stage = tokio::select! {
            biased;
            () = shell.control.stopping().cancelled() => return Ok(Ended::early(&shell.control)),
            stage = Stage::set(shell, docker.clone(), parts, figures) => stage?,
        };
        let ended = stage.play().await;
        let struck = stage.strike(matches!(ended, Ok(Ended::Suspended))).await;
        let ended = ended?;
        struck.map(|()| ended)
    }
}

/// Removes everything of a run but what stands in its folder, however far it came.
async fn clear(docker: &Docker, folder: &RunFolder, order: &WorkOrder) -> Result<(), Failure> {
    docker.remove(&order.run).await?;
    ground::forget_secrets(folder)?;
    ground::remove_mark(folder)
}

async fn connect(order: &WorkOrder) -> Result<Docker, Failure> {
    let host = order.containers.docker_host.as_deref();
    Docker::connect(host, Patience::default()).await
}

/// The frames of the run's records; none if the worker is to end. Written once, whoever needs them later.
async fn framed(shell: &Shell, records: &Arc<Records>) -> Result<Option<Parts>, Failure> {
    let (shell, records) = (shell.clone(), Arc::clone(records));
    blocking(move || match Parts::load(&shell.folder)? {
        Some(parts) => Ok(Some(parts)),
        None => Parts::write(
            &shell.folder,
            &shell.order,
            &records,
            &shell.control,
            |share| {
                // sending them is the greater part of the work
                shell.live.has_come(share / 10.0);
                shell.live.moved();
            },
        ),
    })
    .await
}

/// Whether the decoder alone has refused more than may be.
fn over_budget(shell: &Shell, ledger: &Ledger) -> Option<String> {
    let budget = shell.order.spec.error_budget;
    budget.exceeded(ledger.rejected, ledger.read, true)
}

/// Enters what became of each record into the book.
async fn settle(
    shell: Shell,
    records: Arc<Records>,
    parts: Parts,
    counters: Option<Counters>,
) -> Result<bool, Failure> {
    shell.live.has_read_all();
    let runtime = tokio::runtime::Handle::current();
    blocking(move || {
        let complete = outcomes::settle(&shell, &records, &parts, counters, runtime)?;
        // the book says everything now
        ground::sweep(&shell.folder)?;
        Ok(complete)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = spawn_blocking(work).await;
    done.map_err(|e| failures::defect(&format!("work on files broke: {e}")))?
}
