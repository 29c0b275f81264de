//! The machine's moves as a table, and walks over it.

use proptest::prelude::*;

use super::*;
use crate::audit::Actor;
use crate::error::Culprit;
use crate::ids::{FileKey, JobRef};
use crate::run::{NewRun, UndoneFile};
use crate::spec::EngineKind;

fn queued() -> Run {
    let job = JobRef {
        client: "acme".parse().unwrap(),
        job: "flights".parse().unwrap(),
    };
    let id = "01aaaaaaaaaaaaaaaaaaaaaaaa".parse().unwrap();
    let started_by = crate::audit::Actor::Platform;
    Run::queued(
        NewRun {
            id,
            job,
            revision: 1,
            spec_digest: String::new(),
            engine: EngineKind::Native,
            started_by,
        },
        0,
    )
}

fn failure(retryable: bool) -> Failure {
    Failure {
        retryable,
        ..Failure::permanent("broken", Culprit::Platform, "it broke", "mend it")
    }
}

fn ledger(created: u64) -> Ledger {
    Ledger {
        read: created,
        created,
        ..Ledger::default()
    }
}

fn exit(attempt: u32, kind: ExitKind) -> Event {
    Event::WorkerExited(WorkerExit {
        attempt,
        kind,
        ledger: ledger(7),
        indices: vec!["acme.flights".into()],
        at_ms: 0,
    })
}

fn lost(created: u64) -> Event {
    Event::WorkerLost {
        ledger: ledger(created),
        indices: Vec::new(),
        failure: failure(true),
    }
}

fn after(events: impl IntoIterator<Item = Event>) -> Run {
    events.into_iter().fold(queued(), |run, event| {
        next(&run, event, 0, &Policy::default()).unwrap()
    })
}

fn claimed() -> Vec<Event> {
    vec![
        Event::Admitted,
        Event::Claimed {
            at_ms: 5,
            files: 2,
            bytes: 10,
        },
    ]
}

fn launched() -> Vec<Event> {
    [claimed(), vec![Event::Launching]].concat()
}

fn running() -> Vec<Event> {
    [launched(), vec![Event::WorkerReads]].concat()
}

fn proven(outcome: Outcome) -> Event {
    Event::Proven {
        outcome,
        ledger: ledger(7),
        indices: Vec::new(),
    }
}

#[test]
fn every_way_to_an_end() {
    use RunState as S;
    let verifying = || [running(), vec![exit(1, ExitKind::Drained)]].concat();
    let suspect = Outcome::Suspect {
        failure: failure(false),
    };
    let cases: Vec<(&str, Vec<Event>, S)> = vec![
        ("asked for", vec![], S::Queued),
        (
            "called off in the queue",
            vec![Event::CalledOff],
            S::TearingDown,
        ),
        (
            "called off while claiming",
            vec![Event::Admitted, Event::CalledOff],
            S::TearingDown,
        ),
        (
            "called off before the first launch",
            [claimed(), vec![Event::CalledOff]].concat(),
            S::TearingDown,
        ),
        (
            "called off between launches",
            [launched(), vec![lost(1), Event::CalledOff]].concat(),
            S::Verifying,
        ),
        (
            "called off while the core DMS is away",
            [verifying(), vec![Event::CalledOff]].concat(),
            S::TearingDown,
        ),
        (
            "impossible to claim",
            vec![Event::Admitted, Event::Impossible(failure(false))],
            S::TearingDown,
        ),
        (
            "impossible before a launch",
            [claimed(), vec![Event::Impossible(failure(false))]].concat(),
            S::TearingDown,
        ),
        (
            "impossible after a launch",
            [running(), vec![Event::Impossible(failure(false))]].concat(),
            S::Verifying,
        ),
        (
            "ended before it was seen",
            [launched(), vec![exit(1, ExitKind::Drained)]].concat(),
            S::Verifying,
        ),
        (
            "held",
            [running(), vec![Event::WorkerHolds]].concat(),
            S::Paused,
        ),
        (
            "going on",
            [running(), vec![Event::WorkerHolds, Event::WorkerReads]].concat(),
            S::Running,
        ),
        (
            "draining",
            [running(), vec![Event::WorkerDrains]].concat(),
            S::Draining,
        ),
        (
            "suspended",
            [running(), vec![exit(1, ExitKind::Suspended)]].concat(),
            S::Starting,
        ),
        (
            "failed, may pass",
            [
                running(),
                vec![exit(
                    1,
                    ExitKind::Failed {
                        failure: failure(true),
                    },
                )],
            ]
            .concat(),
            S::Starting,
        ),
        (
            "failed for good",
            [
                running(),
                vec![exit(
                    1,
                    ExitKind::Failed {
                        failure: failure(false),
                    },
                )],
            ]
            .concat(),
            S::Verifying,
        ),
        (
            "completed",
            [
                verifying(),
                vec![proven(Outcome::Completed), Event::TornDown],
            ]
            .concat(),
            S::Completed,
        ),
        (
            "suspect",
            [verifying(), vec![proven(suspect), Event::TornDown]].concat(),
            S::Suspect,
        ),
    ];
    for (name, events, expected) in cases {
        assert_eq!(after(events).state, expected, "{name}");
    }
}

/// Of the whole run, or of a file.
fn undo(whole: bool) -> Event {
    let file = (!whole).then(|| UndoneFile {
        name: "a.csv".into(),
        file_key: FileKey::derive(
            &"acme".parse().unwrap(),
            &"flights".parse().unwrap(),
            "00",
            None,
        ),
    });
    Event::UndoAsked(Box::new(Undo::asked(Actor::Platform, file, false, 3)))
}

#[test]
fn a_run_is_undone_once_and_its_files_one_by_one() {
    use RunState as S;
    let ended = || {
        let to_proof = [running(), vec![exit(1, ExitKind::Drained)]].concat();
        [to_proof, vec![proven(Outcome::Completed), Event::TornDown]].concat()
    };
    let with = |events: Vec<Event>| after([ended(), events].concat());
    assert_eq!(with(vec![undo(true)]).state, S::Undoing);
    let undone = with(vec![undo(true), Event::Undone]);
    assert_eq!((undone.state, undone.undos.len()), (S::Undone, 1));
    assert!(next(&undone, undo(true), 0, &Policy::default()).is_err());
    let one_file = with(vec![undo(false), Event::Undone]);
    assert_eq!(one_file.state, S::Completed);
    assert!(one_file.undos[0].finished_ms.is_some());
    let failed = with(vec![undo(true), Event::Impossible(failure(false))]);
    assert_eq!(failed.state, S::Completed);
    assert_eq!(failed.undos[0].failure, Some(failure(false)));
    let again = next(&failed, undo(true), 0, &Policy::default()).unwrap();
    assert_eq!(again.undos.len(), 1, "one that failed leaves no trace");
}

#[test]
fn a_run_called_off_between_two_launches_ends_as_cancelled_though_it_is_verified() {
    let run = after([launched(), vec![lost(1), Event::CalledOff]].concat());
    assert_eq!(run.outcome, Some(Outcome::Cancelled));
}

#[test]
fn calling_off_during_the_count_does_not_hide_why_a_run_failed() {
    let failed = exit(
        1,
        ExitKind::Failed {
            failure: failure(false),
        },
    );
    let run = after([running(), vec![failed, Event::CalledOff]].concat());
    assert_eq!(
        run.outcome,
        Some(Outcome::Failed {
            failure: failure(false)
        })
    );
}

#[test]
fn late_words_of_an_older_worker_change_nothing() {
    let policy = Policy::default();
    let second = after([running(), vec![lost(1), Event::Launching]].concat());
    assert!(next(&second, exit(1, ExitKind::Drained), 0, &policy).is_err());
    let between = after([running(), vec![lost(1)]].concat());
    for late in [exit(1, ExitKind::Drained), Event::WorkerReads, lost(1)] {
        assert!(next(&between, late, 0, &policy).is_err());
    }
    assert!(
        next(&second, Event::Launching, 0, &policy).is_err(),
        "one worker at a time"
    );
}

#[test]
fn a_worker_that_is_lost_again_and_again_without_progress_fails_the_run() {
    let policy = Policy {
        max_losses: 3,
        ..Policy::default()
    };
    let mut run = after(claimed());
    let mut waits = Vec::new();
    while run.state == RunState::Starting {
        run = next(&run, Event::Launching, 1000, &policy).unwrap();
        run = next(&run, lost(0), 1000, &policy).unwrap();
        waits.push(run.not_before_ms - 1000);
    }
    assert_eq!((run.state, run.attempt), (RunState::Verifying, 4));
    assert_eq!(waits[..3], [250, 500, 1000]);
    assert_eq!(run.outcome.unwrap().state(), RunState::Failed);
}

#[test]
fn progress_buys_new_patience_even_where_the_live_sums_were_known_before_the_loss() {
    let policy = Policy {
        max_losses: 2,
        ..Policy::default()
    };
    let mut run = after(claimed());
    for round in 1..=20 {
        run = next(&run, Event::Launching, 0, &policy).unwrap();
        run.ledger = ledger(round + 5); // the job monitor is ahead of the checkpoint
        run = next(&run, lost(round), 0, &policy).unwrap();
        assert_eq!(
            (run.state, run.losses),
            (RunState::Starting, 1),
            "round {round}"
        );
        assert_eq!(
            run.ledger,
            ledger(round),
            "what was not durable is read again"
        );
    }
}

#[test]
fn a_loss_while_the_client_wants_to_cancel_needs_no_further_worker() {
    let mut run = after(running());
    run.desired = Desired::Cancel;
    for event in [
        lost(1),
        exit(1, ExitKind::Suspended),
        exit(1, ExitKind::Cancelled),
    ] {
        let ends = next(&run, event, 0, &Policy::default()).unwrap();
        assert_eq!(
            (ends.state, ends.outcome),
            (RunState::Verifying, Some(Outcome::Cancelled))
        );
    }
}

#[test]
fn the_history_tells_of_every_launch_and_loss_but_stays_bounded() {
    let run = after([launched(), vec![lost(0), Event::Launching, lost(0)]].concat());
    let events: Vec<_> = run.history.iter().map(|step| step.event.as_str()).collect();
    assert_eq!(
        events,
        [
            "requested",
            "admitted",
            "claimed",
            "launching",
            "worker_lost",
            "launching",
            "worker_lost"
        ]
    );
    let toggles = (0..2000).flat_map(|_| [Event::WorkerHolds, Event::WorkerReads]);
    let run = after(running().into_iter().chain(toggles));
    assert_eq!(run.history.len(), MAX_HISTORY);
    assert_eq!(run.history[0].event, "requested");
}

fn any_event() -> impl Strategy<Value = Event> {
    let kind = prop_oneof![
        Just(ExitKind::Drained),
        Just(ExitKind::Cancelled),
        Just(ExitKind::BudgetExceeded {
            message: "too many".into()
        }),
        Just(ExitKind::Suspended),
        any::<bool>().prop_map(|retryable| ExitKind::Failed {
            failure: failure(retryable)
        }),
    ];
    let outcome = prop_oneof![
        Just(Outcome::Completed),
        Just(Outcome::CompletedWithRejects),
        Just(Outcome::Cancelled),
        Just(Outcome::Failed {
            failure: failure(false)
        }),
        Just(Outcome::Suspect {
            failure: failure(false)
        }),
    ];
    prop_oneof![
        4 => Just(Event::Admitted),
        1 => Just(Event::CalledOff),
        4 => Just(Event::Claimed { at_ms: 1, files: 1, bytes: 1 }),
        4 => Just(Event::Launching),
        2 => Just(Event::WorkerReads),
        2 => Just(Event::WorkerHolds),
        2 => Just(Event::WorkerDrains),
        2 => (0u32..4, kind).prop_map(|(attempt, kind)| exit(attempt, kind)),
        2 => (0u64..4).prop_map(lost),
        1 => any::<bool>().prop_map(|retryable| Event::Impossible(failure(retryable))),
        2 => outcome.prop_map(proven),
        2 => Just(Event::TornDown),
        2 => any::<bool>().prop_map(undo),
        2 => Just(Event::Undone),
    ]
}

/// What the supervisor does for a client that wants to cancel, with a core DMS that answers or not: from any state it
/// must come to an end.
fn cancel(mut run: Run, dms_answers: bool) -> Run {
    run.desired = Desired::Cancel;
    for _ in 0..8 {
        let event = match run.state.activity() {
            Activity::Admit | Activity::Claim => Event::CalledOff,
            Activity::Launch if run.launched => lost(0),
            Activity::Launch => Event::CalledOff,
            Activity::Watch => exit(run.attempt, ExitKind::Cancelled),
            Activity::Verify if dms_answers => {
                proven(run.outcome.clone().unwrap_or(Outcome::Completed))
            }
            Activity::Verify => Event::CalledOff,
            Activity::TearDown => Event::TornDown,
            Activity::Undo => Event::Undone,
            Activity::None => return run,
        };
        run = next(&run, event, 0, &Policy::default()).unwrap();
    }
    run
}

proptest! {
    #[test]
    fn any_walk_keeps_the_invariants(
        events in prop::collection::vec((any_event(), any::<bool>()), 0..80),
        dms_answers in any::<bool>(),
    ) {
        let mut run = queued();
        for (event, cancels) in events {
            if cancels {
                run.desired = Desired::Cancel;
            }
            let Ok(after) = next(&run, event.clone(), 0, &Policy::default()) else { continue };
            let ended = run.state.is_final() && !matches!(event, Event::UndoAsked(_));
            prop_assert!(!ended, "{:?} left {}", event, run.state);
            prop_assert_eq!(after.state.is_final(), after.state.activity() == Activity::None);
            prop_assert!(after.attempt >= run.attempt);
            prop_assert_eq!(after.attempt > run.attempt, event == Event::Launching);
            let watched = after.state.activity() == Activity::Watch;
            prop_assert!(!watched || after.launched, "somebody is watched who was never launched");
            prop_assert!(!after.launched || watched || after.state == RunState::Starting, "a worker is left behind in {}", after.state);
            prop_assert_eq!(matches!(after.state, RunState::TearingDown | RunState::Undoing) || after.state.is_final(), after.outcome.is_some() && after.state != RunState::Verifying);
            if after.state.is_final() && after.state != RunState::Undone {
                prop_assert_eq!(after.outcome.as_ref().map(Outcome::state), Some(after.state));
            }
            run = after;
        }
        prop_assert!(cancel(run, dms_answers).state.is_final());
    }
}
