//! The bytes that may be between the first read and the last answer: the bound on the data plane's memory.

use std::sync::{Condvar, Mutex, PoisonError};

/// A counting semaphore over bytes. Reading takes from it what a batch will need until its outcome is known; so nothing
/// downstream ever waits for memory, and nothing can deadlock.
#[derive(Debug)]
pub struct Budget {
    total: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    free: usize,
    closed: bool,
}

impl Budget {
    /// A budget of `total` bytes.
    pub fn new(total: usize) -> Self {
        Self {
            total,
            state: Mutex::new(State {
                free: total,
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// Waits for `bytes` and gives how many were taken: at most the whole budget, so that something larger has it for
    /// itself. None once the budget is closed.
    pub fn take(&self, bytes: usize) -> Option<usize> {
        let wanted = bytes.min(self.total);
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |state: &mut State| state.free < wanted && !state.closed;
        let mut state = self
            .changed
            .wait_while(state, waits)
            .unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return None;
        }
        state.free -= wanted;
        Some(wanted)
    }

    /// Gives back what was taken.
    pub fn give_back(&self, bytes: usize) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .free += bytes;
        self.changed.notify_all();
    }

    /// Whether nothing is taken: everything that was read has an outcome.
    pub fn is_whole(&self) -> bool {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .free
            == self.total
    }

    /// Lets nobody wait or take any more.
    pub fn close(&self) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .closed = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_too_large_has_the_budget_for_itself() {
        let budget = Budget::new(10);
        let taken = budget.take(1000);
        assert_eq!(taken, Some(10));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| budget.take(1));
            budget.give_back(10);
            assert_eq!(waiting.join().unwrap(), Some(1));
        });
    }

    #[test]
    fn closing_wakes_who_waits() {
        let budget = Budget::new(1);
        budget.take(1);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| budget.take(1));
            budget.close();
            assert_eq!(waiting.join().unwrap(), None);
        });
    }
}
