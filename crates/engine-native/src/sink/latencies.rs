//! The latencies of the last requests.

use std::time::Duration;

const KEPT: usize = 256;

/// The last latencies, in milliseconds.
#[derive(Debug, Default)]
pub struct Latencies {
    ring: Vec<f64>,
    next: usize,
}

impl Latencies {
    /// Adds one.
    pub fn add(&mut self, latency: Duration) {
        let ms = latency.as_secs_f64() * 1e3;
        match self.ring.get_mut(self.next) {
            Some(oldest) => *oldest = ms,
            None => self.ring.push(ms),
        }
        self.next = (self.next + 1) % KEPT;
    }

    /// Median and 99th percentile; zeros before the first.
    pub fn percentiles(&self) -> (f64, f64) {
        let mut sorted = self.ring.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            sorted
                .get(sorted.len() * percent / 100)
                .copied()
                .unwrap_or_default()
        };
        (at(50), at(99))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_last_ones() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentiles(), (0.0, 0.0));
        for ms in 0..1000 {
            latencies.add(Duration::from_millis(ms));
        }
        assert_eq!(latencies.percentiles(), (872.0, 997.0));
    }
}
