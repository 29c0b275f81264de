//! The job monitor: samples what a run does, keeps the series, and projects the sums into the run's document.

pub(crate) mod rates;
mod stall;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use domain::EpochMs;
use domain::monitor::{DmsHealth, Sample};
use domain::run::Run;
use domain::units::Span;
use domain::worker::{ExitKind, Phase, RunFolder, SinkStatus, WorkerExit, WorkerStatus};

use crate::folder::blocking;
use crate::series::Writer;
use rates::{Origin, Reading};

pub(crate) use stall::stall;

/// Samples over which the time to go is reckoned.
const PACE_SAMPLES: usize = 10;

/// While a run holds and nothing changes, one sample in so many is kept.
const QUIET_SAMPLES: i64 = 30;

/// The monitor of one run.
pub(crate) struct Monitor {
    writer: Arc<Writer>,
    interval: Span,
    begun: Origin,
    newest: Option<Sample>,
    paces: VecDeque<Origin>,
}

impl Monitor {
    /// Goes on where the series of the run ends, if it has one.
    pub(crate) async fn open(folder: &RunFolder, run: &Run, interval: Span) -> io::Result<Self> {
        let path = folder.series();
        let (writer, newest) = blocking(move || Writer::open(path)).await?;
        let launched_ms = run.history.last().map_or(run.created_ms, |step| step.at_ms);
        let begun = Origin {
            at_ms: launched_ms,
            ..Origin::default()
        };
        let paces = newest.iter().map(Origin::of).collect();
        Ok(Self {
            writer: Arc::new(writer),
            interval,
            begun,
            newest,
            paces,
        })
    }

    /// The newest sample.
    pub(crate) fn newest(&self) -> Option<&Sample> {
        self.newest.as_ref()
    }

    /// Whether it is time for the next sample of a worker with this status.
    pub(crate) fn due(&self, status: &WorkerStatus, now_ms: EpochMs) -> bool {
        let interval = EpochMs::try_from(self.interval.ms).unwrap_or(EpochMs::MAX);
        self.newest.as_ref().is_none_or(|newest| {
            let quiet = status.phase == Phase::Paused && newest.ledger == status.ledger;
            now_ms - newest.at_ms
                >= if quiet {
                    interval.saturating_mul(QUIET_SAMPLES)
                } else {
                    interval
                }
        })
    }

    /// Takes a sample of a worker that answers.
    pub(crate) async fn observe(
        &mut self,
        status: &WorkerStatus,
        dms: DmsHealth,
        now_ms: EpochMs,
    ) -> io::Result<Sample> {
        let reading = Reading {
            at_ms: now_ms,
            ledger: status.ledger,
            bytes_read: status.bytes_read,
            bytes_total: status.bytes_total,
            sink: status.sink.clone(),
            stages: status.stages,
            rss_bytes: status.rss_bytes,
            cpu_ms: status.cpu_ms,
            dms,
        };
        self.take(reading).await
    }

    /// Takes the last sample, of a worker that has ended: also for a run so short that none was taken before.
    pub(crate) async fn finish(
        &mut self,
        run: &Run,
        exit: &WorkerExit,
        dms: DmsHealth,
        now_ms: EpochMs,
    ) -> io::Result<Sample> {
        let before = self.newest.as_ref();
        let drained = exit.kind == ExitKind::Drained;
        let reading = Reading {
            at_ms: now_ms,
            ledger: exit.ledger,
            bytes_read: if drained {
                run.bytes_total
            } else {
                before.map_or(0, |sample| sample.bytes_read)
            },
            bytes_total: run.bytes_total,
            sink: SinkStatus {
                in_flight: 0,
                in_flight_bytes: 0,
                ..before.map(|sample| sample.sink.clone()).unwrap_or_default()
            },
            stages: before.map(|sample| sample.stages).unwrap_or_default(),
            rss_bytes: before.map_or(0, |sample| sample.rss_bytes),
            cpu_ms: before.map_or(0, |sample| sample.cpu_ms),
            dms,
        };
        self.take(reading).await
    }

    async fn take(&mut self, reading: Reading) -> io::Result<Sample> {
        let origin = self
            .newest
            .as_ref()
            .map_or_else(|| self.begun.clone(), Origin::of);
        let pace = self.paces.front().unwrap_or(&self.begun);
        let mut sample = rates::sample(reading, &origin, pace);
        if let Some(before) = self
            .newest
            .as_ref()
            .filter(|before| self.too_soon(before, &sample))
        {
            (sample.records_per_s, sample.bytes_per_s) = (before.records_per_s, before.bytes_per_s);
        }
        let (writer, line) = (self.writer.clone(), sample.clone());
        blocking(move || writer.append(&line)).await?;
        if self.paces.len() == PACE_SAMPLES {
            self.paces.pop_front();
        }
        self.paces.push_back(Origin::of(&sample));
        self.newest = Some(sample.clone());
        Ok(sample)
    }

    /// A rate over some milliseconds is noise: the last sample may follow its forerunner so closely.
    fn too_soon(&self, before: &Sample, after: &Sample) -> bool {
        u64::try_from(after.at_ms - before.at_ms).unwrap_or(0) < self.interval.ms / 5
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::series;
    use domain::ledger::Ledger;
    use domain::worker::StageTimes;

    pub(crate) fn sample(at_ms: EpochMs, read: u64) -> Sample {
        let ledger = Ledger {
            read,
            created: read,
            ..Ledger::default()
        };
        let reading = Reading {
            at_ms,
            ledger,
            bytes_read: read,
            bytes_total: 1_000_000,
            sink: SinkStatus::default(),
            stages: StageTimes::default(),
            rss_bytes: 0,
            cpu_ms: 0,
            dms: DmsHealth::Green,
        };
        Sample {
            eta_ms: None,
            ..rates::sample(
                reading,
                &Origin {
                    at_ms,
                    records: read,
                    ..Origin::default()
                },
                &Origin::default(),
            )
        }
    }

    pub(crate) fn status(phase: Phase, read: u64) -> WorkerStatus {
        WorkerStatus {
            run: "01aaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap(),
            attempt: 1,
            phase,
            ledger: Ledger {
                read,
                created: read,
                ..Ledger::default()
            },
            bytes_read: read * 10,
            bytes_total: 1000,
            files_done: 0,
            files_total: 1,
            last_progress_ms: 0,
            stages: StageTimes::default(),
            sink: SinkStatus::default(),
            rss_bytes: 1 << 20,
            cpu_ms: 5,
        }
    }

    fn run() -> Run {
        let new = domain::run::NewRun {
            id: "01aaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap(),
            job: domain::ids::JobRef {
                client: "acme".parse().unwrap(),
                job: "flights".parse().unwrap(),
            },
            revision: 1,
            spec_digest: String::new(),
            engine: domain::spec::EngineKind::Native,
            started_by: domain::audit::Actor::Platform,
        };
        Run {
            bytes_total: 1000,
            ..Run::queued(new, 0)
        }
    }

    #[tokio::test]
    async fn the_series_goes_on_after_a_restart_of_the_manager() {
        let home = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(home.path());
        let open = async || Monitor::open(&folder, &run(), Span::secs(1)).await.unwrap();
        let mut monitor = open().await;
        let first = monitor
            .observe(&status(Phase::Reading, 10), DmsHealth::Green, 2000)
            .await
            .unwrap();
        assert_eq!(first.records_per_s, 5.0, "from the launch on");
        assert!(!monitor.due(&status(Phase::Reading, 20), 2999));
        assert!(monitor.due(&status(Phase::Reading, 20), 3000));
        let mut again = open().await;
        let second = again
            .observe(&status(Phase::Reading, 40), DmsHealth::Green, 5000)
            .await
            .unwrap();
        assert_eq!((second.records_per_s, second.percent), (10.0, 40.0));
        assert_eq!(series::read(&folder, 100).await.unwrap(), [first, second]);
    }

    #[tokio::test]
    async fn a_run_shorter_than_the_interval_has_a_sample_too() {
        let home = tempfile::tempdir().unwrap();
        let mut monitor = Monitor::open(&RunFolder::new(home.path()), &run(), Span::secs(1))
            .await
            .unwrap();
        let ledger = Ledger {
            read: 100,
            created: 100,
            ..Ledger::default()
        };
        let exit = WorkerExit {
            attempt: 1,
            kind: ExitKind::Drained,
            ledger,
            indices: Vec::new(),
            at_ms: 500,
        };
        let sample = monitor
            .finish(&run(), &exit, DmsHealth::Green, 500)
            .await
            .unwrap();
        assert_eq!(
            (sample.records_per_s, sample.percent, sample.bytes_read),
            (200.0, 100.0, 1000)
        );
    }

    #[tokio::test]
    async fn a_paused_run_does_not_fill_the_disk() {
        let home = tempfile::tempdir().unwrap();
        let mut monitor = Monitor::open(&RunFolder::new(home.path()), &run(), Span::secs(1))
            .await
            .unwrap();
        let holds = status(Phase::Paused, 10);
        monitor
            .observe(&holds, DmsHealth::Green, 1000)
            .await
            .unwrap();
        assert!(!monitor.due(&holds, 30_000));
        assert!(monitor.due(&holds, 31_000));
        assert!(monitor.due(&status(Phase::Paused, 11), 2_000));
    }
}
