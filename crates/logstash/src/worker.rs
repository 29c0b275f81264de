//! Workers: take batches from the queue, run the filters, and hand what becomes of them to the outputs.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use wrangling::{Compiled, Delivery, Document, Output, Payload, Record, Reject, Scratch};

use crate::event::Event;
use crate::output::{Item, Outlet};
use crate::pipeline::Pipeline;
use crate::receipt::Receipt;
use crate::stats::PipelineStats;

/// Works until the queue has ended.
pub fn work(pipeline: &Pipeline, queue: &Mutex<Receiver<Vec<Event>>>, stats: &PipelineStats) {
    let mut worker = Worker::new(pipeline);
    while let Some(batch) = next(queue, stats.batch_size) {
        let began = Instant::now();
        let passed = worker.filter(&batch);
        worker.count_filters(stats);
        let taken = batch.len() as u64;
        stats.filtered.add(taken, passed, began.elapsed());
        let safe = worker.deliver(stats);
        stats.done.add(taken, passed, began.elapsed());
        if safe {
            acknowledge(&batch, &pipeline.outlets);
        }
    }
}

/// Notes in their receipts that these events are written. Windows that end with them are acknowledged, once all that was
/// written is durable; otherwise they are given up.
fn acknowledge(batch: &[Event], outlets: &[Outlet]) {
    let receipts = batch.iter().filter_map(|event| event.receipt.as_ref());
    let whole: Vec<&Arc<Receipt>> = receipts.filter(|receipt| receipt.written()).collect();
    if !whole.is_empty() && outlets.iter().all(|outlet| outlet.output.persist()) {
        whole.into_iter().for_each(|receipt| receipt.acknowledge());
    }
}

/// The next batch: what there is, up to `size` events or a little more.
fn next(queue: &Mutex<Receiver<Vec<Event>>>, size: usize) -> Option<Vec<Event>> {
    let queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    let mut batch = queue.recv().ok()?;
    while batch.len() < size
        && let Ok(more) = queue.try_recv()
    {
        batch.extend(more);
    }
    Some(batch)
}

/// A thread's program and what it has for the outputs.
struct Worker<'p> {
    program: &'p Compiled,
    scratch: Scratch,
    collected: Collected<'p>,
}

/// What a batch became, by outlet.
struct Collected<'p> {
    outlets: &'p [Outlet],
    items: Vec<Vec<Item>>,
    passed: u64,
}

impl<'p> Worker<'p> {
    fn new(pipeline: &'p Pipeline) -> Self {
        Self {
            program: &pipeline.program,
            scratch: pipeline.program.scratch(),
            collected: Collected {
                outlets: &pipeline.outlets,
                items: pipeline.outlets.iter().map(|_| Vec::new()).collect(),
                passed: 0,
            },
        }
    }

    /// Runs the filters; how many events passed.
    fn filter(&mut self, batch: &[Event]) -> u64 {
        self.collected.passed = 0;
        for event in batch {
            let payload = Payload::Event {
                source: event.source,
                at_ms: event.at_ms,
                fields: &event.fields,
                defaults: &event.defaults,
            };
            let record = Record {
                payload,
                position: 0,
                file_key: "",
            };
            self.program
                .run(&record, &mut self.scratch, &mut self.collected);
        }
        self.collected.passed
    }

    /// Adds what the filters did with the batch.
    fn count_filters(&mut self, stats: &PipelineStats) {
        for (filter, counts) in stats.filters.iter().zip(self.scratch.take_counts()) {
            let (events_in, events_out) = (counts.events_in, counts.events_out);
            filter.stats.add(events_in, events_out, counts.took);
        }
    }

    /// Brings the batch to the outputs; false if an event was lost on the way.
    fn deliver(&mut self, stats: &PipelineStats) -> bool {
        let mut safe = true;
        let outlets = self.collected.outlets.iter().zip(&mut self.collected.items);
        for ((outlet, items), (info, _)) in outlets.zip(&stats.outputs) {
            if items.is_empty() {
                continue;
            }
            let began = Instant::now();
            let items = std::mem::take(items);
            let count = items.len() as u64;
            let written = outlet.output.write(items);
            safe &= !written.lost;
            // as in Logstash: what is refused went out, too
            info.stats.add(count, count, began.elapsed());
        }
        safe
    }
}

impl Output for Collected<'_> {
    fn document(&mut self, _: &Document<'_>) {
        self.passed += 1;
    }

    fn reject(&mut self, reject: &Reject<'_>) {
        tracing::warn!(
            code = reject.code,
            step = reject.step,
            field = reject.field,
            "{}",
            reject.message
        );
    }

    fn deliver(&mut self, delivery: &Delivery<'_>) {
        let number = delivery.outlet as usize;
        let (Some(outlet), Some(items)) = (self.outlets.get(number), self.items.get_mut(number))
        else {
            return;
        };
        let mut data = Vec::new();
        outlet.encoder.encode(delivery, &mut data);
        let texts = delivery
            .texts
            .iter()
            .map(|text| (*text).to_owned())
            .collect();
        items.push(Item { data, texts });
    }
}
