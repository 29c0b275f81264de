//! A run as it goes, in one line.

use api::RunInfo;

use super::{stage, waiting, words};
use crate::output::human;

/// What a run does now: state, records, rate, bytes, time left, and what holds it up.
pub fn live(run: &RunInfo) -> String {
    let mut parts = vec![words(run.state)];
    if run.ledger.read > 0 {
        parts.push(human::counted(run.ledger.read, "record"));
    }
    if let Some(reason) = &run.waiting {
        parts.push(waiting(reason));
    }
    if let Some(sample) = run.sample.as_ref().filter(|_| !run.ended) {
        parts.push(human::rate(sample.records_per_s));
        parts.push(format!(
            "{} of {}",
            human::bytes(sample.bytes_read),
            human::bytes(sample.bytes_total)
        ));
        if let Some(eta) = sample.eta_ms {
            parts.push(format!("{} left", human::duration(eta)));
        }
        // what stalls it says more
        if let Some(bottleneck) = sample.bottleneck.filter(|_| run.stalled.is_none()) {
            parts.push(format!("held up by {}", stage(bottleneck)));
        }
    }
    if run.ledger.rejected > 0 {
        parts.push(format!("{} rejected", human::count(run.ledger.rejected)));
    }
    if let Some(stall) = run.stalled.as_ref().filter(|_| !run.ended) {
        parts.push(format!(
            "stalled while {}: {}",
            stage(stall.stage),
            stall.reason
        ));
    }
    parts.join(" · ")
}
