//! A run as it goes, in one line.

use api::RunInfo;
use domain::monitor::Sample;
use domain::run::RunState;

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
    if let Some(sample) = run.sample.as_ref().filter(|_| moves(run.state)) {
        parts.extend(pace(run, sample));
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

/// Whether a sample tells of what goes on now, not of what has been.
fn moves(state: RunState) -> bool {
    matches!(
        state,
        RunState::Running | RunState::Paused | RunState::Draining
    )
}

/// How fast it goes, how far it has come, and what holds it up.
fn pace(run: &RunInfo, sample: &Sample) -> Vec<String> {
    let (read, total) = (
        human::bytes(sample.bytes_read),
        human::bytes(sample.bytes_total),
    );
    let mut parts = vec![
        human::rate(sample.records_per_s),
        format!("{read} of {total}"),
    ];
    let eta = sample.eta_ms.filter(|_| run.state == RunState::Running);
    parts.extend(eta.map(|eta| format!("{} left", human::duration(eta))));
    // what stalls it says more
    let bottleneck = sample.bottleneck.filter(|_| run.stalled.is_none());
    parts.extend(bottleneck.map(|held| format!("held up by {}", stage(held))));
    parts
}
