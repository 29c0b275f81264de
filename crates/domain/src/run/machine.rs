//! The machine: `(run, event, now, policy) → run`. Pure; every pair of state and event is matched explicitly.
//!
//! The reconcile loop does the [`Activity`] of the state that a run is in; each activity is idempotent and yields an
//! event; [`next`] says what follows from it; the new run is stored before its activity begins. So recovery after a crash
//! is nothing special: the loop does the activity of the stored state again.

use crate::EpochMs;
use crate::error::Failure;
use crate::ledger::Ledger;
use crate::run::{Desired, MAX_UNDOS, Outcome, Run, RunState, Transition, Undo, budget_exceeded};
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
    /// Remove its documents.
    Undo,
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
            RunState::Undoing => Activity::Undo,
            RunState::Completed
            | RunState::CompletedWithRejects
            | RunState::Failed
            | RunState::Cancelled
            | RunState::Suspect
            | RunState::Undone => Activity::None,
        }
    }
}

/// What may happen to a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// It has its slot and its job's lock.
    Admitted,
    /// Its client called it off while no worker was there to be told: before a launch, between two, or while the core
    /// DMS could not be asked for its count.
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
        /// The sums that it left durably.
        ledger: Ledger,
        /// The concrete indices written to so far.
        indices: Vec<String>,
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
        /// The concrete indices counted over.
        indices: Vec<String>,
    },
    /// Everything is put away.
    TornDown,
    /// It has ended, and its documents are to go.
    UndoAsked(Box<Undo>),
    /// The core DMS holds none of them any more.
    Undone,
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
            Event::UndoAsked(_) => "undo_asked",
            Event::Undone => "undone",
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
        Self {
            max_losses: 5,
            backoff: Span { ms: 250 },
            max_backoff: Span::secs(30),
        }
    }
}

impl Policy {
    /// The wait after so many losses in a row.
    fn wait_ms(&self, losses: u32) -> EpochMs {
        let doubled = self
            .backoff
            .ms
            .saturating_mul(1 << losses.saturating_sub(1).min(20));
        EpochMs::try_from(doubled.min(self.max_backoff.ms)).unwrap_or(EpochMs::MAX)
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
    let illegal = Illegal {
        state: run.state,
        event: event.name(),
    };
    let name = event.name();
    let mut after = run.clone();
    let to = match (run.state, event) {
        (S::Queued, Event::Admitted) => S::Claiming,
        (S::Queued | S::Claiming, Event::CalledOff) => conclude(&mut after, Outcome::Cancelled),
        (S::Starting, Event::CalledOff) if run.launched => return Err(illegal),
        (S::Starting, Event::CalledOff) if run.attempt == 0 => {
            conclude(&mut after, Outcome::Cancelled)
        }
        (S::Starting, Event::CalledOff) => preset(&mut after, Outcome::Cancelled),
        (S::Verifying, Event::CalledOff) => {
            let known = after.outcome.take().unwrap_or(Outcome::Cancelled);
            conclude(&mut after, known)
        }
        (
            S::Claiming,
            Event::Claimed {
                at_ms,
                files,
                bytes,
            },
        ) => {
            after.claimed_ms = Some(at_ms);
            after.files_total = files;
            after.bytes_total = bytes;
            S::Starting
        }
        (S::Starting, Event::Launching) => {
            if run.launched {
                return Err(illegal);
            }
            after.attempt += 1;
            after.launched = true;
            S::Starting
        }
        // before a launch, whatever a worker says is an older one's
        (
            S::Starting,
            Event::WorkerReads
            | Event::WorkerHolds
            | Event::WorkerDrains
            | Event::WorkerExited(_)
            | Event::WorkerLost { .. },
        ) if !run.launched => return Err(illegal),
        (S::Starting | S::Running | S::Paused | S::Draining, Event::WorkerReads) => {
            up(&mut after, now_ms, S::Running)
        }
        (S::Starting | S::Running | S::Paused | S::Draining, Event::WorkerHolds) => {
            up(&mut after, now_ms, S::Paused)
        }
        (S::Starting | S::Running | S::Paused | S::Draining, Event::WorkerDrains) => {
            up(&mut after, now_ms, S::Draining)
        }
        (S::Starting | S::Running | S::Paused | S::Draining, Event::WorkerExited(exit)) => {
            if exit.attempt != run.attempt {
                return Err(illegal);
            }
            exited(&mut after, exit, now_ms, policy)
        }
        (
            S::Starting | S::Running | S::Paused | S::Draining,
            Event::WorkerLost {
                ledger,
                indices,
                failure,
            },
        ) => {
            after.ledger = ledger;
            after.indices = indices;
            lost(&mut after, failure, now_ms, policy)
        }
        // what a worker sent before is still to be counted
        (S::Starting | S::Running | S::Paused | S::Draining, Event::Impossible(failure))
            if run.attempt > 0 =>
        {
            preset(&mut after, Outcome::Failed { failure })
        }
        (
            S::Queued
            | S::Claiming
            | S::Starting
            | S::Running
            | S::Paused
            | S::Draining
            | S::Verifying,
            Event::Impossible(failure),
        ) => conclude(&mut after, Outcome::Failed { failure }),
        (
            S::Verifying,
            Event::Proven {
                outcome,
                ledger,
                indices,
            },
        ) => {
            after.ledger = ledger;
            after.indices = indices;
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
            S::Completed | S::CompletedWithRejects | S::Failed | S::Cancelled | S::Suspect,
            Event::UndoAsked(undo),
        ) => {
            if run.undos.len() >= MAX_UNDOS && undo.file.is_some() {
                return Err(illegal);
            }
            // one that failed is asked for again
            after.undos.retain(|undo| undo.failure.is_none());
            after.undos.push(*undo);
            S::Undoing
        }
        (S::Undoing, Event::Undone) => match (&run.outcome, after.undos.last_mut()) {
            (Some(outcome), Some(undo)) => {
                undo.finished_ms = Some(now_ms);
                match undo.file {
                    None => S::Undone,
                    Some(_) => outcome.state(),
                }
            }
            _ => return Err(illegal),
        },
        (S::Undoing, Event::Impossible(failure)) => match (&run.outcome, after.undos.last_mut()) {
            (Some(outcome), Some(undo)) => {
                undo.failure = Some(failure);
                outcome.state()
            }
            _ => return Err(illegal),
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
            | Event::TornDown
            | Event::UndoAsked(_)
            | Event::Undone,
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
            | Event::TornDown
            | Event::UndoAsked(_)
            | Event::Undone,
        )
        | (
            S::Starting,
            Event::Admitted
            | Event::Claimed { .. }
            | Event::Proven { .. }
            | Event::TornDown
            | Event::UndoAsked(_)
            | Event::Undone,
        )
        | (
            S::Running | S::Paused | S::Draining,
            Event::Admitted
            | Event::CalledOff
            | Event::Claimed { .. }
            | Event::Launching
            | Event::Proven { .. }
            | Event::TornDown
            | Event::UndoAsked(_)
            | Event::Undone,
        )
        | (
            S::Verifying,
            Event::Admitted
            | Event::Claimed { .. }
            | Event::Launching
            | Event::WorkerReads
            | Event::WorkerHolds
            | Event::WorkerDrains
            | Event::WorkerExited(_)
            | Event::WorkerLost { .. }
            | Event::TornDown
            | Event::UndoAsked(_)
            | Event::Undone,
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
            | Event::Proven { .. }
            | Event::UndoAsked(_)
            | Event::Undone,
        )
        | (
            S::Undoing,
            Event::Admitted
            | Event::CalledOff
            | Event::Claimed { .. }
            | Event::Launching
            | Event::WorkerReads
            | Event::WorkerHolds
            | Event::WorkerDrains
            | Event::WorkerExited(_)
            | Event::WorkerLost { .. }
            | Event::Proven { .. }
            | Event::TornDown
            | Event::UndoAsked(_),
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
            | Event::TornDown
            | Event::Undone,
        )
        | (
            S::Undone,
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
            | Event::TornDown
            | Event::UndoAsked(_)
            | Event::Undone,
        ) => return Err(illegal),
    };
    if to != RunState::Queued {
        after.waiting = None;
    }
    if to != run.state || after.attempt != run.attempt || after.losses != run.losses {
        record(
            &mut after,
            Transition {
                at_ms: now_ms,
                to,
                event: name.into(),
            },
        );
    }
    // whatever held it up, something has happened
    after.stalled = None;
    after.state = to;
    Ok(after)
}

/// Steps kept of a run's way.
const MAX_HISTORY: usize = 500;

/// Enters a step into the history. Its length is bounded, as clients may pause and resume as often as they like: the
/// request and the newest steps stay.
fn record(run: &mut Run, step: Transition) {
    if run.history.len() >= MAX_HISTORY {
        run.history.remove(1);
    }
    run.history.push(step);
}

fn up(run: &mut Run, now_ms: EpochMs, state: RunState) -> RunState {
    run.running_ms.get_or_insert(now_ms);
    state
}

/// No worker is left; how the run ends is known, and is to be confirmed by the count.
fn preset(run: &mut Run, outcome: Outcome) -> RunState {
    run.outcome = Some(outcome);
    run.launched = false;
    RunState::Verifying
}

fn conclude(run: &mut Run, outcome: Outcome) -> RunState {
    preset(run, outcome);
    RunState::TearingDown
}

fn exited(run: &mut Run, exit: WorkerExit, now_ms: EpochMs, policy: &Policy) -> RunState {
    run.ledger = exit.ledger;
    run.indices = exit.indices;
    let to = match exit.kind {
        ExitKind::Failed { failure } if failure.retryable => {
            return lost(run, failure, now_ms, policy);
        }
        ExitKind::Failed { failure } => return preset(run, Outcome::Failed { failure }),
        ExitKind::Drained => RunState::Verifying,
        ExitKind::Cancelled => preset(run, Outcome::Cancelled),
        ExitKind::BudgetExceeded { message } => preset(
            run,
            Outcome::Failed {
                failure: budget_exceeded(message),
            },
        ),
        ExitKind::Suspended if run.desired == Desired::Cancel => preset(run, Outcome::Cancelled),
        ExitKind::Suspended => {
            run.not_before_ms = now_ms;
            RunState::Starting
        }
    };
    run.losses = 0;
    run.launched = false;
    to
}

/// A worker has ended out of order; `run.ledger` is what it left. Progress since the loss before buys new patience.
fn lost(run: &mut Run, failure: Failure, now_ms: EpochMs, policy: &Policy) -> RunState {
    let accounted = run.ledger.accounted();
    run.losses = if accounted > run.accounted_at_loss {
        1
    } else {
        run.losses + 1
    };
    run.accounted_at_loss = accounted;
    run.last_loss = Some(failure.clone());
    run.launched = false;
    if run.desired == Desired::Cancel {
        return preset(run, Outcome::Cancelled);
    }
    if run.losses > policy.max_losses {
        return preset(run, Outcome::Failed { failure });
    }
    run.not_before_ms = now_ms.saturating_add(policy.wait_ms(run.losses));
    RunState::Starting
}

#[cfg(test)]
mod tests;
