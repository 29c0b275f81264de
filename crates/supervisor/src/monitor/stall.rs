//! Recognises a run that makes no progress while work remains. Pure.

use domain::EpochMs;
use domain::monitor::{DmsHealth, Sample, Stall};
use domain::units::Span;
use domain::worker::{Phase, Stage, WorkerStatus};

/// The stall that a worker's status shows; none while it moves, holds because it was told to, or has nothing left to do.
pub(crate) fn stall(
    status: &WorkerStatus,
    newest: Option<&Sample>,
    dms: DmsHealth,
    now_ms: EpochMs,
    after: Span,
) -> Option<Stall> {
    match status.phase {
        Phase::Paused | Phase::Finished => return None,
        Phase::Starting | Phase::Reading | Phase::Draining => {}
    }
    let still_for = now_ms.saturating_sub(status.last_progress_ms);
    if u64::try_from(still_for).unwrap_or(0) < after.ms {
        return None;
    }
    let since_ms = status.last_progress_ms;
    let sink = &status.sink;
    let (stage, reason) = if let Some(error) = &sink.last_error {
        (
            Stage::Send,
            format!("the core DMS does not take documents: {error}"),
        )
    } else if dms == DmsHealth::Unreachable {
        (Stage::Send, "the core DMS cannot be reached".into())
    } else if dms == DmsHealth::Red {
        (
            Stage::Send,
            "the core DMS is red: some of its data is missing".into(),
        )
    } else if sink.in_flight > 0 {
        (
            Stage::Send,
            format!(
                "{} request(s) to the core DMS are without an answer",
                sink.in_flight
            ),
        )
    } else if status.phase == Phase::Starting {
        (
            Stage::Read,
            "the worker does not get beyond its start; see the run's log".into(),
        )
    } else {
        let stage = newest
            .and_then(|sample| sample.bottleneck)
            .unwrap_or(Stage::Read);
        (
            stage,
            "the worker does not move, and gives no reason; see the run's log".into(),
        )
    };
    Some(Stall {
        since_ms,
        stage,
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::tests::status;
    use domain::worker::SinkStatus;

    #[test]
    fn a_stall_names_the_stage_and_the_reason() {
        let stuck = |status: WorkerStatus, dms| stall(&status, None, dms, 40_000, Span::secs(30));
        let sink = |in_flight, last_error: Option<&str>| SinkStatus {
            in_flight,
            last_error: last_error.map(Into::into),
            ..SinkStatus::default()
        };
        let reading = WorkerStatus {
            last_progress_ms: 10_000,
            ..status(Phase::Reading, 0)
        };
        assert_eq!(
            stuck(
                WorkerStatus {
                    last_progress_ms: 10_001,
                    ..reading.clone()
                },
                DmsHealth::Green
            ),
            None
        );
        assert_eq!(
            stuck(
                WorkerStatus {
                    phase: Phase::Paused,
                    ..reading.clone()
                },
                DmsHealth::Green
            ),
            None
        );
        assert_eq!(
            stuck(
                WorkerStatus {
                    phase: Phase::Finished,
                    ..reading.clone()
                },
                DmsHealth::Green
            ),
            None
        );
        let cases = [
            (
                sink(1, Some("503 queue full")),
                DmsHealth::Unreachable,
                Stage::Send,
                "503 queue full",
            ),
            (
                sink(1, None),
                DmsHealth::Unreachable,
                Stage::Send,
                "cannot be reached",
            ),
            (sink(2, None), DmsHealth::Green, Stage::Send, "2 request(s)"),
            (sink(0, None), DmsHealth::Green, Stage::Read, "no reason"),
        ];
        for (sink, dms, stage, reason) in cases {
            let found = stuck(
                WorkerStatus {
                    sink,
                    ..reading.clone()
                },
                dms,
            )
            .unwrap();
            assert_eq!((found.since_ms, found.stage), (10_000, stage));
            assert!(found.reason.contains(reason), "{}", found.reason);
        }
    }
}
