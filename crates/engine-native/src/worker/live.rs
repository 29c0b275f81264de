//! What the worker is doing right now, for its monitor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::ids::RunId;
use domain::ledger::Ledger;
use domain::worker::{Command, Phase, WorkOrder, WorkerStatus};

use super::pipeline::Pipeline;
use crate::budget::Budget;
use crate::checkpoint::Checkpoint;
use crate::control::{Control, Ending};
use crate::limits::{cpu_ms, resident_bytes};
use crate::meter::{Meter, now_ms};
use crate::sink::Sink;

/// How often it is looked whether a manager still asks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The worker's state, shared by its stages and its monitor.
pub struct Live {
    run: RunId,
    attempt: u32,
    bytes_total: u64,
    files_total: u32,
    control: Arc<Control>,
    meter: Arc<Meter>,
    budget: Arc<Budget>,
    sink: Arc<Sink>,
    ledger: Mutex<Ledger>,
    files_done: AtomicU32,
    has_read_all: AtomicBool,
    finished: AtomicBool,
    asked_ms: AtomicI64,
}

impl Live {
    /// Of a pipeline that is about to run.
    pub fn new(
        order: &WorkOrder,
        attempt: u32,
        pipeline: &Pipeline,
        control: Arc<Control>,
    ) -> Self {
        let live = Self {
            run: order.run.clone(),
            attempt,
            bytes_total: pipeline.bytes_total,
            files_total: pipeline.files_total,
            control,
            meter: Arc::clone(&pipeline.shared.meter),
            budget: Arc::clone(&pipeline.shared.budget),
            sink: Arc::clone(&pipeline.sink),
            ledger: Mutex::default(),
            files_done: AtomicU32::new(0),
            has_read_all: AtomicBool::new(false),
            finished: AtomicBool::new(false),
            asked_ms: AtomicI64::new(now_ms()),
        };
        live.entered(pipeline.book.entries());
        live
    }

    /// Notes what stands in the book.
    pub fn entered(&self, entries: &Checkpoint) {
        *self.ledger.lock().unwrap_or_else(PoisonError::into_inner) = entries.ledger();
        self.files_done.store(entries.finished, Relaxed);
    }

    /// Nothing more is read.
    pub fn has_read_all(&self) {
        self.has_read_all.store(true, Relaxed);
    }

    /// Everything has an outcome.
    pub fn finish(&self) {
        self.finished.store(true, Relaxed);
    }

    /// A manager has asked.
    pub fn asked(&self) {
        self.asked_ms.store(now_ms(), Relaxed);
    }

    /// Waits until no manager has asked for so long.
    pub async fn orphaned(&self, after: Duration) {
        let after_ms = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
        while now_ms() - self.asked_ms.load(Relaxed) < after_ms {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits for a cancellation, and gives up what is under way when nothing has been answered for `grace` after it.
    pub async fn cancelled_later(&self, grace: Duration) {
        while self.control.ending() != Some(Ending::Cancelled) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let called_off_ms = now_ms();
        let grace_ms = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
        while now_ms() - self.meter.last_progress_ms().max(called_off_ms) < grace_ms {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        self.control.abandon();
    }

    /// Does what a manager says.
    pub fn obey(&self, command: Command) {
        // the manager says it again and again until it sees that it was heard
        let known = match command {
            Command::Pause => self.control.is_paused(),
            Command::Resume => !self.control.is_paused(),
            Command::Cancel => self.control.ending() == Some(Ending::Cancelled),
            Command::Suspend => self.control.ending().is_some(),
        };
        if !known {
            tracing::info!(?command, "told by the manager");
        }
        match command {
            Command::Pause => self.control.pause(),
            Command::Resume => self.control.resume(),
            Command::Cancel => self.control.end(Ending::Cancelled),
            Command::Suspend => self.control.end(Ending::Suspended),
        }
    }

    fn phase(&self) -> Phase {
        if self.finished.load(Relaxed) {
            Phase::Finished
        } else if self.has_read_all.load(Relaxed) || self.control.ending().is_some() {
            Phase::Draining
        } else if self.control.is_paused() && self.budget.is_whole() {
            Phase::Paused
        } else {
            Phase::Reading
        }
    }

    /// The status, as it is now.
    pub fn status(&self) -> WorkerStatus {
        WorkerStatus {
            run: self.run.clone(),
            attempt: self.attempt,
            phase: self.phase(),
            ledger: *self.ledger.lock().unwrap_or_else(PoisonError::into_inner),
            bytes_read: self.meter.bytes_read.load(Relaxed).min(self.bytes_total),
            bytes_total: self.bytes_total,
            files_done: self.files_done.load(Relaxed),
            files_total: self.files_total,
            last_progress_ms: self.meter.last_progress_ms(),
            stages: self.meter.stages(),
            sink: self.sink.status(),
            rss_bytes: resident_bytes(),
            cpu_ms: cpu_ms(),
        }
    }
}
