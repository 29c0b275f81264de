//! What starts runs besides clients: what is kept of a job's trigger, and the decisions. Pure: the time and what was seen
//! are arguments.
//!
//! A start is stored before it is made: first the trigger's document says which run it is to be and that its due time is
//! dealt with, then the run is created under that id. Whoever is killed in between, or comes second, makes the same run.

mod decide;
mod schedule;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::EpochMs;
use crate::audit::Actor;
use crate::ids::{ClientId, JobId, JobRef, RunId};
use crate::job::Job;
use crate::run::NewRun;
use crate::spec::{Start, StartOn};

pub use decide::{Staged, at_due_time, due, on_arrival};
pub use schedule::Schedule;

/// What is kept of the trigger of a job whose runs are started by more than its client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// Whose.
    pub client: ClientId,
    /// Of which job.
    pub job: JobId,
    /// When that job was made: one of the same name that is made later begins anew.
    pub job_created_ms: EpochMs,
    /// The section of the spec that this is about; another one begins anew.
    pub start: Start,
    /// Due times up to this one are dealt with.
    pub handled_ms: EpochMs,
    /// What the complete files were when the newest run was started for them.
    pub seen: Option<String>,
    /// A run that was decided on and may not have been created yet.
    pub starting: Option<NewRun>,
    /// When the next run is due.
    pub next_start_ms: Option<EpochMs>,
    /// What was decided last.
    pub decision: Option<Decision>,
}

/// What was decided, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// When.
    pub at_ms: EpochMs,
    /// The time that was due; none for arrivals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<EpochMs>,
    /// What.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Verdict {
    /// A run was started.
    Started {
        /// Which one.
        run: RunId,
    },
    /// No run: the one before was still under way. Due times do not pile up.
    PreviousUnderWay {
        /// Which one.
        run: RunId,
    },
    /// No run: the manager was down at the due time, and the spec says `missed: skip`.
    Missed,
    /// No run: no file was there to be taken.
    NothingStaged {
        /// Files that are not complete yet.
        incomplete: u32,
        /// Why the first of them is not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// No run: the complete files are those that the newest run has left, and nothing has changed since.
    LeftBefore {
        /// How many.
        files: u32,
    },
    /// No run: the client's plan forbids what the spec asks for.
    Refused {
        /// In words.
        reason: String,
    },
    /// It cannot be looked whether files are there; it is tried again.
    CannotLook {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Started { run } => write!(f, "started run {run}"),
            Verdict::PreviousUnderWay { run } => {
                write!(f, "no run: run {run} was still under way")
            }
            Verdict::Missed => write!(f, "no run: the manager was down at that time"),
            Verdict::NothingStaged { incomplete: 0, .. } => {
                write!(f, "no run: no file was there to be taken")
            }
            Verdict::NothingStaged { incomplete, reason } => {
                write!(f, "no run: {incomplete} not complete")?;
                reason
                    .as_ref()
                    .map_or(Ok(()), |reason| write!(f, " ({reason})"))
            }
            Verdict::LeftBefore { files } => {
                write!(
                    f,
                    "no run: the {files} there were left by the newest run; start one by hand, or change them"
                )
            }
            Verdict::Refused { reason } => write!(f, "no run: {reason}"),
            Verdict::CannotLook { reason } => write!(f, "cannot look for files: {reason}"),
        }
    }
}

/// A job's trigger as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outlook {
    /// What starts runs.
    pub on: StartOn,
    /// Whether it is switched on.
    pub enabled: bool,
    /// When the next run is due, if the clock starts runs.
    pub next_start_ms: Option<EpochMs>,
    /// What was decided last.
    pub decision: Option<Decision>,
    /// What it waits for, in words.
    pub waiting: String,
}

impl Trigger {
    /// Of a job, before anything was decided. Times are due from when its spec was put.
    pub fn new(job: &Job) -> Self {
        Self {
            client: job.client.clone(),
            job: job.id.clone(),
            job_created_ms: job.created_ms,
            start: job.spec.start.clone(),
            handled_ms: job.updated_ms,
            seen: None,
            starting: None,
            next_start_ms: None,
            decision: None,
        }
    }

    /// Its job's full name.
    pub fn job_ref(&self) -> JobRef {
        JobRef {
            client: self.client.clone(),
            job: self.job.clone(),
        }
    }

    /// Whether it is about the job as it stands.
    pub fn is_of(&self, job: &Job) -> bool {
        self.start == job.spec.start && self.job_created_ms == job.created_ms
    }

    /// Decides that a run is started: to be stored, and then made by [`Trigger::started`].
    pub fn start(&mut self, job: &Job, run: RunId, started_by: Actor) {
        self.starting = Some(NewRun {
            id: run,
            job: job.job_ref(),
            revision: job.revision,
            spec_digest: job.spec_digest.clone(),
            engine: job.spec.engine,
            started_by,
        });
    }

    /// The run that was decided on is there.
    pub fn started(&mut self, now_ms: EpochMs) {
        let Some(new) = self.starting.take() else {
            return;
        };
        let due_ms = match new.started_by {
            Actor::Schedule { due_ms } => Some(due_ms),
            _ => None,
        };
        self.decision = Some(Decision {
            at_ms: now_ms,
            due_ms,
            verdict: Verdict::Started { run: new.id },
        });
    }

    /// Keeps what was decided; the same again changes nothing.
    pub fn decided(&mut self, due_ms: Option<EpochMs>, verdict: Verdict, now_ms: EpochMs) {
        let known = self.decision.as_ref();
        if known.is_none_or(|known| known.due_ms != due_ms || known.verdict != verdict) {
            self.decision = Some(Decision {
                at_ms: now_ms,
                due_ms,
                verdict,
            });
        }
    }
}

/// How a job's trigger stands; none if only its client starts its runs.
pub fn outlook(job: &Job, kept: Option<&Trigger>, now_ms: EpochMs) -> Option<Outlook> {
    let start = &job.spec.start;
    let kept = kept.filter(|kept| kept.is_of(job));
    let waiting = match (start.on, start.enabled) {
        (StartOn::Manual, _) => return None,
        (_, false) => "it is switched off: put the spec with `enabled: true`",
        (StartOn::Schedule, true) => "its time",
        (StartOn::Arrival, true) => "files",
    };
    let next = || start.schedule().ok()?.next(now_ms);
    let on_time = start.enabled && start.on == StartOn::Schedule;
    Some(Outlook {
        on: start.on,
        enabled: start.enabled,
        next_start_ms: kept
            .and_then(|kept| kept.next_start_ms)
            .or_else(next)
            .filter(|_| on_time),
        decision: kept.and_then(|kept| kept.decision.clone()),
        waiting: waiting.to_owned(),
    })
}
