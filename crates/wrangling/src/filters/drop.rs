//! `drop`: removes the event, or a percentage of events.

use super::Applied;
use crate::exec::{Context, Event};
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
    pub(super) fn apply<'a>(&self, event: &Event<'a>, context: Context<'_>) -> Applied<'a> {
        let drop =
            self.threshold > u64::from(u32::MAX) || chance(context, event.lineage) < self.threshold;
        if drop {
            Applied::Dropped
        } else {
            Applied::Matched
        }
    }
}

/// 32 bits that mix file and position (FNV-1a, finished so that the upper bits are good).
fn chance(context: Context<'_>, lineage: u64) -> u64 {
    let bytes = context
        .file_key
        .bytes()
        .chain((context.position ^ lineage).to_le_bytes());
    let hash = bytes.fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    (hash ^ (hash >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32
}
