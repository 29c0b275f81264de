//! Progress on standard error: a bar on a terminal, a line now and then elsewhere, nothing for programs.

use std::time::Duration;

use api::RunInfo;
use domain::run::RunState;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::Output;
use crate::output::run::live;

/// Milliseconds of a run's own time between two lines that tell only of progress.
const LINE_EVERY_MS: i64 = 10_000;

/// Where progress is shown.
pub(super) enum Progress {
    Bar(ProgressBar),
    Lines(Output, Gate),
    Nowhere,
}

impl Progress {
    /// For whoever looks at standard error.
    pub(super) fn new(out: &Output) -> Self {
        if out.on_terminal() {
            Self::Bar(bar())
        } else if out.is_json() {
            Self::Nowhere
        } else {
            Self::Lines(out.clone(), Gate::default())
        }
    }

    /// Shows a run as it is now.
    pub(super) fn show(&mut self, run: &RunInfo) {
        match self {
            Self::Bar(bar) => {
                let sample = run.sample.as_ref();
                bar.set_length(
                    sample
                        .map_or(run.bytes_total, |sample| sample.bytes_total)
                        .max(1),
                );
                bar.set_position(sample.map_or(0, |sample| sample.bytes_read));
                bar.set_message(live(run));
            }
            Self::Lines(out, gate) => {
                if gate.lets_through(run) {
                    out.note(live(run));
                }
            }
            Self::Nowhere => {}
        }
    }

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(1);
    // the default style serves where this one cannot be had
    if let Ok(style) = ProgressStyle::with_template("{spinner} {bar:24} {percent:>3} % {wide_msg}")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Which news are worth a line.
#[derive(Debug, Default)]
pub(super) struct Gate {
    told: Option<(RunState, Option<String>, i64)>,
}

impl Gate {
    /// Whether the state or what stalls it is new, or the last line is long ago.
    fn lets_through(&mut self, run: &RunInfo) -> bool {
        let at = run.sample.as_ref().map_or(0, |sample| sample.at_ms);
        let reason = run.stalled.as_ref().map(|stall| stall.reason.clone());
        let is_news = self.told.as_ref().is_none_or(|(state, told, told_at)| {
            (state, told) != (&run.state, &reason) || at >= told_at.saturating_add(LINE_EVERY_MS)
        });
        if is_news {
            self.told = Some((run.state, reason, at));
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::run::tests::{run, sample};
    use serde_json::json;

    #[test]
    fn lines_tell_of_changes_at_once_and_of_progress_now_and_then() {
        let mut gate = Gate::default();
        let mut tells = |state: &str, at_ms: i64, stalled: bool| {
            let mut taken = sample();
            taken["at_ms"] = at_ms.into();
            let stall = stalled.then(|| json!({ "since_ms": 0, "stage": "send", "reason": "x" }));
            gate.lets_through(&run(
                json!({ "state": state, "sample": taken, "stalled": stall }),
            ))
        };
        assert!(tells("running", 1000, false));
        assert!(!tells("running", 2000, false));
        assert!(tells("running", 3000, true));
        assert!(!tells("running", 12_999, true));
        assert!(tells("running", 13_000, true));
        assert!(tells("verifying", 13_000, true));
        assert!(!tells("verifying", 13_500, true));
    }
}
