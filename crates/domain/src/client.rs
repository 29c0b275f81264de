//! A client's profile.

use serde::{Deserialize, Serialize};

use crate::EpochMs;
use crate::ids::{ClientId, JobRef, RunId};
use crate::plan::Plan;
use crate::run::Run;
use crate::worker::Share;

/// A client of the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Its id: the first part of its paths and of its index names.
    pub id: ClientId,
    /// Its name, for people.
    pub name: String,
    /// How to reach it, for people.
    pub contact: String,
    /// Name of the operator's plan that it is on.
    pub plan_name: String,
    /// That plan's constraints as they stood when the client was put on it.
    pub plan: Plan,
    /// When it registered.
    pub created_ms: EpochMs,
    /// The runs that hold its slots, with the job that each one locks. A run is admitted by the single write that enters
    /// it here (rule 20), so that neither the slots nor a job's lock can be given twice.
    #[serde(default)]
    pub slots: Vec<Slot>,
}

/// One run under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The run that holds it.
    pub run: RunId,
    /// The job that is locked by it.
    pub job: JobRef,
}

/// Why a queued run may not start yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Waiting {
    /// Another run of the same job is under way.
    JobBusy {
        /// Which one.
        run: RunId,
    },
    /// The client's concurrent runs are used up.
    SlotsUsed {
        /// The plan's `max_concurrent_runs`.
        limit: u32,
    },
    /// The host runs as many workers as its operator allows; clients take turns.
    HostBusy {
        /// How many that is.
        limit: u32,
    },
    /// Its client wants it to hold.
    Held,
}

impl Client {
    /// The client with a slot given to `run`, or why it has to wait. Giving a slot twice to one run changes nothing.
    pub fn admit(&self, run: &Run) -> Result<Client, Waiting> {
        let mut admitted = self.clone();
        if self.slots.iter().any(|slot| slot.run == run.id) {
            return Ok(admitted);
        }
        if let Some(busy) = self.slots.iter().find(|slot| slot.job == run.job_ref()) {
            return Err(Waiting::JobBusy {
                run: busy.run.clone(),
            });
        }
        let limit = self.plan.max_concurrent_runs;
        if self.slots.len() >= limit as usize {
            return Err(Waiting::SlotsUsed { limit });
        }
        admitted.slots.push(Slot {
            run: run.id.clone(),
            job: run.job_ref(),
        });
        Ok(admitted)
    }

    /// The client with the job of `run` locked by it, whatever slots are free: for what needs no worker.
    pub fn lock(&self, run: &Run) -> Result<Client, Waiting> {
        let mut roomy = self.clone();
        roomy.plan.max_concurrent_runs = u32::MAX;
        Ok(Client {
            slots: roomy.admit(run)?.slots,
            ..self.clone()
        })
    }

    /// What of its plan's rates each of its runs under way may use.
    pub fn share(&self) -> Share {
        let runs = self.slots.len().max(1) as f64;
        let records = self.plan.records_per_second;
        let bytes = self.plan.bytes_per_second;
        Share {
            records_per_s: records.map(|rate| rate.get() as f64 / runs),
            bytes_per_s: bytes.map(|rate| rate.0.max(1) as f64 / runs),
        }
    }

    /// The client with the run's slot free again; none if it held none.
    pub fn release(&self, run: &RunId) -> Option<Client> {
        let mut released = self.clone();
        released.slots.retain(|slot| &slot.run != run);
        (released.slots.len() < self.slots.len()).then_some(released)
    }
}
