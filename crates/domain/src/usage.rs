//! What clients use: sums a day, for bills and for looks back.
//!
//! A run is added once, in the teardown of its end: the day's document knows the runs that it has added and that may ask
//! again, as their own documents do not say yet that they have ended.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::EpochMs;
use crate::ids::{ClientId, RunId};
use crate::run::{Run, RunState};

/// What was used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageSums {
    /// Runs that ended.
    pub runs: u64,
    /// Bytes of the files that they took, as staged.
    pub bytes: u64,
    /// Records read.
    pub records: u64,
    /// Documents created.
    pub documents: u64,
    /// Records rejected.
    pub rejects: u64,
    /// Time from each run's first worker's first answer to its outcome, in milliseconds.
    pub run_ms: u64,
}

impl std::ops::AddAssign for UsageSums {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        self.bytes += other.bytes;
        self.records += other.records;
        self.documents += other.documents;
        self.rejects += other.rejects;
        self.run_ms += other.run_ms;
    }
}

impl UsageSums {
    /// Of one run whose outcome is known.
    fn of(run: &Run) -> Self {
        let took = |since| u64::try_from(concluded_ms(run) - since).unwrap_or(0);
        Self {
            runs: 1,
            bytes: run.bytes_total,
            records: run.ledger.read,
            documents: run.ledger.created,
            rejects: run.ledger.rejected,
            run_ms: run.running_ms.map_or(0, took),
        }
    }
}

/// What a client has used on a day (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Which client.
    pub client: ClientId,
    /// Which day: `2026-11-21`.
    pub day: String,
    /// The sums over all runs that were added.
    pub sums: UsageSums,
    /// Runs that were added and may be added again.
    pub added: Vec<RunId>,
}

impl Usage {
    /// Nothing yet.
    pub fn new(client: ClientId, day: String) -> Self {
        Self {
            client,
            day,
            sums: UsageSums::default(),
            added: Vec::new(),
        }
    }

    /// Adds a run whose outcome is known; false if it was added before.
    pub fn add(&mut self, run: &Run) -> bool {
        if self.added.contains(&run.id) {
            return false;
        }
        self.sums += UsageSums::of(run);
        self.added.push(run.id.clone());
        true
    }
}

/// When a run's outcome was known. It is the same however often the teardown is done, also after midnight.
fn concluded_ms(run: &Run) -> EpochMs {
    let steps = run.history.iter().rev();
    steps
        .filter(|step| step.to == RunState::TearingDown)
        .map(|step| step.at_ms)
        .next()
        .unwrap_or(run.created_ms)
}

/// The day (UTC) on which a run's use counts.
pub fn day_of(run: &Run) -> String {
    day(concluded_ms(run))
}

/// The day (UTC) of a moment.
pub fn day(at_ms: EpochMs) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
    at.to_zoned(TimeZone::UTC).date().to_string()
}

/// The day so many days before another; the same one if there is none.
pub fn days_before(day: &str, days: i64) -> String {
    let before = |day: Date| day.checked_sub(jiff::ToSpan::days(days)).ok();
    let found = day.parse().ok().and_then(before);
    found.map_or_else(|| day.to_owned(), |day| day.to_string())
}

/// Whether a text is a day as [`day`] writes them.
pub fn is_day(text: &str) -> bool {
    text.parse::<Date>()
        .is_ok_and(|day| day.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Actor;
    use crate::ids::JobRef;
    use crate::run::{NewRun, Transition};
    use crate::spec::EngineKind;

    #[test]
    fn a_run_counts_once_on_the_day_of_its_outcome() {
        let mut run = Run::queued(
            NewRun {
                id: "01jcz6r1k2m3n4p5q6r7s8t9v0".parse().unwrap(),
                job: JobRef {
                    client: "acme".parse().unwrap(),
                    job: "flights".parse().unwrap(),
                },
                revision: 1,
                spec_digest: String::new(),
                engine: EngineKind::Native,
                started_by: Actor::Platform,
            },
            0,
        );
        run.bytes_total = 7;
        run.running_ms = Some(86_399_000);
        run.history.push(Transition {
            at_ms: 86_400_500,
            to: RunState::TearingDown,
            event: "proven".into(),
        });
        assert_eq!(day_of(&run), "1970-01-02");
        let mut usage = Usage::new(run.client.clone(), day_of(&run));
        assert!(usage.add(&run));
        assert!(!usage.add(&run));
        let sums = usage.sums;
        assert_eq!((sums.runs, sums.bytes, sums.run_ms), (1, 7, 1_500));
    }

    #[test]
    fn a_day_is_written_in_one_way() {
        assert!(is_day("2026-11-21"));
        for bad in [
            "2026-11-31",
            "2026-1-1",
            "20261121",
            "today",
            "",
            "2026-11-21T00:00",
        ] {
            assert!(!is_day(bad), "{bad}");
        }
    }
}
