//! How long to wait before something is sent again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
/// Short enough to go on soon after an outage, however long it was.
const LONGEST: Duration = Duration::from_secs(5);

/// Waits that double, with jitter, so that many do not come back at once.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
}

impl Backoff {
    /// One that has not waited yet.
    pub fn new() -> Self {
        Self { next: FIRST }
    }

    /// Starts over after a success.
    pub fn reset(&mut self) {
        self.next = FIRST;
    }

    /// The next wait, for `chance` between 0 and 1; at least what the server asked for.
    fn step(&mut self, asked: Option<Duration>, chance: f64) -> Duration {
        let wait = self.next.mul_f64(0.5 + chance.clamp(0.0, 1.0));
        self.next = (self.next * 2).min(LONGEST);
        asked.map_or(wait, |asked| wait.max(asked))
    }

    /// Waits.
    pub async fn wait(&mut self, asked: Option<Duration>) {
        tokio::time::sleep(self.step(asked, rand::random())).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_obey_the_server() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..8)
            .map(|_| backoff.step(None, 0.5).as_millis())
            .collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(
            backoff.step(Some(Duration::from_secs(30)), 1.0),
            Duration::from_secs(30)
        );
        backoff.reset();
        assert_eq!(backoff.step(None, 0.0), FIRST / 2);
    }
}
