//! Faults at the n-th effect, or right after it: a crash (whoever reaches it never returns, and the test takes the
//! supervisor away), or an error (also one that comes although the effect was carried out).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

/// Shared by all fakes of a test.
#[derive(Clone, Default)]
pub struct Faults(Arc<Inner>);

#[derive(Default)]
struct Inner {
    passed: AtomicU64,
    /// The point to crash at, from 1; 0 for never.
    crash_at: AtomicU64,
    /// The point to fail at, from 1; 0 for never.
    fail_at: AtomicU64,
    crashed: Notify,
    store_is_down: AtomicBool,
}

impl Faults {
    /// A place where a process may die, or a call may fail: gives whether it is to fail.
    pub async fn point(&self) -> bool {
        let point = self.0.passed.fetch_add(1, Ordering::SeqCst) + 1;
        if point == self.0.crash_at.load(Ordering::SeqCst) {
            self.0.crashed.notify_one();
            std::future::pending::<()>().await;
        }
        point == self.0.fail_at.load(Ordering::SeqCst)
    }

    /// Counts from here; dies at the n-th point.
    pub fn crash_at(&self, point: u64) {
        self.0.passed.store(0, Ordering::SeqCst);
        self.0.crash_at.store(point, Ordering::SeqCst);
    }

    /// Counts from here; gives an error at the n-th point.
    pub fn fail_at(&self, point: u64) {
        self.0.passed.store(0, Ordering::SeqCst);
        self.0.fail_at.store(point, Ordering::SeqCst);
    }

    /// Points passed since the count began.
    pub fn passed(&self) -> u64 {
        self.0.passed.load(Ordering::SeqCst)
    }

    pub async fn crashed(&self) {
        self.0.crashed.notified().await;
    }

    pub fn set_store_down(&self, down: bool) {
        self.0.store_is_down.store(down, Ordering::SeqCst);
    }

    pub fn store_is_down(&self) -> bool {
        self.0.store_is_down.load(Ordering::SeqCst)
    }
}
