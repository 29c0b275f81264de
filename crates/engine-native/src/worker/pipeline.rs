//! The stages of the data plane, put together: one thread reads, several wrangle, the runtime sends, one thread keeps the
//! book.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use domain::error::Failure;
use domain::spec::{ErrorBudget, Format};
use domain::worker::{RunFolder, SinkStatus, WorkOrder};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use wrangling::ast::Program;
use wrangling::{Compiled, Environment, Violation};

use super::folder;
use super::live::Live;
use super::plane::Gauges;
use crate::batch::{Batch, Mark, Settled, Wrangled};
use crate::book::Book;
use crate::budget::Budget;
use crate::checkpoint::{Checkpoint, OpenFile};
use crate::control::{Control, Ending};
use crate::files::IndexLog;
use crate::meter::{Meter, Work};
use crate::pool::Pool;
use crate::rate::RatePace;
use crate::reader::{self, Reading, Shared};
use crate::sink::{self, Indices, Pace, Sink};
use crate::wrangle::Wrangler;

/// The checkpoint is written so often, while something changes.
const SAVE_EVERY: Duration = Duration::from_millis(250);
/// Bulk requests under way at once, at most.
const MAX_REQUESTS: usize = 8;
/// Share of the run's memory that batches may take, and the most that helps.
const MEMORY_SHARE: u64 = 5;
const MAX_UNDER_WAY: u64 = 40 << 20;
/// A record may take this share of that.
const RECORD_SHARE: usize = 4;

/// A data plane that is ready to run.
pub struct Pipeline {
    book: Book,
    shared: Shared,
    sink: Arc<Sink>,
    files_total: u32,
    reading: Reading,
    indices: Indices,
    error_budget: ErrorBudget,
    wranglers: usize,
}

/// Bytes of batches that may be under way in a run.
pub fn under_way(order: &WorkOrder) -> usize {
    usize::try_from((order.memory.0 / MEMORY_SHARE).min(MAX_UNDER_WAY)).unwrap_or(usize::MAX)
}

/// The longest record that is read, in bytes, while so many bytes may be under way.
pub fn max_record(order: &WorkOrder, under_way: usize) -> usize {
    usize::try_from(order.spec.format.max_record.0)
        .unwrap_or(usize::MAX)
        .min(under_way / RECORD_SHARE)
}

/// What the stages show of themselves.
struct Stages {
    sink: Arc<Sink>,
    budget: Arc<Budget>,
}

impl Gauges for Stages {
    fn sink(&self) -> SinkStatus {
        self.sink.status()
    }

    fn is_idle(&self) -> bool {
        self.budget.is_whole()
    }
}

/// The program of an order.
pub fn compile(order: &WorkOrder) -> Result<Compiled, Failure> {
    compiled(order.spec.program(), order)
}

/// What programs of an order are told.
pub fn environment(order: &WorkOrder) -> Environment {
    Environment {
        clock_ms: order.clock_ms,
        client: order.client.to_string(),
        job: order.job.to_string(),
        run: order.run.to_string(),
        revision: u64::from(order.revision),
        ..order.provisions.environment()
    }
}

/// The program, if it is one, compiled for an order.
pub fn compiled(
    program: Result<Program, Vec<Violation>>,
    order: &WorkOrder,
) -> Result<Compiled, Failure> {
    program
        .and_then(|program| Compiled::compile(&program, &environment(order)))
        .map_err(|violations| {
            let all: Vec<_> = violations.iter().map(ToString::to_string).collect();
            let message = format!("the job spec does not compile: {}", all.join("; "));
            Failure::permanent(
                "spec_invalid",
                domain::error::Culprit::Client,
                message,
                "validate the spec and put a corrected revision",
            )
        })
}

impl Pipeline {
    /// Opens what a run needs, at its last checkpoint.
    pub fn open(
        folder: &RunFolder,
        order: &WorkOrder,
        control: Arc<Control>,
        meter: Arc<Meter>,
    ) -> Result<Self, Failure> {
        let program = Arc::new(compile(order)?);
        if program.is_ordered() {
            // what its filters remember is lost with a worker, and comes back only from the first record on
            Checkpoint::forget(folder)?;
        }
        let book = Book::open(folder.clone())?;
        let (log, known) = IndexLog::open(folder)?;
        let (client, gzip) = sink::connect(&order.dms, MAX_REQUESTS)?;
        let mut files = folder::manifest(folder)?;
        let files_total = u32::try_from(files.len()).unwrap_or(u32::MAX);
        let done = book.entries().finished as usize;
        let bytes_done: u64 = files.iter().take(done).map(|file| file.bytes).sum();
        meter
            .bytes_read
            .store(bytes_done, std::sync::atomic::Ordering::Relaxed);
        files.drain(..done.min(files.len()));
        let under_way = under_way(order);
        let wranglers = order.cpu_millis.div_ceil(1000).max(1) as usize;
        let (blocks, bodies) = (
            Arc::new(Pool::new(2 * MAX_REQUESTS)),
            Arc::new(Pool::new(2 * MAX_REQUESTS)),
        );
        let max_record = max_record(order, under_way);
        let sink = Sink {
            client,
            gzip,
            run: order.run.to_string(),
            pace: Pace::new(MAX_REQUESTS, Arc::clone(&meter)),
            control: Arc::clone(&control),
            meter: Arc::clone(&meter),
            blocks: Arc::clone(&blocks),
            bodies,
        };
        let ordered = program.is_ordered();
        let reading = Reading {
            files,
            from: book
                .entries()
                .open
                .as_ref()
                .map_or(Mark::START, OpenFile::mark),
            claimed: folder.claimed(),
            replay: folder.replay(),
            format: order.spec.format.clone(),
            max_record,
            program,
            cpu_millis: order.cpu_millis,
            rate: RatePace::new(folder.share(), 0, bytes_done),
        };
        Ok(Self {
            book,
            shared: Shared {
                control,
                meter,
                budget: Arc::new(Budget::new(under_way)),
                blocks,
            },
            sink: Arc::new(sink),
            files_total,
            reading,
            indices: Indices::new(known, order.spec.destination.max_indices as usize, log),
            error_budget: order.spec.error_budget,
            wranglers: match ordered {
                true => 1,
                false => wranglers.min(thread::available_parallelism().map_or(1, usize::from)),
            },
        })
    }

    /// What the status shows of it.
    pub fn gauges(&self) -> Arc<dyn Gauges> {
        Arc::new(Stages {
            sink: Arc::clone(&self.sink),
            budget: Arc::clone(&self.shared.budget),
        })
    }

    /// Runs until everything is read or the worker is to stop, and everything under way has an outcome or is given up.
    /// Says whether every file stands in the book.
    pub async fn run(self, live: Arc<Live>) -> Result<bool, Failure> {
        let Self {
            book,
            shared,
            sink,
            files_total,
            reading,
            indices,
            error_budget,
            wranglers,
            ..
        } = self;
        live.entered(book.entries());
        let control = Arc::clone(&shared.control);
        let (batches, to_wrangle) = channel();
        let (wrangled, to_send) = unbounded_channel();
        let (settle, settled) = channel();
        let format = (reading.format.clone(), reading.max_record);
        let program = Arc::clone(&reading.program);
        let mut threads = vec![stage("reader", &control, {
            let (shared, live) = (shared.clone(), Arc::clone(&live));
            move || {
                reader::read(reading, shared, batches);
                live.has_read_all();
            }
        })?];
        let to_wrangle = Arc::new(Mutex::new(to_wrangle));
        for _ in 0..wranglers {
            let wrangler = Wrangler::new(Arc::clone(&program), Format::clone(&format.0), format.1);
            let (from, to, sink) = (Arc::clone(&to_wrangle), wrangled.clone(), Arc::clone(&sink));
            threads.push(stage("wrangler", &control, move || {
                wrangle(wrangler, &from, &to, &sink)
            })?);
        }
        drop((wrangled, to_wrangle));
        let keeper = Keeper {
            book,
            shared: shared.clone(),
            live,
            error_budget,
        };
        let (told, kept) = tokio::sync::oneshot::channel();
        threads.push(stage("book", &control, move || {
            drop(told.send(keeper.keep(&settled)))
        })?);
        // a reader that waits for room has to learn that there will be none
        let closing = tokio::spawn({
            let (stopping, budget) = (control.stopping().clone(), Arc::clone(&shared.budget));
            async move {
                stopping.cancelled().await;
                budget.close();
            }
        });
        send(sink, to_send, settle, indices).await;
        let checkpoint = kept
            .await
            .map_err(|_| crate::worker_defect("the book was not closed"))?;
        closing.abort();
        for thread in threads {
            // a panic was noted where it happened
            let _ = thread.join();
        }
        Ok(checkpoint?.finished == files_total)
    }
}

async fn send(
    sink: Arc<Sink>,
    wrangled: UnboundedReceiver<Wrangled>,
    settle: Sender<Settled>,
    indices: Indices,
) {
    sink::deliver_all(sink, wrangled, settle, indices).await;
}

/// A stage on a thread of its own; should it panic, the worker fails.
fn stage(
    name: &str,
    control: &Arc<Control>,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, Failure> {
    let (control, what) = (Arc::clone(control), name.to_owned());
    let guarded = move || {
        if catch_unwind(AssertUnwindSafe(work)).is_err() {
            control.fail(crate::worker_defect(&format!(
                "the {what} panicked; see the log"
            )));
        }
    };
    thread::Builder::new()
        .name(name.into())
        .spawn(guarded)
        .map_err(|e| crate::worker_defect(&format!("no thread: {e}")))
}

fn wrangle(
    mut wrangler: Wrangler,
    batches: &Mutex<Receiver<Batch>>,
    to: &UnboundedSender<Wrangled>,
    sink: &Sink,
) {
    loop {
        let next = batches
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(batch) = next else { return };
        let since = Instant::now();
        let raw = batch.block.len();
        let wrangled = wrangler.wrangle(batch, sink.bodies.take());
        sink.meter.expanded(raw, wrangled.body.len());
        let read = wrangled.ledgers.iter().map(|ledger| ledger.read).sum();
        sink.meter.records.fetch_add(read, Relaxed);
        sink.meter.spent(Work::Wrangle, since);
        if to.send(wrangled).is_err() {
            return;
        }
    }
}

/// Keeps the book.
struct Keeper {
    book: Book,
    shared: Shared,
    live: Arc<Live>,
    error_budget: ErrorBudget,
}

impl Keeper {
    /// Enters outcomes until no more come; gives the last page as it was saved.
    fn keep(mut self, settled: &Receiver<Settled>) -> Result<Checkpoint, Failure> {
        let kept = self.enter_all(settled).and_then(|()| self.save());
        if let Err(failure) = &kept {
            self.shared.control.fail(failure.clone());
            // those that still come are of no use without a book, but their senders must not wait
            self.shared.budget.close();
        }
        kept.map(|()| self.book.entries().clone())
    }

    fn enter_all(&mut self, settled: &Receiver<Settled>) -> Result<(), Failure> {
        let mut saved = Instant::now();
        loop {
            match settled.recv_timeout(SAVE_EVERY.saturating_sub(saved.elapsed())) {
                Ok(batch) => self.enter(batch)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if saved.elapsed() >= SAVE_EVERY {
                self.save()?;
                saved = Instant::now();
            }
        }
    }

    fn enter(&mut self, batch: Settled) -> Result<(), Failure> {
        let freed = self.book.enter(batch)?;
        if freed == 0 {
            return Ok(());
        }
        self.shared.budget.give_back(freed);
        let entries = self.book.entries();
        self.live.entered(entries);
        let ledger = entries.ledger();
        if let Some(mut message) = self
            .error_budget
            .exceeded(ledger.rejected, ledger.read, false)
        {
            if let Some(cause) = entries.commonest_cause() {
                message.push_str("; the commonest cause is ");
                message.push_str(cause);
            }
            self.shared.control.end(Ending::BudgetExceeded(message));
        }
        Ok(())
    }

    fn save(&mut self) -> Result<(), Failure> {
        self.book.turn()?.map_or(Ok(()), |page| page.save())
    }
}
