//! The decisions.

use crate::EpochMs;
use crate::ids::RunId;
use crate::spec::Missed;

use super::{Schedule, Verdict};

/// A due time that is found so late is one that the manager was down at, in milliseconds.
const MISSED_AFTER_MS: EpochMs = 60_000;

/// What lies in a job's staging directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Staged {
    /// Files that a run would take now.
    pub ready: u32,
    /// Files that are not complete yet.
    pub incomplete: u32,
    /// Why the first of them is not.
    pub reason: Option<String>,
    /// What the ready files are: another text whenever one of them came, went, or was changed.
    pub fingerprint: String,
}

/// The due time that is to be dealt with now, if there is one: the newest. Older ones that were not dealt with are over.
pub fn due(schedule: &Schedule, handled_ms: EpochMs, now_ms: EpochMs) -> Option<EpochMs> {
    schedule.latest(handled_ms, now_ms)
}

/// Whether a run is started at a due time, or why not.
pub fn at_due_time(
    due_ms: EpochMs,
    missed: Missed,
    now_ms: EpochMs,
    under_way: Option<&RunId>,
    staged: &Staged,
) -> Result<(), Verdict> {
    if missed == Missed::Skip && now_ms.saturating_sub(due_ms) > MISSED_AFTER_MS {
        return Err(Verdict::Missed);
    }
    if let Some(run) = under_way {
        return Err(Verdict::PreviousUnderWay { run: run.clone() });
    }
    something(staged)
}

/// Whether a run is started for the files that are there, or why not. `seen` is the fingerprint of those for which the
/// newest run was started: what it left, it would leave again.
pub fn on_arrival(
    under_way: Option<&RunId>,
    staged: &Staged,
    seen: Option<&str>,
) -> Result<(), Verdict> {
    something(staged)?;
    if let Some(run) = under_way {
        return Err(Verdict::PreviousUnderWay { run: run.clone() });
    }
    if seen == Some(staged.fingerprint.as_str()) {
        return Err(Verdict::LeftBefore {
            files: staged.ready,
        });
    }
    Ok(())
}

fn something(staged: &Staged) -> Result<(), Verdict> {
    if staged.ready > 0 {
        return Ok(());
    }
    Err(Verdict::NothingStaged {
        incomplete: staged.incomplete,
        reason: staged.reason.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ready(fingerprint: &str) -> Staged {
        Staged {
            ready: 2,
            fingerprint: fingerprint.into(),
            ..Staged::default()
        }
    }

    #[test]
    fn a_due_time_starts_one_run_or_says_why_not() {
        let run: RunId = "01jcz6r1k2m3n4p5q6r7s8t9v0".parse().unwrap();
        let (files, none) = (ready("a"), Staged::default());
        let at = |missed, now_ms, under_way, staged| {
            at_due_time(1_000_000, missed, now_ms, under_way, staged)
        };
        assert_eq!(at(Missed::Skip, 1_000_900, None, &files), Ok(()));
        assert_eq!(
            at(Missed::Skip, 9_000_000, None, &files),
            Err(Verdict::Missed)
        );
        assert_eq!(at(Missed::RunOnce, 9_000_000, None, &files), Ok(()));
        assert_eq!(
            at(Missed::RunOnce, 1_000_900, Some(&run), &files),
            Err(Verdict::PreviousUnderWay { run: run.clone() })
        );
        assert!(matches!(
            at(Missed::RunOnce, 1_000_900, None, &none),
            Err(Verdict::NothingStaged { incomplete: 0, .. })
        ));
    }

    #[test]
    fn files_that_a_run_has_left_start_no_run_again_until_something_changes() {
        assert_eq!(on_arrival(None, &ready("a"), None), Ok(()));
        assert_eq!(on_arrival(None, &ready("a"), Some("b")), Ok(()));
        assert_eq!(
            on_arrival(None, &ready("a"), Some("a")),
            Err(Verdict::LeftBefore { files: 2 })
        );
    }

    #[test]
    fn however_long_a_manager_was_down_one_time_is_due() {
        let schedule = Schedule::new("*/5 * * * *", "UTC").unwrap();
        let day = 86_400_000;
        assert_eq!(due(&schedule, day, 3 * day + 1), Some(3 * day));
        assert_eq!(due(&schedule, 3 * day, 3 * day + 299_999), None);
        assert_eq!(
            due(&schedule, 3 * day, 3 * day + 300_000),
            Some(3 * day + 300_000)
        );
        // a clock that was put back makes nothing due twice
        assert_eq!(due(&schedule, 3 * day, 2 * day), None);
    }
}
