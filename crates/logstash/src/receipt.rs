//! Receipts: what a sender is told when its events are safe.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use lumberjack::Acknowledger;

/// Counts the events of one window that still have to be written, whichever workers have them. Events that are lost are
/// never counted: then the window is given up with its last event, and its sender sends again.
#[derive(Debug)]
pub struct Receipt {
    missing: AtomicUsize,
    acknowledger: Mutex<Option<Acknowledger>>,
}

impl Receipt {
    /// For a window that became so many events, at least one.
    pub fn new(events: usize, acknowledger: Acknowledger) -> Arc<Self> {
        Arc::new(Self {
            missing: AtomicUsize::new(events),
            acknowledger: Mutex::new(Some(acknowledger)),
        })
    }

    /// Notes that one more event was written (or filtered out, or refused for good); whether it was the last one.
    pub fn written(&self) -> bool {
        self.missing.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Tells the sender that all events are durable.
    pub fn acknowledge(&self) {
        let mut acknowledger = self
            .acknowledger
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(acknowledger) = acknowledger.take() {
            acknowledger.all();
        }
    }
}
