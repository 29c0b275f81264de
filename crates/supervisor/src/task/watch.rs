//! Watching a worker: what it does becomes events and samples, what its client wants becomes commands.

use std::time::Duration;

use domain::error::{Culprit, Failure};
use domain::ports::{Observed, RunContext};
use domain::run::{Desired, Event, Run, RunState};
use domain::store::Versioned;
use domain::worker::{Command, Phase, Share, WorkOrder, WorkerExit, WorkerStatus};
use tokio::time::Instant;

use super::{Step, Task};
use crate::events::RunEvent;
use crate::folder::{blocking, read_json, unusable};
use crate::monitor::{Monitor, stall};

/// Shortest wait between two looks. The wait is a tenth of the time that the worker has been up, so that a short run is
/// not kept waiting and a long one not disturbed.
const MIN_WAIT: Duration = Duration::from_millis(50);

/// Longest wait while something is about to happen: a worker comes up, drains, or is to stop.
const ABOUT_TO: Duration = Duration::from_millis(200);

/// What is remembered of a worker while it is watched; nothing that must survive.
#[derive(Default)]
pub(super) struct Watching {
    begun: Option<Instant>,
    silent_since: Option<Instant>,
    /// Since when it was told to cancel, and what it had accounted for then.
    cancelling: Option<(Instant, u64)>,
    /// When sums and stall were last written into the run's document.
    projected: Option<Instant>,
    /// Address of the core DMS in the worker's order.
    ordered: Option<String>,
    /// When it was told its share of its client's rates last, and which one that was.
    pub(super) shared: Option<Instant>,
    pub(super) share: Option<Share>,
    /// Why it was killed, if it was.
    pub(super) killed: Option<Failure>,
    /// Processes that the host had killed for want of memory when the worker was launched.
    pub(super) oom_kills: Option<u64>,
}

impl Watching {
    /// A new worker.
    pub(super) fn begin(&mut self) {
        *self = Self {
            begun: Some(Instant::now()),
            oom_kills: super::lost::oom_kills(),
            ..Self::default()
        };
    }

    /// The next wait.
    pub(super) fn pace(&mut self) -> Duration {
        let begun = *self.begun.get_or_insert_with(Instant::now);
        (begun.elapsed() / 10).max(MIN_WAIT)
    }
}

impl Task {
    pub(super) async fn watch(&mut self, run: &mut Versioned<Run>) -> Result<Step, Failure> {
        let context = self.context(&run.value).await?;
        match self.shared.engine.observe(&context).await? {
            Observed::Exited(exit) if exit.attempt == run.value.attempt => {
                self.last_sample(&run.value, &context, &exit).await?;
                Ok(Step::Happened(Event::WorkerExited(exit)))
            }
            // the exit of an older worker: the newest has said nothing
            Observed::Absent | Observed::Exited(_) => {
                let failure = self.explain_loss(&context).await;
                self.lost(&run.value, &context, failure).await
            }
            Observed::Silent { reason } => self.silent(&context, &reason).await,
            Observed::Up(status) if status.attempt != run.value.attempt => {
                let reason = format!(
                    "attempt {} still ran while attempt {} was to run",
                    status.attempt, run.value.attempt
                );
                self.kill(&context, "worker_outdated", reason).await
            }
            Observed::Up(status) => self.up(run, &context, &status).await,
        }
    }

    async fn up(
        &mut self,
        run: &mut Versioned<Run>,
        context: &RunContext,
        status: &WorkerStatus,
    ) -> Result<Step, Failure> {
        self.watching.silent_since = None;
        self.sample(run, context, status).await?;
        self.share(context).await;
        if self.overdue(&run.value, status) {
            let reason = "it was told to cancel, but neither ended nor moved".into();
            return self.kill(context, "worker_did_not_cancel", reason).await;
        }
        let has_moved = self.core_dms_has_moved(context).await?;
        if let Some(command) = self.command(&run.value, status, has_moved)
            && let Err(failure) = self.shared.engine.command(context, command).await
        {
            // told again at the next look
            tracing::debug!(run = %self.id, ?command, %failure, "the worker may not have heard");
        }
        let state = run.value.state;
        let event = match status.phase {
            Phase::Reading if state != RunState::Running => Some(Event::WorkerReads),
            Phase::Paused if state != RunState::Paused => Some(Event::WorkerHolds),
            Phase::Draining if state != RunState::Draining => Some(Event::WorkerDrains),
            Phase::Starting
            | Phase::Reading
            | Phase::Paused
            | Phase::Draining
            | Phase::Finished => None,
        };
        Ok(event.map_or_else(
            || Step::Wait(self.next_look(&run.value, status.phase)),
            Step::Happened,
        ))
    }

    fn next_look(&mut self, run: &Run, phase: Phase) -> Duration {
        let calm = run.desired != Desired::Cancel
            && !self.leaves()
            && matches!(phase, Phase::Reading | Phase::Paused);
        let longest = if calm {
            self.shared.settings.sample_interval.duration()
        } else {
            ABOUT_TO
        };
        self.watching.pace().min(longest)
    }

    /// What the worker has to be told, by what is wanted and what it does.
    fn command(&self, run: &Run, status: &WorkerStatus, has_moved: bool) -> Option<Command> {
        // a worker knows only the address of its order; the next one gets the new address
        if self.leaves() || (has_moved && run.desired != Desired::Cancel) {
            return Some(Command::Suspend);
        }
        match (run.desired, status.phase) {
            (_, Phase::Finished) => None,
            (Desired::Cancel, _) => Some(Command::Cancel),
            (Desired::Pause, Phase::Starting | Phase::Reading) => Some(Command::Pause),
            (Desired::Run, Phase::Paused) => Some(Command::Resume),
            (Desired::Pause, Phase::Paused | Phase::Draining)
            | (Desired::Run, Phase::Starting | Phase::Reading | Phase::Draining) => None,
        }
    }

    /// Whether the core DMS is elsewhere than the worker's order says.
    async fn core_dms_has_moved(&mut self, context: &RunContext) -> Result<bool, Failure> {
        let ordered = match self.watching.ordered.take() {
            Some(url) => url,
            None => {
                let path = context.folder.order();
                let order = blocking(move || read_json::<WorkOrder>(&path))
                    .await
                    .map_err(|e| unusable(&context.folder, &e))?;
                order.map(|order| order.dms.url).unwrap_or_default()
            }
        };
        let ordered = self.watching.ordered.insert(ordered);
        Ok(!ordered.is_empty() && *ordered != self.shared.dms.endpoint().url)
    }

    /// Whether it was told to cancel long ago and does not move.
    fn overdue(&mut self, run: &Run, status: &WorkerStatus) -> bool {
        if run.desired != Desired::Cancel {
            self.watching.cancelling = None;
            return false;
        }
        let accounted = status.ledger.accounted();
        match self.watching.cancelling {
            Some((since, before)) if before == accounted => {
                since.elapsed() >= self.shared.settings.cancel_grace.duration()
            }
            _ => {
                self.watching.cancelling = Some((Instant::now(), accounted));
                false
            }
        }
    }

    async fn silent(&mut self, context: &RunContext, reason: &str) -> Result<Step, Failure> {
        let since = *self.watching.silent_since.get_or_insert_with(Instant::now);
        let patience = self.shared.settings.silent_after;
        if since.elapsed() >= patience.duration() {
            return self
                .kill(
                    context,
                    "worker_silent",
                    format!("it did not answer for {patience}: {reason}"),
                )
                .await;
        }
        Ok(Step::Wait(self.watching.pace().min(ABOUT_TO)))
    }

    /// Ends a worker that is of no use; the next look finds it gone.
    async fn kill(
        &mut self,
        context: &RunContext,
        code: &str,
        reason: String,
    ) -> Result<Step, Failure> {
        tracing::warn!(run = %self.id, reason, "killing a worker");
        self.shared.engine.kill(context).await?;
        let next_step =
            "it is started again and goes on from its checkpoint, unless the run was called off";
        let message = format!("the worker was killed: {reason}");
        self.watching.killed = Some(Failure::transient(
            code,
            Culprit::Platform,
            message,
            next_step,
        ));
        Ok(Step::Wait(MIN_WAIT))
    }

    /// Takes a sample if one is due, and projects sums and stall into the run, both at most once an interval.
    async fn sample(
        &mut self,
        run: &mut Versioned<Run>,
        context: &RunContext,
        status: &WorkerStatus,
    ) -> Result<(), Failure> {
        let now_ms = self.shared.now_ms();
        let dms = self.shared.health.get().await;
        let (id, hub) = (self.id.clone(), self.shared.clone());
        let settings = &self.shared.settings;
        let (interval, stall_after) = (settings.sample_interval, settings.stall_after);
        let monitor = self.monitor(&run.value, context).await?;
        if monitor.due(status, now_ms) {
            let sample = monitor
                .observe(status, dms, now_ms)
                .await
                .map_err(|e| unusable(&context.folder, &e))?;
            hub.hub.publish(&id, RunEvent::Sample(Box::new(sample)));
        }
        let stalled = stall(status, monitor.newest(), dms, now_ms, stall_after);
        if self
            .watching
            .projected
            .is_none_or(|at| at.elapsed() >= interval.duration())
        {
            self.watching.projected = Some(Instant::now());
            run.value.ledger = status.ledger;
            run.value.stalled = stalled;
        }
        Ok(())
    }

    async fn last_sample(
        &mut self,
        run: &Run,
        context: &RunContext,
        exit: &WorkerExit,
    ) -> Result<(), Failure> {
        let (dms, now_ms) = (self.shared.health.get().await, self.shared.now_ms());
        let monitor = self.monitor(run, context).await?;
        let sample = monitor
            .finish(run, exit, dms, now_ms)
            .await
            .map_err(|e| unusable(&context.folder, &e))?;
        self.shared
            .hub
            .publish(&self.id, RunEvent::Sample(Box::new(sample)));
        Ok(())
    }

    async fn monitor(&mut self, run: &Run, context: &RunContext) -> Result<&mut Monitor, Failure> {
        let interval = self.shared.settings.sample_interval;
        let monitor = match self.monitor.take() {
            Some(monitor) => monitor,
            None => Monitor::open(&context.folder, run, interval)
                .await
                .map_err(|e| unusable(&context.folder, &e))?,
        };
        Ok(self.monitor.insert(monitor))
    }
}
