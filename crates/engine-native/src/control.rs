//! What the worker has been told, and what went wrong: the one place where all stages look whether to go on.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::error::Failure;
use tokio_util::sync::CancellationToken;

/// Why the worker ends before everything is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// To be started again later.
    Suspended,
    /// Called off.
    Cancelled,
    /// More rejects than the error budget allows, in words.
    BudgetExceeded(String),
    /// It cannot go on.
    Failed(Failure),
}

/// Shared by all stages.
#[derive(Debug, Default)]
pub struct Control {
    state: Mutex<State>,
    changed: Condvar,
    stopping: CancellationToken,
    abandoned: CancellationToken,
}

#[derive(Debug, Default)]
struct State {
    paused: bool,
    ending: Option<Ending>,
}

impl Control {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reading stops until [`Self::resume`].
    pub fn pause(&self) {
        self.state().paused = true;
    }

    /// Reading goes on.
    pub fn resume(&self) {
        self.state().paused = false;
        self.changed.notify_all();
    }

    /// Reading stops for good; what is under way is finished, unless the ending is a failure. A failure replaces any
    /// other ending, a cancellation a suspension; otherwise the first one stands.
    pub fn end(&self, ending: Ending) {
        let failed = matches!(ending, Ending::Failed(_));
        let mut state = self.state();
        let replaces = match (&state.ending, &ending) {
            (None, _) => true,
            (Some(Ending::Failed(_)), _) => false,
            (Some(_), Ending::Failed(_)) | (Some(Ending::Suspended), Ending::Cancelled) => true,
            (Some(_), _) => false,
        };
        if replaces {
            state.ending = Some(ending);
        }
        drop(state);
        self.changed.notify_all();
        self.stopping.cancel();
        if failed {
            self.abandoned.cancel();
        }
    }

    /// Shorthand for ending by a failure.
    pub fn fail(&self, failure: Failure) {
        self.end(Ending::Failed(failure));
    }

    /// What is under way is given up.
    pub fn abandon(&self) {
        self.abandoned.cancel();
    }

    /// How the worker ends, if it is to end early.
    pub fn ending(&self) -> Option<Ending> {
        self.state().ending.clone()
    }

    /// Whether reading is held.
    pub fn is_paused(&self) -> bool {
        self.state().paused
    }

    /// Waits while reading is held; false once it is to stop.
    pub fn may_read(&self) -> bool {
        let waits = |state: &mut State| state.paused && state.ending.is_none();
        let state = self
            .changed
            .wait_while(self.state(), waits)
            .unwrap_or_else(PoisonError::into_inner);
        state.ending.is_none()
    }

    /// Waits for a while; false once reading is to stop.
    pub fn rest(&self, time: Duration) -> bool {
        let waits = |state: &mut State| state.ending.is_none();
        let (state, _) = self
            .changed
            .wait_timeout_while(self.state(), time, waits)
            .unwrap_or_else(PoisonError::into_inner);
        state.ending.is_none()
    }

    /// Cancelled when reading is to stop.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Cancelled when what is under way is to be given up.
    pub fn abandoned(&self) -> &CancellationToken {
        &self.abandoned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::error::Culprit;

    #[test]
    fn the_graver_ending_stands() {
        let failure = Failure::permanent("x", Culprit::Platform, "", "");
        let all = [
            Ending::Suspended,
            Ending::Cancelled,
            Ending::BudgetExceeded(String::new()),
            Ending::Failed(failure),
        ];
        let cases = [
            (0, 1, 1),
            (1, 0, 1),
            (2, 1, 2),
            (2, 0, 2),
            (0, 3, 3),
            (3, 1, 3),
            (1, 2, 1),
        ];
        for (first, second, stands) in cases {
            let control = Control::default();
            control.end(all[first].clone());
            control.end(all[second].clone());
            assert_eq!(
                control.ending().as_ref(),
                Some(&all[stands]),
                "{first} {second}"
            );
            assert!(!control.may_read());
        }
    }

    #[test]
    fn an_ending_wakes_a_held_reader_and_one_that_rests() {
        let control = Control::default();
        control.pause();
        std::thread::scope(|scope| {
            let held = scope.spawn(|| control.may_read());
            let rests = scope.spawn(|| control.rest(Duration::MAX));
            control.end(Ending::Cancelled);
            assert!(!held.join().unwrap());
            assert!(!rests.join().unwrap());
        });
    }
}
