//! What the status shows of the containers.

use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::worker::SinkStatus;
use engine_native::worker::Gauges;

use super::counters::Counters;
use crate::docker::Usage;

/// The newest figures.
#[derive(Debug, Default)]
pub struct Figures(Mutex<Newest>);

#[derive(Debug, Default)]
struct Newest {
    sink: SinkStatus,
    under_way: bool,
    memory_bytes: u64,
    /// CPU time of containers that are gone.
    cpu_ms_before: u64,
    cpu_ms: u64,
}

impl Figures {
    fn newest(&self) -> MutexGuard<'_, Newest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the counters say; `trouble` is what is wrong right now.
    pub fn count(&self, counters: &Counters, trouble: Option<String>) {
        let mut newest = self.newest();
        newest.under_way = counters.under_way() > 0;
        newest.sink = SinkStatus {
            in_flight: u32::from(counters.under_way() > 0),
            in_flight_bytes: 0,
            concurrency: 1,
            latency_p50_ms: counters.bulk_ms(),
            latency_p99_ms: counters.bulk_ms(),
            requests: counters.requests(),
            retries: counters.documents.retryable_failures,
            pushed_back: counters.pushed_back(),
            last_error: trouble,
        };
    }

    /// What the containers use.
    pub fn weigh(&self, usages: impl Iterator<Item = Usage>) {
        let (mut memory_bytes, mut cpu_ms) = (0, 0);
        for usage in usages {
            memory_bytes += usage.memory_bytes;
            cpu_ms += usage.cpu_ms;
        }
        let mut newest = self.newest();
        newest.memory_bytes = memory_bytes;
        newest.cpu_ms = newest.cpu_ms.max(cpu_ms);
    }

    /// The containers are gone.
    pub fn rest(&self) {
        let mut newest = self.newest();
        newest.cpu_ms_before += newest.cpu_ms;
        (newest.memory_bytes, newest.cpu_ms, newest.under_way) = (0, 0, false);
        newest.sink.in_flight = 0;
    }
}

impl Gauges for Figures {
    fn sink(&self) -> SinkStatus {
        self.newest().sink.clone()
    }

    fn is_idle(&self) -> bool {
        !self.newest().under_way
    }

    fn outside(&self) -> (u64, u64) {
        let newest = self.newest();
        (newest.memory_bytes, newest.cpu_ms_before + newest.cpu_ms)
    }
}
