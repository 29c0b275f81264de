//! Whether staged files are whole, where their arrival starts runs: what is not whole is taken by no run of the job, and
//! the listing says why. The judgement is a pure function of what lies there and the time.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use domain::spec::{CompleteWhen, Start};
use domain::staging::StagedState;
use domain::trigger::Staged;
use domain::units::Span;
use sha2::{Digest, Sha256};

use super::survey::{Found, unclaimed};

/// Code of a file that is not whole yet.
const INCOMPLETE: &str = "incomplete";

/// By what files show that they are whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completeness {
    /// A marker beside them, whose name has this suffix.
    Marker(String),
    /// Not having changed for so long.
    Stable(Span),
}

impl Completeness {
    /// As a job's spec says; none if a file is whole once it has its name.
    pub fn of(start: &Start) -> Option<Self> {
        match start.completeness()? {
            CompleteWhen::Renamed => None,
            CompleteWhen::Marker => start
                .marker_suffix()
                .map(|suffix| Self::Marker(suffix.into())),
            CompleteWhen::Stable => Some(Self::Stable(start.stable_for())),
        }
    }
}

/// The name of a file's marker.
pub fn marker_of(name: &str, suffix: &str) -> String {
    format!("{name}{suffix}")
}

/// Takes back from what is ready what is not whole, or is a marker. `now_ns`: the time, as file systems count it.
pub fn judge(rule: &Completeness, found: &mut [Found], now_ns: i64) {
    match rule {
        Completeness::Marker(suffix) => by_marker(suffix, found),
        Completeness::Stable(span) => {
            for file in found {
                judge_stable(*span, file, now_ns);
            }
        }
    }
}

fn by_marker(suffix: &str, found: &mut [Found]) {
    let files = found.iter().filter(|file| file.stamp.is_file());
    let names: HashSet<String> = files.map(|file| file.name.clone()).collect();
    for file in found {
        let marked = |name: &str| names.contains(&marker_of(name, suffix));
        if file.state != StagedState::Ready {
            continue;
        }
        if let Some(of) = file.name.strip_suffix(suffix) {
            file.state = unclaimed("marker", format!("it says that {of:?} is complete"));
        } else if !marked(&file.name) {
            let marker = marker_of(&file.name, suffix);
            file.state = unclaimed(INCOMPLETE, format!("there is no {marker:?} beside it yet"));
        }
    }
}

/// The time of change counts, which every write sets and nobody can set back: a file that is copied with its old time of
/// modification is as new as one that is written.
fn judge_stable(span: Span, file: &mut Found, now_ns: i64) {
    let quiet_ns = now_ns.saturating_sub(file.stamp.changed_ns);
    let needed_ns = i64::try_from(span.duration().as_nanos()).unwrap_or(i64::MAX);
    if file.state == StagedState::Ready && quiet_ns < needed_ns {
        let reason = format!("it has changed within the last {span}");
        file.state = unclaimed(INCOMPLETE, reason);
    }
}

/// What was found, as triggers look at it.
pub fn sum_up(found: &[Found]) -> Staged {
    let (mut staged, mut hash) = (Staged::default(), Sha256::new());
    for file in found {
        match &file.state {
            StagedState::Ready => {
                staged.ready += 1;
                hash.update(format!("{}\0{:?}\0", file.name, file.stamp));
            }
            StagedState::Unclaimed { code, reason } if code == INCOMPLETE => {
                staged.incomplete += 1;
                let first = || format!("{:?}: {reason}", file.name);
                staged.reason.get_or_insert_with(first);
            }
            StagedState::Unclaimed { .. } => {}
        }
    }
    staged.fingerprint = hex::encode(hash.finalize());
    staged
}

/// Now, in nanoseconds since the epoch.
pub fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Stamp;
    use rustix::fs::FileType;

    const SECOND: i64 = 1_000_000_000;

    fn file(name: &str, changed_ns: i64) -> Found {
        Found {
            name: name.into(),
            stamp: Stamp {
                kind: FileType::RegularFile,
                device: 1,
                inode: 1,
                bytes: 10,
                // as `cp --preserve` leaves it
                modified_ns: 0,
                changed_ns,
            },
            state: StagedState::Ready,
        }
    }

    fn codes(rule: Completeness, mut found: Vec<Found>) -> Vec<(String, String)> {
        judge(&rule, &mut found, 100 * SECOND);
        let code = |file: Found| match file.state {
            StagedState::Ready => (file.name, "ready".to_owned()),
            StagedState::Unclaimed { code, .. } => (file.name, code),
        };
        found.into_iter().map(code).collect()
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |&(a, b): &(&str, &str)| (a.to_owned(), b.to_owned());
        all.iter().map(owned).collect()
    }

    #[test]
    fn a_marker_vouches_for_its_file_and_is_never_taken_itself() {
        let found = ["a.csv", "a.csv.done", "b.csv", "c.done"].map(|name| file(name, 0));
        assert_eq!(
            codes(Completeness::Marker(".done".into()), found.into()),
            pairs(&[
                ("a.csv", "ready"),
                ("a.csv.done", "marker"),
                ("b.csv", "incomplete"),
                ("c.done", "marker"),
            ])
        );
    }

    #[test]
    fn a_folder_is_no_marker() {
        let mut folder = file("a.csv.done", 0);
        folder.stamp.kind = FileType::Directory;
        folder.state = unclaimed("not_a_file", "");
        let codes = codes(
            Completeness::Marker(".done".into()),
            vec![file("a.csv", 0), folder],
        );
        assert_eq!(codes[0].1, "incomplete");
    }

    #[test]
    fn a_file_is_stable_when_nothing_of_it_has_changed_for_the_time() {
        let found = [("old", 69), ("just", 70), ("new", 71), ("ahead", 900)];
        let found = found.map(|(name, at)| file(name, at * SECOND));
        assert_eq!(
            codes(Completeness::Stable(Span::secs(30)), found.into()),
            pairs(&[
                ("old", "ready"),
                ("just", "ready"),
                ("new", "incomplete"),
                ("ahead", "incomplete"),
            ])
        );
    }

    #[test]
    fn the_fingerprint_changes_with_the_files_that_are_ready() {
        let one = sum_up(&[file("a", 1)]);
        assert_eq!(one, sum_up(&[file("a", 1)]));
        assert_ne!(one.fingerprint, sum_up(&[file("a", 2)]).fingerprint);
        assert_ne!(one.fingerprint, sum_up(&[file("b", 1)]).fingerprint);
        let mut waiting = file("b", 1);
        waiting.state = unclaimed(INCOMPLETE, "why");
        let both = sum_up(&[file("a", 1), waiting]);
        assert_eq!((both.ready, both.incomplete), (1, 1));
        assert_eq!(both.fingerprint, one.fingerprint);
        assert_eq!(both.reason.as_deref(), Some("\"b\": why"));
    }
}
