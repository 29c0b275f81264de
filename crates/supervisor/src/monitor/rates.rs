//! From two readings of the totals to rates, the bottleneck, percent and time to go. Pure.

use domain::EpochMs;
use domain::ledger::Ledger;
use domain::monitor::{DmsHealth, Sample};
use domain::worker::{SinkStatus, Stage, StageTimes};

/// What is known of a run at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) at_ms: EpochMs,
    pub(crate) ledger: Ledger,
    pub(crate) bytes_read: u64,
    pub(crate) bytes_total: u64,
    pub(crate) sink: SinkStatus,
    pub(crate) stages: StageTimes,
    pub(crate) rss_bytes: u64,
    pub(crate) cpu_ms: u64,
    pub(crate) dms: DmsHealth,
}

/// Where rates are counted from: the sample before, or the run's beginning.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    pub(crate) at_ms: EpochMs,
    pub(crate) records: u64,
    pub(crate) bytes_read: u64,
    pub(crate) stages: StageTimes,
}

impl Origin {
    pub(crate) fn of(sample: &Sample) -> Self {
        Self {
            at_ms: sample.at_ms,
            records: sample.ledger.read,
            bytes_read: sample.bytes_read,
            stages: sample.stages,
        }
    }
}

fn seconds(from: EpochMs, to: EpochMs) -> f64 {
    (to - from).max(1) as f64 / 1000.0
}

/// Totals may step back when a worker begins again at its checkpoint; that is no negative rate.
fn rate(before: u64, after: u64, seconds: f64) -> f64 {
    after.saturating_sub(before) as f64 / seconds
}

/// Sets the rates of `after` to those since `before`.
pub(crate) fn between(before: &Sample, after: &mut Sample) {
    let seconds = seconds(before.at_ms, after.at_ms);
    after.records_per_s = rate(before.ledger.read, after.ledger.read, seconds);
    after.bytes_per_s = rate(before.bytes_read, after.bytes_read, seconds);
}

/// The sample that a reading makes. `pace` is where the time to go is reckoned from: some samples back, so that it does
/// not jump.
pub(crate) fn sample(reading: Reading, origin: &Origin, pace: &Origin) -> Sample {
    let Reading {
        at_ms,
        ledger,
        bytes_read,
        bytes_total,
        sink,
        stages,
        rss_bytes,
        cpu_ms,
        dms,
    } = reading;
    let span = seconds(origin.at_ms, at_ms);
    let busy = busy(&origin.stages, &stages);
    let moved = ledger.read > origin.records || bytes_read > origin.bytes_read;
    let bottleneck = if moved {
        bottleneck(&busy, sink.concurrency, span * 1000.0)
    } else {
        None
    };
    let percent = if bytes_total == 0 {
        100.0
    } else {
        (bytes_read as f64 * 100.0 / bytes_total as f64).min(100.0)
    };
    let paced = rate(pace.bytes_read, bytes_read, seconds(pace.at_ms, at_ms));
    let eta_ms = (paced > 0.0)
        .then(|| (bytes_total.saturating_sub(bytes_read) as f64 * 1000.0 / paced).round() as u64);
    Sample {
        at_ms,
        records_per_s: rate(origin.records, ledger.read, span),
        bytes_per_s: rate(origin.bytes_read, bytes_read, span),
        ledger,
        bytes_read,
        bytes_total,
        sink,
        bottleneck,
        stages,
        rss_bytes,
        cpu_ms,
        dms,
        percent,
        eta_ms,
    }
}

/// How long the stages were busy between two readings. A new worker counts from zero.
fn busy(before: &StageTimes, after: &StageTimes) -> StageTimes {
    let since = |before: f64, after: f64| {
        if after < before {
            after
        } else {
            after - before
        }
    };
    StageTimes {
        read_ms: since(before.read_ms, after.read_ms),
        wrangle_ms: since(before.wrangle_ms, after.wrangle_ms),
        send_ms: since(before.send_ms, after.send_ms),
        blocked_ms: since(before.blocked_ms, after.blocked_ms),
    }
}

/// Reading that waits for room for more than this share of the time is held up from behind.
const HELD_UP: f64 = 0.25;

/// The stage that holds the others up, by how they were busy during `span_ms`; none if none was.
pub(crate) fn bottleneck(busy: &StageTimes, concurrency: u32, span_ms: f64) -> Option<Stage> {
    if busy.read_ms + busy.wrangle_ms + busy.send_ms <= 0.0 {
        return None;
    }
    if busy.blocked_ms > HELD_UP * span_ms {
        // requests wait side by side, so what counts is how full their slots were
        let slots_full = busy.send_ms / f64::from(concurrency.max(1));
        return Some(if slots_full >= busy.wrangle_ms {
            Stage::Send
        } else {
            Stage::Wrangle
        });
    }
    Some(if busy.read_ms >= busy.wrangle_ms {
        Stage::Read
    } else {
        Stage::Wrangle
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(read_ms: f64, wrangle_ms: f64, send_ms: f64, blocked_ms: f64) -> StageTimes {
        StageTimes {
            read_ms,
            wrangle_ms,
            send_ms,
            blocked_ms,
        }
    }

    #[test]
    fn the_bottleneck_is_what_the_others_wait_for() {
        let cases = [
            (times(0.0, 0.0, 0.0, 0.0), None),
            (times(900.0, 300.0, 800.0, 50.0), Some(Stage::Read)),
            (times(300.0, 900.0, 800.0, 50.0), Some(Stage::Wrangle)),
            (times(100.0, 950.0, 900.0, 800.0), Some(Stage::Wrangle)),
            (times(100.0, 300.0, 3900.0, 800.0), Some(Stage::Send)),
        ];
        for (busy, expected) in cases {
            assert_eq!(bottleneck(&busy, 4, 1000.0), expected, "{busy:?}");
        }
    }

    fn reading(at_ms: EpochMs, read: u64, bytes_read: u64) -> Reading {
        Reading {
            at_ms,
            ledger: Ledger {
                read,
                ..Ledger::default()
            },
            bytes_read,
            bytes_total: 1000,
            sink: SinkStatus::default(),
            stages: times(5.0, 0.0, 0.0, 0.0),
            rss_bytes: 0,
            cpu_ms: 0,
            dms: DmsHealth::Green,
        }
    }

    #[test]
    fn rates_percent_and_time_to_go_follow_from_two_readings() {
        let origin = Origin {
            at_ms: 1000,
            records: 10,
            bytes_read: 100,
            stages: StageTimes::default(),
        };
        let sample = sample(reading(3000, 30, 500), &origin, &origin);
        assert_eq!((sample.records_per_s, sample.bytes_per_s), (10.0, 200.0));
        assert_eq!((sample.percent, sample.eta_ms), (50.0, Some(2500)));
        assert_eq!(sample.bottleneck, Some(Stage::Read));
    }

    #[test]
    fn a_worker_that_begins_again_at_its_checkpoint_is_slow_not_negative() {
        let origin = Origin {
            at_ms: 1000,
            records: 50,
            bytes_read: 600,
            stages: times(9000.0, 0.0, 0.0, 0.0),
        };
        let sample = sample(reading(2000, 40, 500), &origin, &origin);
        assert_eq!(
            (
                sample.records_per_s,
                sample.bytes_per_s,
                sample.eta_ms,
                sample.bottleneck
            ),
            (0.0, 0.0, None, None)
        );
    }

    #[test]
    fn nothing_to_read_is_all_read() {
        let empty = Reading {
            bytes_total: 0,
            ..reading(2000, 0, 0)
        };
        assert_eq!(
            sample(empty, &Origin::default(), &Origin::default()).percent,
            100.0
        );
    }
}
