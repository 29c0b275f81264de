//! How many requests may be under way, and how large they should be: more while answers come quickly, fewer when the
//! core DMS pushes back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use domain::worker::SinkStatus;
use tokio::sync::Notify;

use super::latencies::Latencies;
use crate::meter::{Meter, Work};

const MIN_BULK_BYTES: usize = 128 << 10;
const MAX_BULK_BYTES: usize = 4 << 20;
/// A request that takes longer than this is too large; one that takes less than a tenth of it may be larger.
const LONG: Duration = Duration::from_secs(2);
/// Latency may rise to so many times the lowest one before it counts as a queue building up.
const TOLERATED_RISE: f64 = 3.0;
/// The lowest latency is forgotten by this factor with each request, as the core DMS may become slower for good.
const FORGET: f64 = 1.01;

/// Decides how the core DMS is spoken to.
#[derive(Debug)]
pub struct Pace {
    max: f64,
    state: Mutex<State>,
    /// Held by whoever is next: requests begin in the order in which they ask, as the book is kept in the order of
    /// reading, and one batch that others overtake again and again would hold up all progress.
    turn: tokio::sync::Mutex<()>,
    freed: Notify,
    meter: Arc<Meter>,
}

#[derive(Debug)]
struct State {
    limit: f64,
    in_flight: u32,
    in_flight_bytes: u64,
    lowest_ms: f64,
    shrunk_at: Option<Instant>,
    latencies: Latencies,
    requests: u64,
    retries: u64,
    pushed_back: u64,
    last_error: Option<String>,
}

/// How a request went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It was carried out.
    Done,
    /// The core DMS has too much to do (429, 503), wholly or in part, or did not answer in time.
    PushedBack(String),
    /// It could not be reached, or refused.
    Failed(String),
}

/// The right to have a request under way.
#[derive(Debug)]
pub struct Slot<'p> {
    pace: &'p Pace,
    bytes: u64,
    since: Instant,
}

impl Pace {
    /// A pace of at most `max` requests at once.
    pub fn new(max: usize, meter: Arc<Meter>) -> Self {
        let state = State {
            limit: 2.0_f64.min(max as f64),
            in_flight: 0,
            in_flight_bytes: 0,
            lowest_ms: f64::INFINITY,
            shrunk_at: None,
            latencies: Latencies::default(),
            requests: 0,
            retries: 0,
            pushed_back: 0,
            last_error: None,
        };
        Self {
            max: max as f64,
            state: Mutex::new(state),
            turn: tokio::sync::Mutex::new(()),
            freed: Notify::new(),
            meter,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until one more request may be under way, and nobody else waits for that.
    pub async fn wait(&self) {
        let _turn = self.turn.lock().await;
        self.room().await;
    }

    /// Waits until one more request may be under way.
    async fn room(&self) {
        loop {
            let freed = self.freed.notified();
            {
                let state = self.state();
                if f64::from(state.in_flight) < state.limit.floor().max(1.0) {
                    return;
                }
            }
            freed.await;
        }
    }

    /// Begins a request of so many bytes, once it may be under way.
    pub async fn slot(&self, bytes: usize) -> Slot<'_> {
        let _turn = self.turn.lock().await;
        self.room().await;
        let mut state = self.state();
        state.in_flight += 1;
        state.in_flight_bytes += bytes as u64;
        state.requests += 1;
        Slot {
            pace: self,
            bytes: bytes as u64,
            since: Instant::now(),
        }
    }

    /// Notes that so many items, or one request, are sent again.
    pub fn retried(&self, count: u64) {
        self.state().retries += count;
    }

    /// Notes items that were pushed back one by one.
    pub fn pushed_back(&self, count: u64) {
        self.state().pushed_back += count;
    }

    /// Notes an error of something other than a bulk request.
    pub fn troubled(&self, why: &str) {
        self.state().last_error = Some(why.to_owned());
    }

    /// What the sink does.
    pub fn status(&self) -> SinkStatus {
        let state = self.state();
        let (latency_p50_ms, latency_p99_ms) = state.latencies.percentiles();
        SinkStatus {
            in_flight: state.in_flight,
            in_flight_bytes: state.in_flight_bytes,
            concurrency: state.limit as u32,
            latency_p50_ms,
            latency_p99_ms,
            requests: state.requests,
            retries: state.retries,
            pushed_back: state.pushed_back,
            last_error: state.last_error.clone(),
        }
    }

    fn adapt(&self, state: &mut State, latency: Duration, reply: &Reply, full: bool) {
        let ms = latency.as_secs_f64() * 1e3;
        match reply {
            Reply::Done => {
                state.lowest_ms = (state.lowest_ms * FORGET).min(ms.max(1.0));
                if ms > state.lowest_ms * TOLERATED_RISE && state.limit > 2.0 {
                    state.limit -= 1.0 / state.limit;
                } else if full {
                    state.limit = (state.limit + 1.0 / state.limit).min(self.max);
                }
            }
            // requests that were under way together are pushed back together: that is one reason, not many
            Reply::PushedBack(_) if state.shrunk_at.is_none_or(|at| at.elapsed() > latency) => {
                state.limit = (state.limit / 2.0).max(1.0);
                state.shrunk_at = Some(Instant::now());
            }
            Reply::PushedBack(_) | Reply::Failed(_) => {}
        }
        let aim = self.meter.bulk_bytes();
        match reply {
            Reply::Done if latency > LONG => self.meter.aim_at((aim / 2).max(MIN_BULK_BYTES)),
            Reply::Done if latency > LONG / 10 => {}
            Reply::Done if latency > LONG / 100 => {
                self.meter.aim_at((aim + aim / 16).min(MAX_BULK_BYTES))
            }
            Reply::Done | Reply::Failed(_) => {}
            Reply::PushedBack(_) => self.meter.aim_at((aim - aim / 4).max(MIN_BULK_BYTES)),
        }
    }
}

impl Slot<'_> {
    /// Notes how the request went.
    pub fn answered(self, reply: &Reply) {
        let latency = self.since.elapsed();
        let mut state = self.pace.state();
        let full = f64::from(state.in_flight) >= state.limit.floor();
        self.pace.adapt(&mut state, latency, reply, full);
        state.last_error = match reply {
            Reply::Done => None,
            Reply::PushedBack(why) | Reply::Failed(why) => Some(why.clone()),
        };
        state.pushed_back += u64::from(matches!(reply, Reply::PushedBack(_)));
        state.latencies.add(latency);
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut state = self.pace.state();
        state.in_flight -= 1;
        state.in_flight_bytes -= self.bytes;
        drop(state);
        self.pace.meter.spent(Work::Send, self.since);
        self.pace.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    fn pace() -> Pace {
        Pace::new(8, Arc::default())
    }

    fn reply(pace: &Pace, reply: &Reply, latency: Duration) {
        let mut state = pace.state();
        pace.adapt(&mut state, latency, reply, true);
    }

    #[test]
    fn concurrency_grows_with_quick_answers_up_to_its_bound() {
        let pace = pace();
        for _ in 0..100 {
            reply(&pace, &Reply::Done, Duration::from_millis(10));
        }
        assert_eq!(pace.status().concurrency, 8);
    }

    #[test]
    fn a_queue_building_up_at_the_core_dms_is_not_fed() {
        let pace = pace();
        reply(&pace, &Reply::Done, Duration::from_millis(10));
        let before = pace.state().limit;
        for _ in 0..10 {
            reply(&pace, &Reply::Done, Duration::from_millis(500));
        }
        assert!(pace.state().limit <= before);
    }

    #[test]
    fn being_pushed_back_halves_it_once_for_the_requests_that_were_under_way_together() {
        let pace = pace();
        pace.state().limit = 8.0;
        for _ in 0..3 {
            reply(
                &pace,
                &Reply::PushedBack(String::new()),
                Duration::from_secs(5),
            );
        }
        assert_eq!(pace.status().concurrency, 4);
    }

    #[tokio::test]
    async fn requests_begin_in_the_order_in_which_they_ask() {
        let pace = pace();
        let (first, _second) = (pace.slot(1).await, pace.slot(1).await);
        let mut waiting = std::pin::pin!(pace.slot(1));
        let at_once = Duration::ZERO;
        assert!(timeout(at_once, &mut waiting).await.is_err());
        drop(first);
        // there is room now, but not for whoever comes later
        assert!(timeout(at_once, pace.slot(1)).await.is_err());
        waiting.await;
    }

    #[test]
    fn requests_shrink_when_they_take_long_and_grow_when_they_do_not() {
        let pace = pace();
        let at_first = pace.meter.bulk_bytes();
        reply(&pace, &Reply::Done, Duration::from_secs(3));
        assert_eq!(pace.meter.bulk_bytes(), at_first / 2);
        for _ in 0..100 {
            reply(&pace, &Reply::Done, Duration::from_millis(50));
        }
        assert_eq!(pace.meter.bulk_bytes(), MAX_BULK_BYTES);
    }
}
