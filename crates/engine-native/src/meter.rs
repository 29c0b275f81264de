//! Counters that the stages keep and the status shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use domain::EpochMs;
use domain::worker::StageTimes;

/// How many bytes of a bulk body come of one raw byte, at first; then it is measured.
const FIRST_EXPANSION: u64 = 8 * 256;

/// How large a bulk body is to be at first; then it adapts.
const FIRST_BULK_BYTES: usize = 1 << 20;

/// Shared by all stages.
#[derive(Debug)]
pub struct Meter {
    /// Bytes of the staged files read.
    pub bytes_read: Arc<AtomicU64>,
    /// Records read by this worker.
    pub records: AtomicU64,
    read_ns: AtomicU64,
    wrangle_ns: AtomicU64,
    send_ns: AtomicU64,
    blocked_ns: AtomicU64,
    last_progress_ms: AtomicI64,
    /// Body bytes for 256 raw bytes, a running mean.
    expansion: AtomicU64,
    bulk_bytes: AtomicUsize,
}

/// What a stage spends its time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Reading and unpacking.
    Read,
    /// Wrangling and encoding.
    Wrangle,
    /// Waiting for the sink's answers.
    Send,
    /// Reading waited for room downstream.
    Blocked,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            bytes_read: Arc::default(),
            records: AtomicU64::new(0),
            read_ns: AtomicU64::new(0),
            wrangle_ns: AtomicU64::new(0),
            send_ns: AtomicU64::new(0),
            blocked_ns: AtomicU64::new(0),
            last_progress_ms: AtomicI64::new(now_ms()),
            expansion: AtomicU64::new(FIRST_EXPANSION),
            bulk_bytes: AtomicUsize::new(FIRST_BULK_BYTES),
        }
    }
}

impl Meter {
    /// Adds the time since `since` to a kind of work; gives the time now.
    pub fn spent(&self, work: Work, since: Instant) -> Instant {
        let now = Instant::now();
        self.add(work, now - since);
        now
    }

    fn add(&self, work: Work, time: Duration) {
        let counter = match work {
            Work::Read => &self.read_ns,
            Work::Wrangle => &self.wrangle_ns,
            Work::Send => &self.send_ns,
            Work::Blocked => &self.blocked_ns,
        };
        counter.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// How the time went.
    pub fn stages(&self) -> StageTimes {
        let ms = |counter: &AtomicU64| counter.load(Relaxed) as f64 / 1e6;
        StageTimes {
            read_ms: ms(&self.read_ns),
            wrangle_ms: ms(&self.wrangle_ns),
            send_ms: ms(&self.send_ns),
            blocked_ms: ms(&self.blocked_ns),
        }
    }

    /// Notes that something moved.
    pub fn progress(&self) {
        self.last_progress_ms.store(now_ms(), Relaxed);
    }

    /// When something moved last.
    pub fn last_progress_ms(&self) -> EpochMs {
        self.last_progress_ms.load(Relaxed)
    }

    /// Notes how large the body of a block became.
    pub fn expanded(&self, raw: usize, body: usize) {
        if raw >= 4096 {
            let measured = (body as u64 * 256 / raw as u64).max(1);
            let before = self.expansion.load(Relaxed);
            self.expansion.store((before * 7 + measured) / 8, Relaxed);
        }
    }

    /// How large a body `raw` bytes will give.
    pub fn body_of(&self, raw: usize) -> usize {
        raw * usize::try_from(self.expansion.load(Relaxed)).unwrap_or(usize::MAX) / 256
    }

    /// How many raw bytes give a bulk body of the size that is aimed at.
    pub fn raw_for_bulk(&self) -> usize {
        self.bulk_bytes.load(Relaxed) * 256
            / usize::try_from(self.expansion.load(Relaxed).max(1)).unwrap_or(1)
    }

    /// How large a bulk body should be.
    pub fn bulk_bytes(&self) -> usize {
        self.bulk_bytes.load(Relaxed)
    }

    /// Aims at bulk bodies of this size.
    pub fn aim_at(&self, bulk_bytes: usize) {
        self.bulk_bytes.store(bulk_bytes, Relaxed);
    }
}

/// Milliseconds since the epoch.
pub fn now_ms() -> EpochMs {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
