//! What the worker is doing right now, for its monitor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::ids::RunId;
use domain::ledger::Ledger;
use domain::worker::{Command, Phase, WorkOrder, WorkerStatus};

use super::plane::Gauges;
use crate::checkpoint::Checkpoint;
use crate::control::{Control, Ending};
use crate::limits::{cpu_ms, resident_bytes};
use crate::meter::{Meter, now_ms};

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
    gauges: Arc<dyn Gauges>,
    ledger: Mutex<Ledger>,
    files_done: AtomicU32,
    has_read_all: AtomicBool,
    finished: AtomicBool,
    asked_ms: AtomicI64,
}

impl Live {
    /// Of a worker that is about to do its order.
    pub(super) fn new(
        order: &WorkOrder,
        attempt: u32,
        (files_total, bytes_total): (u32, u64),
        gauges: Arc<dyn Gauges>,
        (control, meter): (Arc<Control>, Arc<Meter>),
    ) -> Self {
        Self {
            run: order.run.clone(),
            attempt,
            bytes_total,
            files_total,
            control,
            meter,
            gauges,
            ledger: Mutex::default(),
            files_done: AtomicU32::new(0),
            has_read_all: AtomicBool::new(false),
            finished: AtomicBool::new(false),
            asked_ms: AtomicI64::new(now_ms()),
        }
    }

    /// Notes what stands in the book.
    pub(crate) fn entered(&self, entries: &Checkpoint) {
        self.counted(entries.ledger());
        self.files_done.store(entries.finished, Relaxed);
    }

    /// Shows sums that do not stand in the book yet.
    pub fn counted(&self, ledger: Ledger) {
        *self.ledger.lock().unwrap_or_else(PoisonError::into_inner) = ledger;
    }

    /// Shows how far through the staged files it is, of one.
    pub fn has_come(&self, share: f64) {
        let bytes = self.bytes_total as f64 * share.clamp(0.0, 1.0);
        self.meter.bytes_read.store(bytes as u64, Relaxed);
    }

    /// Notes that something moved.
    pub fn moved(&self) {
        self.meter.progress();
    }

    /// Nothing more is read.
    pub fn has_read_all(&self) {
        self.has_read_all.store(true, Relaxed);
    }

    /// Everything has an outcome.
    pub(super) fn finish(&self) {
        self.finished.store(true, Relaxed);
    }

    /// A manager has asked.
    pub(super) fn asked(&self) {
        self.asked_ms.store(now_ms(), Relaxed);
    }

    /// Waits until no manager has asked for so long.
    pub(super) async fn orphaned(&self, after: Duration) {
        let after_ms = i64::try_from(after.as_millis()).unwrap_or(i64::MAX);
        while now_ms() - self.asked_ms.load(Relaxed) < after_ms {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Waits for a cancellation, and gives up what is under way when nothing has been answered for `grace` after it.
    pub(super) async fn cancelled_later(&self, grace: Duration) {
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
    pub(super) fn obey(&self, command: Command) {
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
        } else if self.control.is_paused() && self.gauges.is_idle() {
            Phase::Paused
        } else {
            Phase::Reading
        }
    }

    /// The status, as it is now.
    pub(super) fn status(&self) -> WorkerStatus {
        let outside = self.gauges.outside();
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
            sink: self.gauges.sink(),
            rss_bytes: resident_bytes() + outside.0,
            cpu_ms: cpu_ms() + outside.1,
        }
    }
}
