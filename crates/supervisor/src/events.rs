//! What happens to a run, told to whoever listens while it happens.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::ids::RunId;
use domain::monitor::Sample;
use domain::run::Transition;
use futures::{Stream, StreamExt};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

/// Events that a slow listener may be behind before it misses some.
const BACKLOG: usize = 256;

/// Something that happened to a run.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
    /// It moved.
    State(Transition),
    /// It did not move, but what holds it up is another thing now, or nothing any more.
    Held,
    /// The job monitor took a sample.
    Sample(Box<Sample>),
    /// This listener was too slow and missed so many events: read the run again.
    Missed(u64),
}

/// The listeners of all runs.
#[derive(Default)]
pub(crate) struct Hub {
    runs: Mutex<HashMap<RunId, broadcast::Sender<RunEvent>>>,
}

impl Hub {
    fn runs(&self) -> MutexGuard<'_, HashMap<RunId, broadcast::Sender<RunEvent>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens from now on; ends when the run has ended.
    pub(crate) fn subscribe(&self, run: &RunId) -> impl Stream<Item = RunEvent> + Send + use<> {
        let receiver = self
            .runs()
            .entry(run.clone())
            .or_insert_with(|| broadcast::channel(BACKLOG).0)
            .subscribe();
        BroadcastStream::new(receiver).map(|event| match event {
            Ok(event) => event,
            Err(BroadcastStreamRecvError::Lagged(missed)) => RunEvent::Missed(missed),
        })
    }

    /// Tells everybody who listens; nobody may.
    pub(crate) fn publish(&self, run: &RunId, event: RunEvent) {
        let mut runs = self.runs();
        if runs
            .get(run)
            .is_some_and(|sender| sender.send(event).is_err())
        {
            runs.remove(run);
        }
    }

    /// No more events come for this run.
    pub(crate) fn close(&self, run: &RunId) {
        self.runs().remove(run);
    }

    /// Forgets the channels that nobody listens to any more.
    pub(crate) fn tidy(&self) {
        self.runs().retain(|_, sender| sender.receiver_count() > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::run::RunState;

    fn step(at_ms: i64) -> RunEvent {
        RunEvent::State(Transition {
            at_ms,
            to: RunState::Running,
            event: "worker_reads".into(),
        })
    }

    #[tokio::test]
    async fn a_listener_gets_its_own_runs_events_until_the_end_and_is_told_what_it_missed() {
        let hub = Hub::default();
        let run: RunId = "01aaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap();
        let other: RunId = "01bbbbbbbbbbbbbbbbbbbbbbbb".parse().unwrap();
        hub.publish(&run, step(0));
        let events = hub.subscribe(&run);
        hub.publish(&other, step(1));
        for at in 0..BACKLOG as i64 + 3 {
            hub.publish(&run, step(at));
        }
        hub.close(&run);
        let seen: Vec<_> = events.collect().await;
        assert_eq!(seen[0], RunEvent::Missed(3));
        assert_eq!(
            seen[1..],
            (3..BACKLOG as i64 + 3).map(step).collect::<Vec<_>>()
        );
    }
}
