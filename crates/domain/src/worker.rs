//! The contract between the supervisor and a worker: the run folder, the work order, the status and the exit.
//!
//! A worker is a process of its own (rule 21). It is given a run folder, holds a lock on it while it lives, serves its
//! status on a socket that only knows the run's token, writes how it ended into the folder, and stops by itself when no
//! manager has asked for [`WorkOrder::orphan_after`]. So any manager, at any time, can adopt it or know that it is gone.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::EpochMs;
use crate::error::Failure;
use crate::ids::{ClientId, JobId, RunId};
use crate::ledger::Ledger;
use crate::provisions::{Containers, Provisions};
use crate::spec::JobSpec;
use crate::units::{Bytes, Span};

/// The files of a run folder, `clientapps/<client>/<job>/runs/<run>/`.
#[derive(Debug, Clone)]
pub struct RunFolder(PathBuf);

macro_rules! folder_files {
    ($($(#[$doc:meta])* $name:ident => $file:literal),* $(,)?) => {
        $($(#[$doc])* pub fn $name(&self) -> PathBuf { self.0.join($file) })*
    };
}

impl RunFolder {
    /// The folder at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder of a run under the platform's `clientapps/`.
    pub fn of(clientapps: &Path, client: &ClientId, job: &JobId, run: &RunId) -> Self {
        Self(
            clientapps
                .join(client.as_str())
                .join(job.as_str())
                .join("runs")
                .join(run.as_str()),
        )
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    folder_files! {
        /// The [`WorkOrder`], JSON; written by the manager before the first launch.
        order => "order.json",
        /// The effective job spec, JSON, for people.
        spec => "spec.json",
        /// The manifest: one [`crate::file::ManifestFile`] a line, in order.
        manifest => "manifest.ndjson",
        /// How much of the files a preview takes: a [`crate::preview::Take`], JSON. Only in the folder of a preview.
        preview => "preview.json",
        /// The claimed copies of the files.
        claimed => "claimed",
        /// Secret that the worker's socket asks for (`Authorization: Bearer …`), mode 0600.
        token => "worker.token",
        /// The run's own API key for the core DMS, mode 0600; there while such a key may be valid.
        dms_key => "dms.key",
        /// Locked by the worker while it lives.
        lock => "worker.lock",
        /// [`WorkerAddress`], JSON; written atomically once the socket listens.
        address => "worker.json",
        /// The engine's durable progress (rule 12); its format is the engine's own.
        checkpoint => "checkpoint.json",
        /// Rejected records: one [`crate::reject::Reject`] a line.
        rejects => "rejects.ndjson",
        /// The records that a replay reads: one [`crate::replay::Slice`] a line; there only in a replay's folder.
        replay => "replay.ndjson",
        /// How the newest worker ended: a [`WorkerExit`], JSON, written atomically as its last act.
        exit => "exit.json",
        /// Standard output and error of the workers.
        log => "worker.log",
        /// The job monitor's series: one [`crate::monitor::Sample`] a line.
        series => "series.ndjson",
        /// The run's [`Share`] of its client's rates, JSON, written atomically; there may be none.
        share => "share.json",
        /// The report, JSON.
        report_json => "report.json",
        /// The report, a self-contained page.
        report_html => "report.html",
    }
}

/// What of its client's rates is a run's, while so many runs share them: kept in the run folder, and changed there when
/// other runs begin or end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Records a second; none for no limit.
    pub records_per_s: Option<f64>,
    /// Bytes of the staged files a second; none for no limit.
    pub bytes_per_s: Option<f64>,
}

/// Where the core DMS is, and how to be let in. Secrets are references.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DmsEndpoint {
    /// Base address, for example `http://127.0.0.1:9200`.
    pub url: String,
    /// File that holds an API key (`Authorization: ApiKey …`).
    pub api_key_file: Option<PathBuf>,
    /// User name for basic authentication.
    pub username: Option<String>,
    /// File that holds the password.
    pub password_file: Option<PathBuf>,
    /// PEM file of the certificate authority to trust besides the system's.
    pub ca_file: Option<PathBuf>,
}

/// Everything a worker needs to know, once for a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkOrder {
    /// Whose run.
    pub client: ClientId,
    /// Of which job.
    pub job: JobId,
    /// Which run.
    pub run: RunId,
    /// The spec's revision.
    pub revision: u32,
    /// The spec's digest.
    pub spec_digest: String,
    /// The spec.
    pub spec: JobSpec,
    /// The run's clock (rule 6): when its files were claimed.
    pub clock_ms: EpochMs,
    /// Where the documents go.
    pub dms: DmsEndpoint,
    /// Resident memory that the worker must stay below.
    pub memory: Bytes,
    /// CPU cores that it may use, in thousandths.
    pub cpu_millis: u32,
    /// How long it goes on without a manager.
    pub orphan_after: Span,
    /// Whether it holds from its beginning: its client wants the run to pause.
    #[serde(default)]
    pub hold: bool,
    /// What its pipeline may use.
    #[serde(default)]
    pub provisions: Provisions,
    /// How containers are put up, if it needs any.
    #[serde(default)]
    pub containers: Containers,
}

/// Where a worker can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerAddress {
    /// Its process id on the host.
    pub pid: u32,
    /// Number of the launch, from 1; commands carry it, so that a late one does not reach a newer worker.
    pub attempt: u32,
    /// Base address of its monitoring interface, for example `http://127.0.0.1:40123`.
    pub url: String,
    /// How the limits are enforced: `cgroup` or `rlimit+watchdog` (rule 22).
    pub limits_by: String,
}

/// What a worker is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Reading its order and checkpoint, connecting.
    Starting,
    /// Reading files.
    Reading,
    /// Told to hold; what was under way has been answered.
    Paused,
    /// Everything is read (or it was told to stop); waiting for the sink's answers.
    Draining,
    /// Done; about to exit.
    Finished,
}

/// A stage of the data plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Reading and unpacking bytes, cutting records.
    Read,
    /// Running the pipeline and encoding documents.
    Wrangle,
    /// Sending to the core DMS and waiting for its answers.
    Send,
}

/// How long the stages were busy since the worker started, in milliseconds summed over their threads or slots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StageTimes {
    /// Reading and unpacking, not counting waits for the next stage.
    pub read_ms: f64,
    /// Wrangling and encoding, not counting waits.
    pub wrangle_ms: f64,
    /// Waiting for the sink: requests under way.
    pub send_ms: f64,
    /// Time that reading waited because nothing downstream had room (backpressure).
    pub blocked_ms: f64,
}

/// What the sink does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SinkStatus {
    /// Bulk requests under way.
    pub in_flight: u32,
    /// Their documents' bytes.
    pub in_flight_bytes: u64,
    /// How many may be under way now; adapts to 429, 503 and latency.
    pub concurrency: u32,
    /// Median latency of the last requests, in milliseconds.
    pub latency_p50_ms: f64,
    /// 99th percentile of the same.
    pub latency_p99_ms: f64,
    /// Requests sent, with repetitions.
    pub requests: u64,
    /// Items or requests sent again.
    pub retries: u64,
    /// Answers 429 and 503, of requests and of items.
    pub pushed_back: u64,
    /// The newest error, if the newest request failed.
    pub last_error: Option<String>,
}

/// A worker's status: `GET /v1/status` on its socket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkerStatus {
    /// Which run.
    pub run: RunId,
    /// Which launch of it.
    pub attempt: u32,
    /// What it is doing.
    pub phase: Phase,
    /// Sums over everything it knows the outcome of, the attempts before included.
    pub ledger: Ledger,
    /// Bytes of the staged files read so far.
    pub bytes_read: u64,
    /// All of them.
    pub bytes_total: u64,
    /// Files read to their end or quarantined.
    pub files_done: u32,
    /// All files.
    pub files_total: u32,
    /// When a record's outcome was last learnt, or the last step of starting was made.
    pub last_progress_ms: EpochMs,
    /// How the time went.
    pub stages: StageTimes,
    /// The sink.
    pub sink: SinkStatus,
    /// Resident memory, in bytes.
    pub rss_bytes: u64,
    /// CPU time used, in milliseconds.
    pub cpu_ms: u64,
}

/// What a worker can be told: `POST /v1/{command}` on its socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Stop reading, finish what is under way, hold.
    Pause,
    /// Go on reading.
    Resume,
    /// Stop reading, finish what is under way, exit.
    Cancel,
    /// Save the checkpoint and exit, to be started again later: the host or the manager stops.
    Suspend,
}

/// How a worker ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum ExitKind {
    /// Every file is read or quarantined, every record accounted for.
    Drained,
    /// Stopped by [`Command::Cancel`]; what was under way is accounted for.
    Cancelled,
    /// More rejects than the error budget allows.
    BudgetExceeded {
        /// In words: how many of how many, and the commonest cause.
        message: String,
    },
    /// Stopped by [`Command::Suspend`], or no manager asked for too long: start it again to go on.
    Suspended,
    /// It could not go on.
    Failed {
        /// Why; if retryable, starting it again may help.
        failure: Failure,
    },
}

/// A worker's last words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerExit {
    /// Which launch.
    pub attempt: u32,
    /// How it ended.
    #[serde(flatten)]
    pub kind: ExitKind,
    /// The sums, over all attempts.
    pub ledger: Ledger,
    /// The concrete indices that the run wrote to.
    pub indices: Vec<String>,
    /// When.
    pub at_ms: EpochMs,
}
