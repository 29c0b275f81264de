//! Following a run by its events; by asking where events do not come through; again and again, within bounds, where
//! nothing answers, because a manager that is started anew carries on.

use std::time::Duration;

use api::{ClientError, RunEvent, RunInfo};
use futures::StreamExt;
use futures::stream::BoxStream;

/// Time between two questions while no events come.
const POLL: Duration = Duration::from_secs(1);
/// The first delay after a question without an answer; doubled each time.
const FIRST_DELAY: Duration = Duration::from_millis(250);
/// The longest delay.
const MAX_DELAY: Duration = Duration::from_secs(5);
/// Questions in a row without an answer until the run is given up: with the delays, two minutes.
const MAX_UNANSWERED: u32 = 27;

/// Where news of one run come from.
pub(super) trait Source {
    /// Its events from now on.
    async fn events(
        &self,
    ) -> Result<BoxStream<'static, Result<RunEvent, ClientError>>, ClientError>;
    /// The run as it is now.
    async fn run(&self) -> Result<RunInfo, ClientError>;
    /// Lets time pass.
    async fn pause(&self, delay: Duration);
}

/// How following ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The run has ended.
    Run(Box<RunInfo>),
    /// The manager answered, and what it said will not become different.
    Refused(ClientError),
    /// Nothing answered for too long.
    Lost(ClientError),
}

/// Follows a run to its end; `show` is told of everything new.
pub(super) async fn follow(source: &impl Source, mut show: impl FnMut(&RunInfo)) -> Ended {
    let mut unanswered = 0;
    loop {
        // why the events do not come does not matter: asking shows whether anybody is there
        if let Ok(events) = source.events().await {
            let (heard, ended) = listen(events, &mut show).await;
            if let Some(run) = ended {
                return Ended::Run(run);
            }
            if heard {
                unanswered = 0;
            }
        }
        match source.run().await {
            Ok(run) => {
                unanswered = 0;
                show(&run);
                if run.ended {
                    return Ended::Run(Box::new(run));
                }
                source.pause(POLL).await;
            }
            Err(error) if !error.retryable() => return Ended::Refused(error),
            Err(error) if unanswered >= MAX_UNANSWERED => return Ended::Lost(error),
            Err(_) => {
                source.pause(delay(unanswered)).await;
                unanswered += 1;
            }
        }
    }
}

/// The delay after so many questions without an answer.
fn delay(unanswered: u32) -> Duration {
    MAX_DELAY.min(FIRST_DELAY.saturating_mul(1 << unanswered.min(16)))
}

/// Takes events while they come. Says whether any did, and the run if it has ended.
async fn listen(
    mut events: BoxStream<'static, Result<RunEvent, ClientError>>,
    show: &mut impl FnMut(&RunInfo),
) -> (bool, Option<Box<RunInfo>>) {
    let mut now: Option<Box<RunInfo>> = None;
    while let Some(Ok(event)) = events.next().await {
        match event {
            RunEvent::Run(run) => now = Some(run),
            RunEvent::Sample(sample) => {
                if let Some(run) = &mut now {
                    // the proven sums of a run whose end is known are not to be overwritten
                    if run.outcome.is_none() {
                        run.ledger = sample.ledger;
                    }
                    run.sample = Some(*sample);
                }
            }
        }
        if let Some(run) = &now {
            show(run);
            if run.ended {
                return (true, now);
            }
        }
    }
    (now.is_some(), None)
}

#[cfg(test)]
mod tests;
