//! What filters did, for programs that count.

use std::cell::Cell;
use std::time::Duration;

use super::run::Context;

/// What a filter did since its counts were taken last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FilterCounts {
    /// Events that came to it.
    pub events_in: u64,
    /// Events that went on from it.
    pub events_out: u64,
    /// Time that it needed.
    pub took: Duration,
}

impl Context<'_> {
    /// Adds to the counts of the filter of this number.
    pub(super) fn count(&self, number: usize, events_in: u64, events_out: u64, took: Duration) {
        if let Some(cell) = self.counts.get(number) {
            let counts = cell.get();
            cell.set(FilterCounts {
                events_in: counts.events_in + events_in,
                events_out: counts.events_out + events_out,
                took: counts.took + took,
            });
        }
    }
}

/// Counts for so many filters.
pub(crate) fn counts(filters: usize) -> Vec<Cell<FilterCounts>> {
    std::iter::repeat_with(Cell::default)
        .take(filters)
        .collect()
}
