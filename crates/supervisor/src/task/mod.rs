//! The task of a run: load it, do the activity of its state, store what follows, and again.

mod claim;
mod launch;
mod lost;
mod share;
mod teardown;
mod undo;
mod usage;
mod verify;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use domain::error::Failure;
use domain::ids::RunId;
use domain::monitor::Stall;
use domain::ports::RunContext;
use domain::run::{Activity, Event, Run, RunState};
use domain::spec::JobSpec;
use domain::store::{StoreError, Versioned};
use domain::worker::Stage;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::monitor::Monitor;
use crate::shared::{NotMoved, Shared};
use watch::Watching;

/// What an activity came to.
enum Step {
    /// Something happened.
    Happened(Event),
    /// Nothing yet; look again after this time, or when rung.
    Wait(Duration),
    /// Nothing more is to be done by this manager.
    Leave,
}

/// Waits of an activity that fails for a time: doubled from failure to failure.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LAST_RETRY: Duration = Duration::from_secs(5);

struct Task {
    shared: Arc<Shared>,
    id: RunId,
    bell: Arc<Notify>,
    stop: CancellationToken,
    /// Failures in a row of the present activity.
    failures: u32,
    /// The failure that was logged last.
    logged: Option<String>,
    monitor: Option<Monitor>,
    watching: Watching,
    /// The spec that the run runs; a revision never changes.
    spec: Option<JobSpec>,
}

/// Drives a run until it has ended, or until `stop` and its worker is at rest.
pub(crate) async fn drive(shared: Arc<Shared>, id: RunId, stop: CancellationToken) {
    let bell = shared.bell(&id);
    let watching = Watching::default();
    Task {
        shared,
        id,
        bell,
        stop,
        failures: 0,
        logged: None,
        monitor: None,
        watching,
        spec: None,
    }
    .drive()
    .await;
}

impl Task {
    async fn drive(mut self) {
        loop {
            let mut run = match self.shared.metadata.run(&self.id).await {
                Ok(Some(run)) if !run.value.state.is_final() => run,
                Ok(_) => return,
                Err(error) => {
                    if self.leaves() {
                        return;
                    }
                    self.rest(&error.to_string()).await;
                    continue;
                }
            };
            let before = run.clone();
            let step = self.act(&mut run).await;
            if !self.follow(before, run, step).await {
                return;
            }
        }
    }

    /// Whether the manager stops; a run whose worker is to be told so is seen to first.
    fn leaves(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// The activity of the run's state. It may change what it projects into the run's document (sums, stall); it may
    /// store the run itself, and then leaves it as stored.
    async fn act(&mut self, run: &mut Versioned<Run>) -> Result<Step, Failure> {
        let has_worker = run.value.launched;
        if self.leaves() && !has_worker {
            return Ok(Step::Leave);
        }
        match run.value.state.activity() {
            // a run in the queue has no task; this one was moved back, or is looked at too early
            Activity::Admit | Activity::None => Ok(Step::Leave),
            Activity::Claim => self.claim(run).await,
            Activity::Launch if has_worker => self.watch(run).await,
            Activity::Launch => self.launch(run).await,
            Activity::Watch => self.watch(run).await,
            Activity::Verify => self.verify(run).await,
            Activity::TearDown => self.tear_down(run).await,
            Activity::Undo => self.undo(run).await,
        }
    }

    /// What the ports are told.
    async fn context(&mut self, run: &Run) -> Result<RunContext, Failure> {
        if let Some(spec) = &self.spec {
            return Ok(RunContext {
                run: run.clone(),
                spec: spec.clone(),
                folder: self.shared.folder(run),
            });
        }
        let context = self.shared.context(run).await?;
        self.spec = Some(context.spec.clone());
        Ok(context)
    }

    /// Stores what follows from a step; false if the task is over.
    async fn follow(
        &mut self,
        before: Versioned<Run>,
        run: Versioned<Run>,
        step: Result<Step, Failure>,
    ) -> bool {
        let projected = run.version == before.version && run.value != before.value;
        match step {
            Ok(Step::Happened(event)) => self.move_on(&run, event).await,
            Ok(Step::Wait(time)) => {
                (self.failures, self.logged) = (0, None);
                self.settle(if projected {
                    self.shared.keep(&before, run.value).await.map(drop)
                } else {
                    Ok(())
                })
                .await;
                self.wait(time).await;
            }
            Ok(Step::Leave) => return false,
            Err(failure) if failure.retryable || run.value.state == RunState::TearingDown => {
                let stalled = self.stalled(&run.value, &failure);
                if run.value.stalled.as_ref() != Some(&stalled) {
                    let shown = Run {
                        stalled: Some(stalled),
                        ..run.value.clone()
                    };
                    self.settle(self.shared.keep(&run, shown).await.map(drop))
                        .await;
                }
                self.rest(&failure.to_string()).await;
            }
            Err(failure) => {
                tracing::error!(run = %self.id, code = failure.code, %failure, "a run cannot go on");
                self.move_on(&run, Event::Impossible(failure)).await;
            }
        }
        true
    }

    async fn move_on(&mut self, run: &Versioned<Run>, event: Event) {
        match self.shared.advance(run, event).await {
            Ok(_) => (self.failures, self.logged) = (0, None),
            Err(NotMoved::Store(error)) => self.settle(Err(error)).await,
            Err(NotMoved::Illegal(illegal)) => self.rest(&illegal.to_string()).await,
        }
    }

    /// A write that came too late is no failure: the run is read again.
    async fn settle(&mut self, written: Result<(), StoreError>) {
        match written {
            Ok(()) | Err(StoreError::Stale { .. }) => {}
            Err(error) => self.rest(&error.to_string()).await,
        }
    }

    /// How a failing activity is shown.
    fn stalled(&self, run: &Run, failure: &Failure) -> Stall {
        let stage = match run.state.activity() {
            Activity::Admit | Activity::Claim | Activity::Launch | Activity::Watch => Stage::Read,
            Activity::Verify | Activity::TearDown | Activity::Undo | Activity::None => Stage::Send,
        };
        let since_ms = run
            .stalled
            .as_ref()
            .map_or_else(|| self.shared.now_ms(), |stall| stall.since_ms);
        Stall {
            since_ms,
            stage,
            reason: failure.message.clone(),
        }
    }

    /// After a failure that may pass: says so once, and waits longer from time to time.
    async fn rest(&mut self, why: &str) {
        if self.logged.as_deref() != Some(why) {
            tracing::warn!(run = %self.id, why, "trying again");
            self.logged = Some(why.to_owned());
        }
        let time = FIRST_RETRY
            .saturating_mul(1 << self.failures.min(10))
            .min(LAST_RETRY);
        self.failures += 1;
        self.wait(time).await;
    }

    /// Waits for time to pass or for the bell. The manager's stop ends a wait once; after it only time does.
    async fn wait(&self, time: Duration) {
        let stopping = self.stop.is_cancelled();
        tokio::select! {
            () = sleep(time) => {}
            () = self.bell.notified() => {}
            () = self.stop.cancelled(), if !stopping => {}
        }
    }
}
