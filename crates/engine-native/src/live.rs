//! What can be seen of a worker while it lives.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use domain::ids::RunId;
use domain::ledger::Ledger;
use domain::worker::{Command, Phase, WorkerStatus};

use crate::book::Book;
use crate::control::{Control, Ending};
use crate::limits;
use crate::meter::Meter;
use crate::sink::Sink;

/// How far the worker is by itself, whatever it has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Progress {
    /// Reading its order and checkpoint.
    Starting,
    /// Reading files.
    Reading,
    /// Everything is read.
    Read,
    /// Everything is done.
    Finished,
}

/// A worker's shared state.
#[derive(Debug)]
pub struct Live {
    /// Which run.
    pub run: RunId,
    /// Which launch.
    pub attempt: u32,
    /// What it was told.
    pub control: Arc<Control>,
    /// Counters.
    pub meter: Arc<Meter>,
    /// Bytes of all staged files.
    pub bytes_total: u64,
    /// Number of all files.
    pub files_total: u32,
    sink: OnceLock<Arc<Sink>>,
    book: OnceLock<Mutex<Book>>,
    progress: AtomicU8,
    contact: Mutex<Instant>,
}

impl Live {
    /// A worker that starts.
    pub fn new(run: RunId, attempt: u32, bytes_total: u64, files_total: u32) -> Self {
        Self {
            run,
            attempt,
            control: Arc::default(),
            meter: Arc::default(),
            bytes_total,
            files_total,
            sink: OnceLock::new(),
            book: OnceLock::new(),
            progress: AtomicU8::new(Progress::Starting as u8),
            contact: Mutex::new(Instant::now()),
        }
    }

    /// The book, once it is open.
    pub fn book(&self) -> Option<MutexGuard<'_, Book>> {
        self.book.get().map(|book| book.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Opens the book for everybody.
    pub fn set_book(&self, book: Book) {
        self.book.get_or_init(|| Mutex::new(book));
    }

    /// Shows the sink.
    pub fn set_sink(&self, sink: Arc<Sink>) {
        self.sink.get_or_init(|| sink);
    }

    /// Notes how far the worker is.
    pub fn is_at(&self, progress: Progress) {
        self.progress.store(progress as u8, Relaxed);
        self.meter.progress();
    }

    /// The sums over everything that has an outcome.
    pub fn ledger(&self) -> Ledger {
        self.book().map(|book| book.entries().ledger()).unwrap_or_default()
    }

    /// Notes that a manager has asked.
    pub fn contacted(&self) {
        *self.contact.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// For how long no manager has asked.
    pub fn alone_for(&self) -> Duration {
        self.contact.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// Does what a manager says.
    pub fn obey(&self, command: Command) {
        tracing::info!(?command, "told");
        match command {
            Command::Pause => self.control.pause(),
            Command::Resume => self.control.resume(),
            Command::Cancel => self.control.end(Ending::Cancelled),
            Command::Suspend => self.control.end(Ending::Suspended),
        }
    }

    fn phase(&self) -> Phase {
        let progress = self.progress.load(Relaxed);
        if progress == Progress::Finished as u8 {
            Phase::Finished
        } else if progress == Progress::Starting as u8 {
            Phase::Starting
        } else if progress == Progress::Read as u8 || self.control.stopping().is_cancelled() {
            Phase::Draining
        } else if self.control.is_paused() {
            Phase::Paused
        } else {
            Phase::Reading
        }
    }

    /// The status.
    pub fn status(&self) -> WorkerStatus {
        let (ledger, files_done) = self.book().map(|book| (book.entries().ledger(), book.entries().finished)).unwrap_or_default();
        WorkerStatus {
            run: self.run.clone(),
            attempt: self.attempt,
            phase: self.phase(),
            ledger,
            bytes_read: self.meter.bytes_read.load(Relaxed).min(self.bytes_total),
            bytes_total: self.bytes_total,
            files_done,
            files_total: self.files_total,
            last_progress_ms: self.meter.last_progress_ms(),
            stages: self.meter.stages(),
            sink: self.sink.get().map(|sink| sink.status()).unwrap_or_default(),
            rss_bytes: limits::resident_bytes(),
            cpu_ms: limits::cpu_ms(),
        }
    }
}
