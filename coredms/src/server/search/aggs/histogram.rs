//! Intervals of time: where a bucket starts, and the empty buckets between.

use super::Interval;
use crate::server::mapping::{floor, shift};
use tantivy::columnar::MonotonicallyMappableToU64;

/// The start of the bucket of a date, both as the column has them.
pub fn start(raw: u64, interval: Interval) -> u64 {
    start_ms(i64::from_u64(raw), interval).to_u64()
}

/// The start of the bucket of a time, milliseconds.
pub fn start_ms(time: i64, interval: Interval) -> i64 {
    match interval {
        Interval::Fixed(length) => time.div_euclid(length) * length,
        Interval::Calendar(unit) => floor(time, unit).unwrap_or(time),
    }
}

/// The start of the next bucket.
pub fn next_ms(start: i64, interval: Interval) -> Option<i64> {
    match interval {
        Interval::Fixed(length) => start.checked_add(length),
        Interval::Calendar(unit) => shift(start, unit, 1),
    }
}
