//! Holds reading to the run's share of its client's rates, which the manager writes into the run folder and may change at
//! any time.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use domain::worker::Share;

use crate::files::read_json;

/// How often it is looked whether the share has changed, and the longest wait at once.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// So much of a rate may be used at once after a time of little use.
const BURST: Duration = Duration::from_secs(1);

/// The pace of a reader: it asks before each block, and pays afterwards for what the block held.
#[derive(Debug)]
pub struct RatePace {
    file: PathBuf,
    share: Share,
    looked: Option<Instant>,
    records: Bucket,
    bytes: Bucket,
}

impl RatePace {
    /// By the share in this file; what was read so far is not charged.
    pub fn new(file: PathBuf, records: u64, bytes: u64) -> Self {
        Self {
            file,
            share: Share::default(),
            looked: None,
            records: Bucket::new(records),
            bytes: Bucket::new(bytes),
        }
    }

    /// How long reading has to wait now, after so many records and bytes were read; to be asked again after that time.
    pub fn wait(&mut self, records: u64, bytes: u64) -> Duration {
        let now = Instant::now();
        if self.looked.is_none_or(|looked| now - looked >= LOOK_EVERY) {
            self.looked = Some(now);
            self.look();
        }
        let waits = [
            self.records.wait(now, records, self.share.records_per_s),
            self.bytes.wait(now, bytes, self.share.bytes_per_s),
        ];
        waits.into_iter().max().unwrap_or_default().min(LOOK_EVERY)
    }

    fn look(&mut self) {
        match read_json::<Share>(&self.file) {
            Ok(share) => self.share = share.unwrap_or_default(),
            Err(failure) => {
                tracing::warn!(%failure, "the share of the client's rates stays as it was")
            }
        }
    }
}

/// What is owed to a rate.
#[derive(Debug)]
struct Bucket {
    used: u64,
    owed: f64,
    at: Option<Instant>,
}

impl Bucket {
    const fn new(used: u64) -> Self {
        Self {
            used,
            owed: 0.0,
            at: None,
        }
    }

    fn wait(&mut self, now: Instant, used: u64, per_s: Option<f64>) -> Duration {
        let spent = used.saturating_sub(self.used) as f64;
        let passed = self.at.map_or(Duration::ZERO, |at| now - at);
        (self.used, self.at) = (used, Some(now));
        let Some(per_s) = per_s.filter(|per_s| *per_s > 0.0) else {
            self.owed = 0.0;
            return Duration::ZERO;
        };
        self.owed = (self.owed - per_s * passed.as_secs_f64()).max(0.0) + spent;
        let over = self.owed - per_s * BURST.as_secs_f64();
        Duration::try_from_secs_f64(over.max(0.0) / per_s).unwrap_or(LOOK_EVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_held_but_for_the_burst_and_for_what_a_block_holds() {
        let (begin, block, per_s) = (Instant::now(), 400, 1000.0);
        let (mut bucket, mut now, mut used) = (Bucket::new(7), begin, 7);
        while now - begin < Duration::from_secs(100) {
            let wait = bucket.wait(now, used, Some(per_s));
            now += wait;
            if wait.is_zero() {
                used += block;
            }
        }
        let allowed = per_s * (now - begin).as_secs_f64();
        assert!(used as f64 - 7.0 <= allowed + per_s + block as f64);
        assert!(used as f64 >= allowed, "no more waiting than is needed");
    }

    #[test]
    fn a_larger_share_shortens_a_wait_that_has_begun() {
        let (begin, mut bucket) = (Instant::now(), Bucket::new(0));
        assert_eq!(
            bucket.wait(begin, 10_000, Some(10.0)),
            Duration::from_secs(999)
        );
        assert_eq!(bucket.wait(begin, 10_000, Some(10_000.0)), Duration::ZERO);
        assert_eq!(bucket.wait(begin, u64::MAX, None), Duration::ZERO);
    }

    #[test]
    fn a_share_is_read_again_and_none_is_no_limit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("share.json");
        let mut pace = RatePace::new(file.clone(), 0, 0);
        assert_eq!(pace.wait(1 << 40, 1 << 40), Duration::ZERO);
        std::fs::write(&file, r#"{"records_per_s":10.0,"bytes_per_s":null}"#).unwrap();
        pace.looked = None;
        pace.wait(1 << 40, 1 << 40);
        assert_eq!(pace.wait((1 << 40) + 100, 1 << 40), LOOK_EVERY);
    }
}
