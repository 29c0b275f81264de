//! The machine: `(run, event, now, policy) → run`. Pure; every pair of state and event is matched explicitly.
//!
//! The reconcile loop does the [`Activity`] of the state that a run is in; each activity is idempotent and yields an
//! event; [`next`] says what follows from it; the new run is stored before its activity begins. So recovery after a crash
//! is nothing special: the loop does the activity of the stored state again.

use crate::EpochMs;
use crate::error::Failure;
use crate::ledger::Ledger;
use crate::run::{Desired, Outcome, Run, RunState, Transition, budget_exceeded};
use crate::units::Span;
use crate::worker::{ExitKind, WorkerExit};

/// What there is to do for a run in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Get a slot and the job's lock.
    Admit,
    /// Take the manifest.
    Claim,
    /// Start a worker.
    Launch,
    /// Watch the worker, and tell it what is desired.
    Watch,
    /// Ask the core DMS for its count.
    Verify,
    /// Put files away, write the report, free the slot.
    TearDown,
    /// Nothing.
    None,
}

impl RunState {
    /// What there is to do for a run in this state.
    pub const fn activity(self) -> Activity {
        match self {
            RunState::Queued => Activity::Admit,
            RunState::Claiming => Activity::Claim,
            RunState::Starting => Activity::Launch,
            RunState::Running | RunState::Paused | RunState::Draining => Activity::Watch,
            RunState::Verifying => Activity::Verify,
            RunState::TearingDown => Activity::TearDown,
            RunState::Completed | RunState::CompletedWithRejects | RunState::Failed | RunState::Cancelled | RunState::Suspect => Activity::None,
        }
    }
}

/// What may happen to a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// It has its slot and its job's lock.
    Admitted,
    /// Its client called it off before a worker was started.
    CalledOff,
    /// Its manifest is taken.
    Claimed {
        /// When: the run's clock.
        at_ms: EpochMs,
        /// How many files.
        files: u32,
        /// Their bytes.
        bytes: u64,
    },
    /// A worker is being launched; stored before it is.
    Launching,
    /// A worker answers and reads.
    WorkerReads,
    /// A worker answers and holds.
    WorkerHolds,
    /// A worker answers and waits for the last answers of its sink.
    WorkerDrains,
    /// A worker has ended and said how. Fenced by its attempt: an older one's exit is no event.
    WorkerExited(WorkerExit),
    /// A worker is gone without a word.
    WorkerLost {
        /// Whether the durable ledger has grown since the loss before.
        progressed: bool,
        /// What is known of why.
        failure: Failure,
    },
    /// The activity of this state cannot be done, and trying again will not help.
    Impossible(Failure),
    /// The core DMS was asked, and the sums were compared.
    Proven {
        /// How the run ends.
        outcome: Outcome,
        /// The sums over all files.
        ledger: Ledger,
    },
    /// Everything is put away.
    TornDown,
}

impl Event {
    /// Its name in a run's history.
    pub const fn name(&self) -> &'static str {
        match self {
            Event::Admitted => "admitted",
            Event::CalledOff => "called_off",
            Event::Claimed { .. } => "claimed",
            Event::Launching => "launching",
            Event::WorkerReads => "worker_reads",
            Event::WorkerHolds => "worker_holds",
            Event::WorkerDrains => "worker_drains",
            Event::WorkerExited(_) => "worker_exited",
            Event::WorkerLost { .. } => "worker_lost",
            Event::Impossible(_) => "impossible",
            Event::Proven { .. } => "proven",
            Event::TornDown => "torn_down",
        }
    }
}

/// How patient the machine is.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// So many workers may be lost in a row without progress.
    pub max_losses: u32,
    /// Wait before the first launch again; doubled with each further loss.
    pub backoff: Span,
    /// Longest wait.
    pub max_backoff: Span,
}

impl Default for Policy {
    fn default() -> Self {
        Self { max_losses: 5, backoff: Span { ms: 250 }, max_backoff: Span::secs(30) }
    }
}

impl Policy {
    /// The wait after so many losses in a row.
    fn wait_ms(&self, losses: u32) -> EpochMs {
        let doubled = self.backoff.ms.saturating_mul(1 << losses.saturating_sub(1).min(20));
        doubled.min(self.max_backoff.ms) as EpochMs
    }
}

/// An event that cannot happen in a state: a late message, or a defect. The run stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a run that is {state} cannot take the event {event}")]
pub struct Illegal {
    /// The run's state.
    pub state: RunState,
    /// The event's name.
    pub event: &'static str,
}

/// The run after an event.
pub fn next(run: &Run, event: Event, now_ms: EpochMs, policy: &Policy) -> Result<Run, Illegal> {
    use RunState as S;
    let illegal = Illegal { state: run.state, event: event.name() };
    let name = event.name();
    let mut after = run.clone();
    let to = match (run.state, event) {
        (S::Queued, Event::Admitted) => S::Claiming,
        (S::Queued | S::Claiming, Event::CalledOff) | (S::Starting, Event::CalledOff) if run.attempt == 0 => {
            conclude(&mut after, Outcome::Cancelled)
        }
        (S::Starting, Event::CalledOff) => S::Verifying,
        (S::Claiming, Event::Claimed { at_ms, files, bytes }) => {
            after.claimed_ms = Some(at_ms);
            after.files_total = files;
            after.bytes_total = bytes;
            S::Starting
        }
        (S::Starting, Event::Launching) => {
            after.attempt += 1;
            S::Starting
        }
        (S::Starting | S::Running | S::Paused | S::Draining, Event::WorkerReads) => up(&mut after, now_ms, S::Running),
        (S::Starting | S::Running | S::Paused | S::Draining, Event::WorkerHolds) => up(&mut after, now_ms, S::Paused),
        (S::Starting | S::Running | S::Paused | S::Draining, Event::WorkerDrains) => up(&mut after, now_ms, S::Draining),
        (S::Starting | S::Running | S::Paused | S::Draining, Event::WorkerExited(exit)) => {
            if exit.attempt != run.attempt {
                return Err(illegal);
            }
            exited(&mut after, exit, now_ms, policy)
        }
        (S::Starting | S::Running | S::Paused | S::Draining, Event::WorkerLost { progressed, failure }) => {
            lost(&mut after, progressed, failure, now_ms, policy)
        }
        (S::Queued | S::Claiming | S::Starting | S::Running | S::Paused | S::Draining | S::Verifying, Event::Impossible(failure)) => {
            conclude(&mut after, Outcome::Failed { failure })
        }
        (S::Verifying, Event::Proven { outcome, ledger }) => {
            after.ledger = ledger;
            conclude(&mut after, outcome)
        }
        (S::TearingDown, Event::TornDown) => match &run.outcome {
            Some(outcome) => {
                after.finished_ms = Some(now_ms);
                outcome.state()
            }
            None => return Err(illegal),
        },
        (
            S::Queued,
            Event::Claimed { .. }
            | Event::Launching
            | Event::WorkerReads
            | Event::WorkerHolds
            | Event::WorkerDrains
            | Event::WorkerExited(_)
            | Event::WorkerLost { .. }
            | Event::Proven { .. }
            | Event::TornDown,
        )
        | (
            S::Claiming,
            Event::Admitted
            | Event::Launching
            | Event::WorkerReads
            | Event::WorkerHolds
            | Event::WorkerDrains
            | Event::WorkerExited(_)
            | Event::WorkerLost { .. }
            | Event::Proven { .. }
            | Event::TornDown,
        )
        | (S::Queued | S::Claiming, Event::CalledOff)
        | (S::Starting, Event::Admitted | Event::Claimed { .. } | Event::Proven { .. } | Event::TornDown)
        | (
            S::Running | S::Paused | S::Draining,
            Event::Admitted | Event::CalledOff | Event::Claimed { .. } | Event::Launching | Event::Proven { .. } | Event::TornDown,
        )
        | (
            S::Verifying,
            Event::Admitted
            | Event::CalledOff
            | Event::Claimed { .. }
            | Event::Launching
            | Event::WorkerReads
            | Event::WorkerHolds
            | Event::WorkerDrains
            | Event::WorkerExited(_)
            | Event::WorkerLost { .. }
            | Event::TornDown,
        )
        | (
            S::TearingDown,
            Event::Admitted
            | Event::CalledOff
            | Event::Claimed { .. }
            | Event::Launching
            | Event::WorkerReads
            | Event::WorkerHolds
            | Event::WorkerDrains
            | Event::WorkerExited(_)
            | Event::WorkerLost { .. }
            | Event::Impossible(_)
            | Event::Proven { .. },
        )
        | (
            S::Completed | S::CompletedWithRejects | S::Failed | S::Cancelled | S::Suspect,
            Event::Admitted
            | Event::CalledOff
            | Event::Claimed { .. }
            | Event::Launching
            | Event::WorkerReads
            | Event::WorkerHolds
            | Event::WorkerDrains
            | Event::WorkerExited(_)
            | Event::WorkerLost { .. }
            | Event::Impossible(_)
            | Event::Proven { .. }
            | Event::TornDown,
        ) => return Err(illegal),
    };
    if to != RunState::Queued {
        after.waiting = None;
    }
    if to != run.state || name == "launching" {
        after.history.push(Transition { at_ms: now_ms, to, event: name.into() });
    }
    after.state = to;
    Ok(after)
}

fn up(run: &mut Run, now_ms: EpochMs, state: RunState) -> RunState {
    run.running_ms.get_or_insert(now_ms);
    state
}

fn conclude(run: &mut Run, outcome: Outcome) -> RunState {
    run.outcome = Some(outcome);
    run.stalled = None;
    RunState::TearingDown
}

fn exited(run: &mut Run, exit: WorkerExit, now_ms: EpochMs, policy: &Policy) -> RunState {
    let progressed = exit.ledger.accounted() > run.ledger.accounted();
    run.ledger = exit.ledger;
    run.indices = exit.indices;
    run.stalled = None;
    match exit.kind {
        ExitKind::Drained => RunState::Verifying,
        ExitKind::Cancelled => {
            run.outcome = Some(Outcome::Cancelled);
            RunState::Verifying
        }
        ExitKind::BudgetExceeded { message } => {
            run.outcome = Some(Outcome::Failed { failure: budget_exceeded(message) });
            RunState::Verifying
        }
        ExitKind::Suspended if run.desired == Desired::Cancel => {
            run.outcome = Some(Outcome::Cancelled);
            RunState::Verifying
        }
        ExitKind::Suspended => {
            run.not_before_ms = now_ms;
            RunState::Starting
        }
        ExitKind::Failed { failure } if failure.retryable => lost(run, progressed, failure, now_ms, policy),
        ExitKind::Failed { failure } => {
            run.outcome = Some(Outcome::Failed { failure });
            RunState::Verifying
        }
    }
}

fn lost(run: &mut Run, progressed: bool, failure: Failure, now_ms: EpochMs, policy: &Policy) -> RunState {
    run.losses = if progressed { 1 } else { run.losses + 1 };
    run.stalled = None;
    if run.losses > policy.max_losses {
        run.outcome = Some(Outcome::Failed { failure });
        return RunState::Verifying;
    }
    run.last_loss = Some(failure);
    run.not_before_ms = now_ms + policy.wait_ms(run.losses);
    RunState::Starting
}
