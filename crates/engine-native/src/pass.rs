//! A pass over a run's claimed files beside the run itself: read, cut and carried through a program, batch by batch.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use domain::error::Failure;
use domain::file::ManifestFile;
use domain::worker::{RunFolder, WorkOrder};
use wrangling::Compiled;

use crate::batch::{Batch, Mark, Wrangled};
use crate::budget::Budget;
use crate::control::Control;
use crate::pool::Pool;
use crate::rate::RatePace;
use crate::reader::{self, Reading, Shared};
use crate::worker::{max_record, under_way};
use crate::wrangle::Wrangler;

/// Bytes of batches that are held at once.
const HELD: usize = 16 << 20;

/// A pass that is under way. Reading goes ahead of it on a thread of its own, which ends with it.
pub struct Pass {
    batches: Receiver<Batch>,
    wrangler: Wrangler,
    shared: Shared,
    body: Vec<u8>,
}

impl Pass {
    /// Begins a pass over these files. Records are cut, and refused as too long, as in the run itself.
    pub fn over(
        files: Vec<ManifestFile>,
        folder: &RunFolder,
        order: &WorkOrder,
        program: Arc<Compiled>,
        control: Arc<Control>,
    ) -> Self {
        let max_record = max_record(order, under_way(order));
        let shared = Shared {
            control,
            meter: Arc::default(),
            // a record must have room, however long it may be
            budget: Arc::new(Budget::new(HELD.max(4 * max_record))),
            blocks: Arc::new(Pool::new(4)),
        };
        let format = order.spec.format.clone();
        let wrangler = Wrangler::new(Arc::clone(&program), format.clone(), max_record);
        let reading = Reading {
            files,
            from: Mark::START,
            claimed: folder.claimed(),
            replay: folder.replay(),
            format,
            max_record,
            program,
            cpu_millis: order.cpu_millis,
            rate: RatePace::new(folder.share(), 0, 0),
        };
        let (send, batches) = channel();
        let ahead = shared.clone();
        thread::spawn(move || reader::read(reading, ahead, send));
        Self {
            batches,
            wrangler,
            shared,
            body: Vec::new(),
        }
    }

    /// From now on, of each batch at most so many records are wrangled, and where they stand is noted.
    pub fn trace(&mut self, limit: usize) {
        self.wrangler.trace(limit);
    }

    /// The next batch; none at the end, or if reading was stopped.
    pub fn next(&mut self) -> Option<Wrangled> {
        let batch = self.batches.recv().ok()?;
        let body = std::mem::take(&mut self.body);
        Some(self.wrangler.wrangle(batch, body))
    }

    /// Gives back what a batch took.
    pub fn done(&mut self, wrangled: Wrangled) {
        self.shared.budget.give_back(wrangled.batch.cost);
        self.shared.blocks.put(wrangled.batch.block);
        self.body = wrangled.body;
        self.body.clear();
    }

    /// Bytes of the claimed files that were read.
    pub fn bytes_read(&self) -> u64 {
        let read = &self.shared.meter.bytes_read;
        read.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Why reading was stopped, if it failed.
    pub fn failure(&self) -> Option<Failure> {
        match self.shared.control.ending() {
            Some(crate::control::Ending::Failed(failure)) => Some(failure),
            _ => None,
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        // a reader that waits for room has to learn that there will be none
        self.shared.budget.close();
    }
}
