//! Puts the stages together: reading → wrangling → sending → the book.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::error::{Culprit, Failure};
use domain::file::ManifestFile;
use domain::worker::{ExitKind, RunFolder, WorkOrder};
use tokio::runtime;
use tokio::time::Instant;
use wrangling::{Compiled, Environment};

use super::sizes::Sizes;
use super::stages::{self, spawn};
use super::{Prepared, exit_kind};
use crate::batch::{Mark, Settled};
use crate::book::Book;
use crate::budget::Budget;
use crate::control::{Control, Ending};
use crate::files::IndexLog;
use crate::live::{Live, Progress};
use crate::pool::Pool;
use crate::reader::{self, Reading, Shared};
use crate::sink::{self, Indices, Pace, Sink, Task};
use crate::wrangle::Wrangler;

/// Most bulk requests at once.
const MAX_CONCURRENCY: usize = 8;
/// Buffers that are kept for later batches.
const MAX_POOLED: usize = 16;
/// A worker that is to stop gives up what is under way when the core DMS has said nothing for so long.
const PATIENCE_WHEN_SUSPENDED: Duration = Duration::from_secs(2);
const PATIENCE_WHEN_STOPPED: Duration = Duration::from_secs(10);

/// Ingests, to whatever end.
pub(super) fn run(folder: &RunFolder, prepared: &Prepared) -> ExitKind {
    let live = &prepared.live;
    if let Err(failure) = ingest(folder, prepared) {
        live.control.fail(failure);
    }
    exit_kind(live)
}

fn ingest(folder: &RunFolder, prepared: &Prepared) -> Result<(), Failure> {
    let Prepared { order, manifest, live } = prepared;
    let book = Book::open(folder.clone())?;
    let start = book.entries().open.as_ref().map_or(Mark::START, crate::checkpoint::OpenFile::mark);
    let (finished, files) = manifest.split_at_checked(book.entries().finished as usize).unwrap_or((manifest, &[]));
    live.meter.bytes_read.fetch_add(finished.iter().map(|file| file.bytes).sum(), std::sync::atomic::Ordering::Relaxed);
    live.set_book(book);
    let (log, known) = IndexLog::open(folder)?;
    let indices = Indices::new(known, order.spec.destination.max_indices as usize, log);
    let task = Task::Create(indices);
    let plan = Plan { order, folder, files: files.to_vec(), from: start, task };
    let (settle, settled) = mpsc::channel::<Settled>();
    let (end_of_checkpoints, end) = mpsc::channel::<()>();
    let checkpoints = spawn("checkpoint", &live.control, {
        let live = Arc::clone(live);
        move || stages::checkpoint(&live, &end)
    })?;
    let budget = Arc::new(Budget::new(plan.sizes().under_way));
    let committing = spawn("commit", &live.control, {
        let (live, budget, errors) = (Arc::clone(live), Arc::clone(&budget), order.spec.error_budget);
        move || stages::commit(&live, &settled, &budget, &errors)
    })?;
    let result = flow(plan, live, &budget, settle);
    // panics were caught in the threads
    let _ = committing.join();
    drop(end_of_checkpoints);
    let _ = checkpoints.join();
    result
}

/// What flows through the stages, and what for.
pub(crate) struct Plan<'p> {
    pub(crate) order: &'p WorkOrder,
    pub(crate) folder: &'p RunFolder,
    pub(crate) files: Vec<ManifestFile>,
    pub(crate) from: Mark,
    pub(crate) task: Task,
}

impl Plan<'_> {
    pub(crate) fn sizes(&self) -> Sizes {
        Sizes::of(self.order.memory, self.order.spec.format.max_record)
    }
}

/// Runs the stages until everything is settled or given up.
pub(crate) fn flow(plan: Plan<'_>, live: &Arc<Live>, budget: &Arc<Budget>, settle: sink::Settle) -> Result<(), Failure> {
    let order = plan.order;
    let sizes = plan.sizes();
    let program = Arc::new(compile(order)?);
    let (blocks, bodies) = (Arc::new(Pool::new(MAX_POOLED)), Arc::new(Pool::new(MAX_POOLED)));
    let (client, gzip) = sink::connect(&order.dms, MAX_CONCURRENCY * 2)?;
    let sink = Arc::new(Sink {
        client,
        gzip,
        run: order.run.to_string(),
        pace: Pace::new(MAX_CONCURRENCY, Arc::clone(&live.meter)),
        control: Arc::clone(&live.control),
        meter: Arc::clone(&live.meter),
        blocks: Arc::clone(&blocks),
        bodies: Arc::clone(&bodies),
    });
    live.set_sink(Arc::clone(&sink));
    live.is_at(Progress::Reading);

    let (to_wrangle, batches) = mpsc::channel();
    let (to_send, wrangled) = tokio::sync::mpsc::unbounded_channel();
    let reading = Reading {
        files: plan.files,
        from: plan.from,
        claimed: plan.folder.claimed(),
        format: order.spec.format.clone(),
        max_record: sizes.max_record,
        program: Arc::clone(&program),
    };
    let shared = Shared { control: Arc::clone(&live.control), meter: Arc::clone(&live.meter), budget: Arc::clone(budget), blocks };
    let mut threads = vec![spawn("read", &live.control, {
        let live = Arc::clone(live);
        move || {
            reader::read(reading, shared, to_wrangle);
            live.is_at(Progress::Read);
            Ok(())
        }
    })?];
    let batches = Arc::new(Mutex::new(batches));
    for number in 0..order.cpu_millis.div_ceil(1000).max(1) {
        let wrangler = Wrangler::new(Arc::clone(&program), order.spec.format.clone(), sizes.max_record);
        let (batches, to_send, meter, bodies) = (Arc::clone(&batches), to_send.clone(), Arc::clone(&live.meter), Arc::clone(&bodies));
        threads.push(spawn(&format!("wrangle-{number}"), &live.control, move || {
            stages::wrangle(wrangler, &batches, &to_send, &meter, &bodies);
            Ok(())
        })?);
    }
    drop((to_send, batches));

    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(|e| crate::worker_defect(&format!("no runtime: {e}")))?;
    let sending = sink::deliver_all(sink, wrangled, settle, plan.task);
    runtime.block_on(async {
        tokio::select! {
            () = sending => {}
            never = give_up(&live.control, live) => match never {},
            never = orphaned(live, order.orphan_after.duration()) => match never {},
        }
    });
    runtime.shutdown_background();
    budget.close();
    for thread in threads {
        let _ = thread.join();
    }
    Ok(())
}

fn compile(order: &WorkOrder) -> Result<Compiled, Failure> {
    let environment = Environment {
        clock_ms: order.clock_ms,
        client: order.client.to_string(),
        job: order.job.to_string(),
        run: order.run.to_string(),
        revision: u64::from(order.revision),
    };
    let compiled = order.spec.program().and_then(|program| Compiled::compile(&program, &environment));
    compiled.map_err(|violations| {
        let all: Vec<String> = violations.iter().map(ToString::to_string).collect();
        let next_step = "mend the spec and start a new run";
        Failure::permanent("spec_invalid", Culprit::Client, all.join("; "), next_step)
    })
}

/// Once the worker is to stop: gives up what is under way when nothing moves any more.
async fn give_up(control: &Control, live: &Live) -> std::convert::Infallible {
    control.stopping().cancelled().await;
    let mut moved = (Instant::now(), live.meter.last_progress_ms());
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if live.meter.last_progress_ms() != moved.1 {
            moved = (Instant::now(), live.meter.last_progress_ms());
        }
        let patience = match control.ending() {
            Some(Ending::Suspended) => PATIENCE_WHEN_SUSPENDED,
            _ => PATIENCE_WHEN_STOPPED,
        };
        if moved.0.elapsed() >= patience {
            control.abandon();
        }
    }
}

/// Suspends the worker when no manager asks for it any more.
async fn orphaned(live: &Live, after: Duration) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        if live.alone_for() > after && !live.control.stopping().is_cancelled() {
            tracing::warn!("no manager has asked for {after:?}");
            live.control.end(Ending::Suspended);
        }
    }
}
