//! Faults at the n-th effect on the world or the store, for every n: the manager dies, or the call gives an error. The run
//! must come to its right end, under the next manager or the same.

#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Platform, job};
use domain::file::FileState;
use domain::ids::RunId;
use domain::run::{Desired, Run, RunState};
use domain::store::keys;
use domain::usage::{Usage, day_of};
use tokio::time::sleep;

/// What happens besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Besides {
    Nothing,
    /// The worker dies with the manager.
    WorkerDies,
    /// The worker has time to end while no manager is there.
    TimePasses,
    /// The client has called the run off.
    Cancel,
}

/// Runs until the crash (or the end), then again with a new supervisor; false if there was no crash any more.
async fn crash_at(point: u64, besides: Besides) -> bool {
    let cancel = besides == Besides::Cancel;
    let platform = Platform::new().await;
    let id = platform.start(1, job("acme", "flights")).await;
    let working = platform.supervise();
    if cancel {
        platform.until_state(&id, RunState::Running).await;
        platform
            .change(id.as_str(), |run: &mut Run| run.desired = Desired::Cancel)
            .await;
    }
    platform.faults.crash_at(point);
    working.supervisor.poke(&id);
    let crashed = tokio::select! {
        () = platform.faults.crashed() => true,
        _ = platform.until_final(&id) => false,
    };
    working.kill().await;
    platform.faults.crash_at(0);
    match besides {
        Besides::WorkerDies => platform.world.kill_workers(),
        Besides::TimePasses => sleep(Duration::from_secs(600)).await,
        Besides::Nothing | Besides::Cancel => {}
    }
    let _next = platform.supervise();
    ended_right(
        &platform,
        &id,
        cancel,
        &format!("{besides:?}, crash at {point}"),
    )
    .await;
    crashed
}

/// As [`crash_at`], with an error instead of a crash.
async fn fail_at(point: u64) -> bool {
    let platform = Platform::new().await;
    let id = platform.start(1, job("acme", "flights")).await;
    platform.faults.fail_at(point);
    let _working = platform.supervise();
    ended_right(&platform, &id, false, &format!("error at {point}")).await;
    platform.faults.passed() >= point
}

/// Whether a run came to its right end, with everything put away.
async fn ended_right(platform: &Platform, id: &RunId, cancel: bool, fault: &str) {
    let run = platform.until_final(id).await;
    let expected = if cancel {
        RunState::Cancelled
    } else {
        RunState::Completed
    };
    assert_eq!(run.state, expected, "{fault}: {run:#?}");
    assert_eq!(platform.slots("acme").await, 0, "{fault}");
    let (files, report) = (platform.files(id).await, platform.report(&run));
    assert!(report.proven && report.history == run.history, "{fault}");
    let created = run.ledger.created;
    let key = keys::usage(&run.client, &day_of(&run));
    let usage = platform.metadata.get::<Usage>(&key);
    let used = usage.await.unwrap().unwrap().value.sums;
    assert_eq!((used.runs, used.documents), (1, created), "{fault}");
    let state = platform.world.state();
    assert_eq!(
        state.documents.len() as u64,
        created,
        "{fault}: nothing missing, nothing twice"
    );
    assert_eq!(report.ledger.created, created, "{fault}");
    assert_eq!(state.most_workers_at_once, 1, "{fault}");
    let ends: Vec<_> = state.settled.iter().map(|(_, outcome)| *outcome).collect();
    assert!(
        ends.iter().all(|end| *end == expected.name()),
        "{fault}: {ends:?}"
    );
    assert!(state.removed.contains(id), "{fault}");
    assert!(state.admitted.is_empty(), "{fault}: credentials are left");
    if !cancel {
        assert_eq!(created, 35, "{fault}");
        assert!(
            files
                .iter()
                .all(|file| file.proven() && file.state == FileState::Read)
        );
        assert_eq!((state.staged.len(), state.done.len()), (0, 2));
    }
}

async fn crash_everywhere(besides: Besides, at_least: u64) {
    let mut point = 1;
    while crash_at(point, besides).await {
        point += 1;
    }
    assert!(point > at_least, "only {point} points were tried");
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_right_wherever_its_manager_dies() {
    crash_everywhere(Besides::Nothing, 25).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_right_wherever_its_manager_and_its_worker_die() {
    crash_everywhere(Besides::WorkerDies, 25).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_right_if_its_worker_ends_while_no_manager_is_there() {
    crash_everywhere(Besides::TimePasses, 25).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_is_cancelled_right_wherever_its_manager_dies() {
    crash_everywhere(Besides::Cancel, 8).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_right_whatever_call_gives_an_error_once() {
    let mut point = 1;
    while fail_at(point).await {
        point += 1;
    }
    assert!(point > 25, "only {point} points were tried");
}
