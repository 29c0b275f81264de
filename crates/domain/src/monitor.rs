//! The job monitor's series: one sample a second of what a run does and uses.

use serde::{Deserialize, Serialize};

use crate::EpochMs;
use crate::ledger::Ledger;
use crate::worker::{SinkStatus, Stage, StageTimes};

/// Health of the core DMS, as it says itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DmsHealth {
    /// All shards allocated.
    Green,
    /// All primaries allocated.
    Yellow,
    /// Some data is missing.
    Red,
    /// It did not answer.
    Unreachable,
}

/// One sample, a line of the run folder's `series.ndjson`. Counters are totals since the run began; rates are since the
/// sample before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Sample {
    /// When.
    pub at_ms: EpochMs,
    /// Totals.
    pub ledger: Ledger,
    /// Bytes of the staged files (as they lie there, packed or not) that were read.
    pub bytes_read: u64,
    /// All bytes of the staged files.
    pub bytes_total: u64,
    /// Records a second.
    pub records_per_s: f64,
    /// Bytes a second, as `bytes_read` counts them.
    pub bytes_per_s: f64,
    /// What the sink does.
    pub sink: SinkStatus,
    /// The stage that holds the others up; none while nothing moves.
    pub bottleneck: Option<Stage>,
    /// How the time of the stages went, totals.
    pub stages: StageTimes,
    /// The worker's resident memory, in bytes.
    pub rss_bytes: u64,
    /// CPU time that the worker has used, in milliseconds.
    pub cpu_ms: u64,
    /// The core DMS's health.
    pub dms: DmsHealth,
    /// Share of the bytes that was read, 0 to 100.
    pub percent: f64,
    /// Time to the end at the present rate, in milliseconds; none if unknown.
    pub eta_ms: Option<u64>,
}

/// A run that makes no progress while work remains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Stall {
    /// Since when nothing has moved.
    pub since_ms: EpochMs,
    /// The stage that holds it.
    pub stage: Stage,
    /// Why, as far as it is known: for example the sink's last error.
    pub reason: String,
}
