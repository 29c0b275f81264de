//! Runs, and what happens to them.

use domain::EpochMs;
use domain::audit::Actor;
use domain::client::Waiting;
use domain::error::Failure;
use domain::ids::{ClientId, JobId, RunId};
use domain::ledger::Ledger;
use domain::monitor::{Sample, Stall};
use domain::replay::Replay;
use domain::run::{Desired, Outcome, ProofVoid, Run, RunState, Transition, Undo};
use domain::spec::EngineKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
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
    /// Whether it has ended.
    pub ended: bool,
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
    /// Workers launched so far.
    pub attempts: u32,
    /// Why the newest worker was lost, if one was.
    pub last_loss: Option<Failure>,
    /// The sums: those of the newest sample while it runs, the proven ones at the end.
    pub ledger: Ledger,
    /// Whether every record is accounted for.
    pub balanced: bool,
    /// The indices that it wrote to.
    pub indices: Vec<String>,
    /// No progress while work remains.
    pub stalled: Option<Stall>,
    /// How it ends, once that is known.
    pub outcome: Option<Outcome>,
    /// Whose rejects it reads again, if it is a replay.
    #[serde(default)]
    pub replay_of: Option<Replay>,
    /// The replays of its rejects, the oldest first.
    #[serde(default)]
    pub replayed_by: Vec<RunId>,
    /// What was undone of it, or is being undone; the newest last.
    #[serde(default)]
    pub undos: Vec<Undo>,
    /// Why its proof does not hold any more.
    #[serde(default)]
    pub proof_void_by: Vec<ProofVoid>,
    /// The newest sample of the job monitor, if there is one.
    pub sample: Option<Sample>,
    /// Its way so far.
    pub history: Vec<Transition>,
}

impl RunInfo {
    /// A run as the API shows it, with its newest sample.
    pub fn new(run: Run, sample: Option<Sample>) -> Self {
        let live = sample
            .as_ref()
            .filter(|_| run.outcome.is_none())
            .map(|sample| sample.ledger);
        let ledger = live.unwrap_or(run.ledger);
        Self {
            id: run.id,
            client: run.client,
            job: run.job,
            revision: run.revision,
            spec_digest: run.spec_digest,
            engine: run.engine,
            started_by: run.started_by,
            state: run.state,
            ended: run.state.is_final(),
            desired: run.desired,
            waiting: run.waiting,
            created_ms: run.created_ms,
            claimed_ms: run.claimed_ms,
            running_ms: run.running_ms,
            finished_ms: run.finished_ms,
            files_total: run.files_total,
            bytes_total: run.bytes_total,
            attempts: run.attempt,
            last_loss: run.last_loss,
            balanced: ledger.balanced(),
            ledger,
            indices: run.indices,
            stalled: run.stalled,
            outcome: run.outcome,
            replay_of: run.replay_of,
            replayed_by: run.replayed_by,
            undos: run.undos,
            proof_void_by: run.proof_void_by,
            sample,
            history: run.history,
        }
    }
}

/// An event of a run's `events` stream. The first one is always `run`, the last one a `run` that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "type", content = "data")]
pub enum RunEvent {
    /// The run as it is now: at the beginning, after every change of state, and when events were missed.
    Run(Box<RunInfo>),
    /// The job monitor took a sample.
    Sample(Box<Sample>),
}
