//! The report that a client gets of a run.

use serde::{Deserialize, Serialize};

use crate::EpochMs;
use crate::audit::Actor;
use crate::file::FileState;
use crate::ids::{ClientId, FileKey, JobId, RunId};
use crate::ledger::Ledger;
use crate::monitor::Sample;
use crate::reject::RejectCause;
use crate::run::{Outcome, ProofVoid, RunState, Transition, Undo};

/// Everything that a client needs to know of a run that has ended: `report.json`, and what `report.html` shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Report {
    /// Whose.
    pub client: ClientId,
    /// Of which job.
    pub job: JobId,
    /// Which run.
    pub run: RunId,
    /// The spec's revision.
    pub revision: u32,
    /// The spec's digest.
    pub spec_digest: String,
    /// How it ended.
    pub state: RunState,
    /// The same, with its reason.
    pub outcome: Outcome,
    /// Who or what started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<Actor>,
    /// When it was asked for.
    pub created_ms: EpochMs,
    /// When its files were claimed.
    pub claimed_ms: Option<EpochMs>,
    /// When it ended.
    pub finished_ms: EpochMs,
    /// Time from the first worker's first answer to the end, in milliseconds.
    pub running_for_ms: Option<u64>,
    /// Workers launched.
    pub attempts: u32,
    /// The sums over all files.
    pub ledger: Ledger,
    /// Whether the sums are equal and the core DMS's count confirms every file.
    pub proven: bool,
    /// What the core DMS is.
    pub dms: String,
    /// The indices written to.
    pub indices: Vec<String>,
    /// How the worker's limits were enforced.
    pub limits_by: Option<String>,
    /// The ledger, file by file: all of `report.json`'s files, in the manifest's order.
    pub files: Vec<ReportFile>,
    /// Whose the duplicates are, the most first (rules 10 and 17).
    #[serde(default)]
    pub duplicates: Vec<DuplicatesOf>,
    /// What was undone of it since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undos: Vec<Undo>,
    /// Why its proof does not hold any more: `proven` is false then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proof_void_by: Vec<ProofVoid>,
    /// Rejects by cause, the commonest first.
    pub rejects: Vec<RejectCause>,
    /// Throughput over time, at most 600 samples.
    pub series: Vec<Sample>,
    /// Its way.
    pub history: Vec<Transition>,
}

/// Documents that were there already, and who wrote them first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DuplicatesOf {
    /// The run that wrote them; `unknown` if the documents do not say, `other` for a remainder of many runs.
    pub run: String,
    /// The revision of the spec that it ran, if the run is still known.
    pub revision: Option<u32>,
    /// How many.
    pub count: u64,
}

/// A file in a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ReportFile {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub file_key: FileKey,
    /// Its size as staged, in bytes.
    pub bytes: u64,
    /// SHA-256 of its content.
    pub sha256: String,
    /// What became of it.
    pub state: FileState,
    /// Its ledger.
    pub ledger: Ledger,
    /// How many records its client's manifest lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed_records: Option<u64>,
    /// The core DMS's count.
    pub counted: Option<u64>,
    /// Whether ledger and count agree.
    pub proven: bool,
    /// Positions of records that the ledger says were created but the core DMS does not hold; only in a suspect run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_positions: Vec<u64>,
}
