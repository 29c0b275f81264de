//! A run of a job: its document, its states, and the machine that moves between them.

mod machine;
mod proof;
mod undo;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::EpochMs;
use crate::audit::Actor;
use crate::client::Waiting;
use crate::error::Failure;
use crate::ids::{ClientId, JobId, JobRef, RunId};
use crate::ledger::Ledger;
use crate::monitor::Stall;
use crate::replay::Replay;
use crate::spec::EngineKind;

pub use machine::{Activity, Event, Illegal, Policy, next};
pub use proof::{REDELIVER_WHOLE, budget_exceeded, outcome, over_existing};
pub use undo::{MAX_UNDOS, ProofVoid, Relying, Undo, UndoPreview, UndoneFile};

/// Where a run is on its way (rule 19).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Waits for a slot and for its job.
    Queued,
    /// Takes its manifest.
    Claiming,
    /// A worker is being started, or started again.
    Starting,
    /// A worker reads.
    Running,
    /// A worker holds.
    Paused,
    /// Reading has ended; answers of the sink are awaited.
    Draining,
    /// The worker has ended; the core DMS is asked for its count.
    Verifying,
    /// The outcome is known; files are put away and the report is written.
    TearingDown,
    /// Everything arrived.
    Completed,
    /// Everything arrived but for rejects within the error budget.
    CompletedWithRejects,
    /// It could not be done, or too much was rejected.
    Failed,
    /// It was called off; what had arrived by then is accounted for.
    Cancelled,
    /// Drained, but the sums differ: everything is kept.
    Suspect,
    /// Its documents, or one file's, are being removed again (rule 18).
    Undoing,
    /// None of its documents are left.
    Undone,
}

impl RunState {
    /// All of them.
    pub const ALL: [RunState; 15] = [
        RunState::Queued,
        RunState::Claiming,
        RunState::Starting,
        RunState::Running,
        RunState::Paused,
        RunState::Draining,
        RunState::Verifying,
        RunState::TearingDown,
        RunState::Completed,
        RunState::CompletedWithRejects,
        RunState::Failed,
        RunState::Cancelled,
        RunState::Suspect,
        RunState::Undoing,
        RunState::Undone,
    ];

    /// Its name in the store and in the API.
    pub const fn name(self) -> &'static str {
        match self {
            RunState::Queued => "queued",
            RunState::Claiming => "claiming",
            RunState::Starting => "starting",
            RunState::Running => "running",
            RunState::Paused => "paused",
            RunState::Draining => "draining",
            RunState::Verifying => "verifying",
            RunState::TearingDown => "tearing_down",
            RunState::Completed => "completed",
            RunState::CompletedWithRejects => "completed_with_rejects",
            RunState::Failed => "failed",
            RunState::Cancelled => "cancelled",
            RunState::Suspect => "suspect",
            RunState::Undoing => "undoing",
            RunState::Undone => "undone",
        }
    }

    /// The names of those that are no end.
    pub fn under_way() -> Vec<String> {
        let open = Self::ALL.iter().filter(|state| !state.is_final());
        open.map(|state| state.name().to_owned()).collect()
    }

    /// Whether it is an end.
    pub const fn is_final(self) -> bool {
        match self {
            RunState::Completed
            | RunState::CompletedWithRejects
            | RunState::Failed
            | RunState::Cancelled
            | RunState::Suspect
            | RunState::Undone => true,
            RunState::Queued
            | RunState::Claiming
            | RunState::Starting
            | RunState::Running
            | RunState::Paused
            | RunState::Draining
            | RunState::Verifying
            | RunState::TearingDown
            | RunState::Undoing => false,
        }
    }
}

impl std::fmt::Display for RunState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What its client wants of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Desired {
    /// Go on to the end.
    Run,
    /// Hold.
    Pause,
    /// Stop for good.
    Cancel,
}

/// How a run ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Outcome {
    /// Equal sums, no rejects.
    Completed,
    /// Equal sums, rejects within the budget.
    CompletedWithRejects,
    /// Budget exceeded, files quarantined, or unrecoverable.
    Failed {
        /// Why.
        failure: Failure,
    },
    /// Called off by its client.
    Cancelled,
    /// Drained, but the sums differ.
    Suspect {
        /// In what.
        failure: Failure,
    },
}

impl Outcome {
    /// The state that a run with this outcome ends in.
    pub const fn state(&self) -> RunState {
        match self {
            Outcome::Completed => RunState::Completed,
            Outcome::CompletedWithRejects => RunState::CompletedWithRejects,
            Outcome::Failed { .. } => RunState::Failed,
            Outcome::Cancelled => RunState::Cancelled,
            Outcome::Suspect { .. } => RunState::Suspect,
        }
    }

    /// Why, where there is a why.
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Outcome::Failed { failure } | Outcome::Suspect { failure } => Some(failure),
            Outcome::Completed | Outcome::CompletedWithRejects | Outcome::Cancelled => None,
        }
    }
}

/// One step on a run's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Transition {
    /// When.
    pub at_ms: EpochMs,
    /// Into which state.
    pub to: RunState,
    /// Because of what.
    pub event: String,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Whose.
    pub client: ClientId,
    /// Of which job.
    pub job: JobId,
    /// The revision of the spec that it runs.
    pub revision: u32,
    /// That revision's digest.
    pub spec_digest: String,
    /// Which engine runs it.
    pub engine: EngineKind,
    /// Who started it.
    pub started_by: Actor,
    /// Where it is.
    pub state: RunState,
    /// What its client wants.
    pub desired: Desired,
    /// Why it waits, while it is queued.
    pub waiting: Option<Waiting>,
    /// When it was asked for.
    pub created_ms: EpochMs,
    /// When its files were claimed: the run's clock.
    pub claimed_ms: Option<EpochMs>,
    /// When its first worker answered.
    pub running_ms: Option<EpochMs>,
    /// When it ended.
    pub finished_ms: Option<EpochMs>,
    /// Files in its manifest.
    pub files_total: u32,
    /// Their bytes, as staged.
    pub bytes_total: u64,
    /// Launches so far.
    pub attempt: u32,
    /// Whether the newest launch was begun and its worker is not known to have ended.
    #[serde(default)]
    pub launched: bool,
    /// Workers lost in a row without progress in between; 0 if the newest one ended in order.
    pub losses: u32,
    /// What the ledger accounted for when the newest worker was lost; more later is progress.
    #[serde(default)]
    pub accounted_at_loss: u64,
    /// Not to be launched again before this.
    pub not_before_ms: EpochMs,
    /// Why the newest worker was lost.
    pub last_loss: Option<Failure>,
    /// The sums, as last known.
    pub ledger: Ledger,
    /// The concrete indices that it wrote to.
    pub indices: Vec<String>,
    /// Who wrote the documents that were there already; see [`crate::file::Progress::owners`].
    #[serde(default)]
    pub owners: BTreeMap<String, u64>,
    /// Whose rejects it reads again, if it is a replay.
    #[serde(default)]
    pub replay_of: Option<Replay>,
    /// The replays of its rejects, the oldest first; at most the first [`MAX_REPLAYS`].
    #[serde(default)]
    pub replayed_by: Vec<RunId>,
    /// What was undone of it, the newest last; at most [`MAX_UNDOS`].
    #[serde(default)]
    pub undos: Vec<Undo>,
    /// Why its proof does not hold any more.
    #[serde(default)]
    pub proof_void_by: Vec<ProofVoid>,
    /// No progress while work remains.
    pub stalled: Option<Stall>,
    /// How it ends, once that is known.
    pub outcome: Option<Outcome>,
    /// Its way so far, at most the request and the newest 499 steps; the audit of its states goes with the document (rule 20).
    pub history: Vec<Transition>,
}

/// Replays of one run that it names.
pub const MAX_REPLAYS: usize = 100;

/// Who asks for a run of what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// Of which job.
    pub job: JobRef,
    /// Which revision.
    pub revision: u32,
    /// That revision's digest.
    pub spec_digest: String,
    /// Which engine.
    pub engine: EngineKind,
    /// Who asks.
    pub started_by: Actor,
}

impl Run {
    /// A run just asked for.
    pub fn queued(new: NewRun, now_ms: EpochMs) -> Self {
        let NewRun {
            id,
            job,
            revision,
            spec_digest,
            engine,
            started_by,
        } = new;
        Self {
            id,
            client: job.client,
            job: job.job,
            revision,
            spec_digest,
            engine,
            started_by,
            state: RunState::Queued,
            desired: Desired::Run,
            waiting: None,
            created_ms: now_ms,
            claimed_ms: None,
            running_ms: None,
            finished_ms: None,
            files_total: 0,
            bytes_total: 0,
            attempt: 0,
            launched: false,
            losses: 0,
            accounted_at_loss: 0,
            not_before_ms: 0,
            last_loss: None,
            ledger: Ledger::default(),
            indices: Vec::new(),
            owners: BTreeMap::new(),
            replay_of: None,
            replayed_by: Vec::new(),
            undos: Vec::new(),
            proof_void_by: Vec::new(),
            stalled: None,
            outcome: None,
            history: vec![Transition {
                at_ms: now_ms,
                to: RunState::Queued,
                event: "requested".into(),
            }],
        }
    }

    /// Its job's full name.
    pub fn job_ref(&self) -> JobRef {
        JobRef {
            client: self.client.clone(),
            job: self.job.clone(),
        }
    }
}
