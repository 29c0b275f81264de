//! The proof: from the files' ledgers and the core DMS's counts to a run's outcome.

use crate::error::{Culprit, Failure};
use crate::file::{FileRecord, FileState};
use crate::ledger::Ledger;
use crate::run::Outcome;
use crate::spec::{ErrorBudget, OnExisting};

/// Code of the failure of a run that went beyond its error budget.
const BUDGET_EXCEEDED: &str = "error_budget_exceeded";

/// How a run ends, given its files with their counts, its budget, and what was known already (`preset`: called off,
/// budget exceeded, worker failed). `in_order` says that its last worker ended in order, not lost or killed.
///
/// A run that ended in order must be balanced and confirmed file by file, else it is suspect, whatever it was to be. A
/// run whose worker could not go on is failed (or cancelled, if its client wanted that): its ledger covers what the sink
/// had answered, and documents whose answer was lost may lie in the core DMS beyond that; the next run finds them as
/// duplicates.
pub fn outcome(
    files: &[FileRecord],
    preset: Option<&Outcome>,
    in_order: bool,
    budget: &ErrorBudget,
) -> Outcome {
    match preset {
        Some(Outcome::Failed { failure }) if failure.code != BUDGET_EXCEEDED => {
            return Outcome::Failed {
                failure: failure.clone(),
            };
        }
        Some(Outcome::Cancelled) if !in_order => return Outcome::Cancelled,
        _ => {}
    }
    let unproven: Vec<_> = files.iter().filter(|file| !file.proven()).collect();
    // sums of ours that differ come first: they say more than a client's count
    let worst = unproven
        .iter()
        .min_by_key(|file| file.listed_otherwise().is_some());
    if let Some(worst) = worst {
        let failure = match worst.listed_otherwise() {
            Some(listed) => miscounted(worst, listed, unproven.len()),
            None => differs(worst, unproven.len()),
        };
        return Outcome::Suspect { failure };
    }
    if let Some(known) = preset {
        return known.clone();
    }
    let quarantined: Vec<_> = files
        .iter()
        .filter(|file| matches!(file.state, FileState::Quarantined { .. }))
        .collect();
    if let Some(first) = quarantined.first() {
        return Outcome::Failed {
            failure: quarantine(first, quarantined.len(), files.len()),
        };
    }
    if let Some(unread) = files.iter().find(|file| file.state == FileState::Claimed) {
        return Outcome::Suspect {
            failure: unfinished(unread),
        };
    }
    let sum: Ledger = files.iter().map(|file| file.ledger).sum();
    if let Some(message) = budget.exceeded(sum.rejected, sum.read, true) {
        return Outcome::Failed {
            failure: budget_exceeded(message),
        };
    }
    if sum.rejected > 0 {
        Outcome::CompletedWithRejects
    } else {
        Outcome::Completed
    }
}

/// The same, for a run that found `duplicate` documents of others, under what its spec says of these (rule 17).
pub fn over_existing(outcome: Outcome, duplicate: u64, on_existing: OnExisting) -> Outcome {
    match (outcome, on_existing) {
        (Outcome::Completed | Outcome::CompletedWithRejects, OnExisting::Fail) if duplicate > 0 => {
            Outcome::Failed {
                failure: existing(duplicate),
            }
        }
        (outcome, OnExisting::Keep | OnExisting::Fail) => outcome,
    }
}

fn existing(duplicate: u64) -> Failure {
    Failure::permanent(
        "existing_documents",
        Culprit::Client,
        format!("{duplicate} documents were there already, and destination.on_existing is fail"),
        "the report says which run and revision they are of: undo that run, write to another index, or say keep",
    )
}

/// What its client can do about a file that could not be read to its end. The whole file has another content, so another
/// file_key and other ids (rule 3): sent in addition, it would double what was read of the broken one.
pub const REDELIVER_WHOLE: &str = "remove what arrived of the broken file (the documents with its file_key in provenance.file), then deliver it again, whole; with destination.id_fields nothing has to be removed";

/// The failure of a run that went beyond its error budget.
pub fn budget_exceeded(message: impl Into<String>) -> Failure {
    let next_step = "look at the rejects by cause, then mend the spec and run again: what arrived is not sent twice. Files that are mended are other files, with other ids: remove what arrived of them first (by provenance.file), unless destination.id_fields make the ids";
    Failure::permanent(BUDGET_EXCEEDED, Culprit::Client, message, next_step)
}

fn differs(file: &FileRecord, count: usize) -> Failure {
    let ledger = &file.ledger;
    let message = if ledger.balanced() {
        let counted = file
            .counted
            .map_or("was not asked".into(), |n| format!("counts {n}"));
        format!(
            "{count} file(s) differ; {:?}: the ledger has {} created, the core DMS {counted}",
            file.file.name, ledger.created
        )
    } else {
        format!(
            "{count} file(s) differ; {:?}: {} came in, {} are accounted for",
            file.file.name,
            ledger.incoming(),
            ledger.accounted()
        )
    };
    let next_step = "nothing was removed: see the positions in the report, check who else writes to the index, and run again";
    Failure::permanent("sums_differ", Culprit::CoreDms, message, next_step)
}

/// A file with another number of records than its client's manifest says: either it is not whole, or the manifest is wrong.
fn miscounted(file: &FileRecord, listed: u64, count: usize) -> Failure {
    let message = format!(
        "{count} file(s) differ; {:?}: {} records were read, and its manifest lists {listed}",
        file.file.name, file.ledger.read
    );
    let next_step = "nothing was removed: mend the manifest and run again (what arrived is not sent twice), or delete the staged file and deliver the right one";
    Failure::permanent("records_differ", Culprit::Client, message, next_step)
}

fn quarantine(file: &FileRecord, count: usize, total: usize) -> Failure {
    let (why, next_step) = match &file.state {
        // nothing arrived of what was refused at the claim
        FileState::Quarantined { failure } if file.file.terms.decided.is_some() => {
            (failure.message.as_str(), failure.next_step.as_str())
        }
        FileState::Quarantined { failure } => (failure.message.as_str(), REDELIVER_WHOLE),
        FileState::Claimed | FileState::Read | FileState::Skipped { .. } => ("", REDELIVER_WHOLE),
    };
    let message = format!(
        "{count} of {total} file(s) could not be read to their end; {:?}: {why}",
        file.file.name
    );
    Failure::permanent("files_quarantined", Culprit::Client, message, next_step)
}

fn unfinished(file: &FileRecord) -> Failure {
    let message = format!(
        "the worker said it was done, but {:?} is not read to its end",
        file.file.name
    );
    Failure::permanent(
        "file_unfinished",
        Culprit::Platform,
        message,
        "run again; what arrived is not sent twice",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{Compression, ManifestFile};
    use crate::ids::FileKey;
    use crate::run::RunState;

    fn file(ledger: Ledger, counted: u64) -> FileRecord {
        let file_key = FileKey::derive(
            &"acme".parse().unwrap(),
            &"flights".parse().unwrap(),
            "00",
            None,
        );
        let file = ManifestFile {
            index: 0,
            name: "a.csv".into(),
            bytes: 1,
            sha256: "00".into(),
            compression: Compression::None,
            file_key,
            claimed_as: "0".into(),
            terms: Default::default(),
        };
        let run = "01aaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap();
        FileRecord {
            state: FileState::Read,
            ledger,
            counted: Some(counted),
            ..FileRecord::claimed(run, file)
        }
    }

    fn ledger(created: u64, rejected: u64) -> Ledger {
        Ledger {
            read: created + rejected,
            created,
            rejected,
            ..Ledger::default()
        }
    }

    #[test]
    fn only_equal_sums_complete() {
        let budget = ErrorBudget {
            max_records: Some(1),
            max_percent: None,
        };
        let cases = [
            (vec![], None, RunState::Completed),
            (vec![file(ledger(5, 0), 5)], None, RunState::Completed),
            (
                vec![file(ledger(5, 1), 5)],
                None,
                RunState::CompletedWithRejects,
            ),
            (vec![file(ledger(5, 2), 5)], None, RunState::Failed),
            (
                vec![file(ledger(5, 0), 5), file(ledger(5, 0), 4)],
                None,
                RunState::Suspect,
            ),
            (vec![file(ledger(5, 0), 6)], None, RunState::Suspect),
            (
                vec![file(
                    Ledger {
                        read: 6,
                        created: 5,
                        ..Ledger::default()
                    },
                    5,
                )],
                None,
                RunState::Suspect,
            ),
            (
                vec![file(ledger(5, 0), 5)],
                Some(Outcome::Cancelled),
                RunState::Cancelled,
            ),
            (
                vec![file(ledger(5, 0), 4)],
                Some(Outcome::Cancelled),
                RunState::Suspect,
            ),
            (
                vec![FileRecord {
                    state: FileState::Claimed,
                    ..file(ledger(5, 0), 5)
                }],
                None,
                RunState::Suspect,
            ),
        ];
        for (files, preset, expected) in cases {
            assert_eq!(
                outcome(&files, preset.as_ref(), true, &budget).state(),
                expected,
                "{files:?}"
            );
        }
    }

    #[test]
    fn documents_of_others_fail_a_run_only_if_its_spec_says_so() {
        let ends = |duplicate, on_existing| {
            over_existing(Outcome::Completed, duplicate, on_existing).state()
        };
        assert_eq!(ends(3, OnExisting::Keep), RunState::Completed);
        assert_eq!(ends(0, OnExisting::Fail), RunState::Completed);
        assert_eq!(ends(3, OnExisting::Fail), RunState::Failed);
        assert_eq!(
            over_existing(Outcome::Cancelled, 3, OnExisting::Fail).state(),
            RunState::Cancelled
        );
    }

    #[test]
    fn a_file_with_another_number_of_records_than_listed_makes_the_run_suspect() {
        let listed = |records, state| {
            let mut file = file(ledger(5, 0), 5);
            file.file.terms.records = Some(records);
            file.state = state;
            outcome(&[file], None, true, &ErrorBudget::default())
        };
        assert_eq!(listed(5, FileState::Read), Outcome::Completed);
        let differs = listed(6, FileState::Read);
        assert_eq!(differs.state(), RunState::Suspect);
        let failure = differs.failure().unwrap();
        assert_eq!(failure.code, "records_differ");
        assert!(
            failure.message.contains("5 records were read") && failure.message.contains("lists 6")
        );
        // a file that could not be read to its end says more by that
        let failure = Failure::permanent("gzip_corrupt", Culprit::Client, "broken", "");
        let broken = listed(6, FileState::Quarantined { failure });
        assert_eq!(broken.state(), RunState::Failed);
    }

    #[test]
    fn a_quarantined_file_fails_the_run_and_is_named() {
        let failure =
            Failure::permanent("truncated", Culprit::Client, "gzip ends in the middle", "");
        let broken = FileRecord {
            state: FileState::Quarantined { failure },
            ..file(ledger(5, 0), 5)
        };
        let ends = outcome(&[broken], None, true, &ErrorBudget::default());
        let message = &ends.failure().unwrap().message;
        assert!(
            message.contains("a.csv") && message.contains("gzip ends in the middle"),
            "{message}"
        );
    }

    #[test]
    fn a_worker_that_could_not_go_on_fails_the_run_even_if_the_core_dms_holds_more() {
        let failure = Failure::transient("worker_lost", Culprit::Platform, "killed", "");
        let preset = Outcome::Failed { failure };
        assert_eq!(
            outcome(
                &[file(ledger(5, 0), 9)],
                Some(&preset),
                false,
                &ErrorBudget::default()
            )
            .state(),
            RunState::Failed
        );
    }

    #[test]
    fn a_run_called_off_after_its_worker_was_killed_is_cancelled_not_suspect() {
        let files = [file(ledger(5, 0), 9)];
        let ends = |in_order| {
            outcome(
                &files,
                Some(&Outcome::Cancelled),
                in_order,
                &ErrorBudget::default(),
            )
            .state()
        };
        assert_eq!(ends(false), RunState::Cancelled);
        assert_eq!(ends(true), RunState::Suspect);
    }
}
