//! `drop`: removes the event, or a percentage of events.

use super::Applied;
use crate::exec::Context;
use crate::options::Options;

/// A compiled drop filter.
#[derive(Debug)]
pub(crate) struct Drop {
    /// Events whose hash is below it are dropped; of 2^32.
    threshold: u64,
}

impl Drop {
    pub(super) fn compile(options: Options<'_>) -> Self {
        let percentage: f64 = options
            .text("percentage")
            .and_then(|text| text.parse().ok())
            .unwrap_or(100.0);
        Self {
            threshold: (percentage.clamp(0.0, 100.0) / 100.0 * 4_294_967_296.0) as u64,
        }
    }

    /// Chance comes from file and position, so that a replay drops the same records.
    pub(super) fn apply<'a>(&self, context: Context) -> Applied<'a> {
        let drop = context.record_hash >> 32 < self.threshold;
        if drop {
            Applied::Dropped
        } else {
            Applied::Matched
        }
    }
}
