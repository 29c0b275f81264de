//! A run's way, as its client sees it.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use common::world::failure;
use common::{Platform, job, now_ms};
use domain::client::{Client, Waiting};
use domain::error::Culprit;
use domain::file::FileState;
use domain::index::Index;
use domain::job::Job;
use domain::monitor::DmsHealth;
use domain::plan::Plan;
use domain::run::{Desired, Run, RunState};
use domain::units::Span;
use domain::worker::{Command, Share, Stage, WorkOrder};
use futures::StreamExt;
use supervisor::{RunEvent, series};
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn a_run_is_done_proven_and_reported() {
    let platform = Platform::new().await;
    let id = platform.start(1, job("acme", "flights")).await;
    let working = platform.supervise();
    let events = working.supervisor.subscribe(&id);
    let run = platform.until_final(&id).await;
    assert_eq!(run.state, RunState::Completed, "{run:#?}");
    assert_eq!(
        (
            run.ledger.read,
            run.ledger.created,
            run.files_total,
            run.bytes_total
        ),
        (35, 35, 2, 35)
    );
    assert_eq!(run.attempt, 1);
    let files = platform.files(&id).await;
    assert!(
        files
            .iter()
            .all(|file| file.proven() && file.state == FileState::Read),
        "{files:#?}"
    );
    assert_eq!(platform.slots("acme").await, 0);
    let report = platform.report(&run);
    assert!(report.proven);
    assert_eq!(
        (report.state, report.attempts, report.dms.as_str()),
        (RunState::Completed, 1, "fake 1.0")
    );
    assert_eq!(report.limits_by.as_deref(), Some("cgroup"));
    assert_eq!(
        (report.finished_ms, &report.history),
        (run.finished_ms.unwrap(), &run.history)
    );
    let folder = platform.folder(&run);
    assert!(
        std::fs::read_to_string(folder.report_html())
            .unwrap()
            .contains("All 35 records of your 2 files are in.")
    );
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(folder.path()), mode(&folder.token())), (0o700, 0o600));
    assert_eq!(
        std::fs::read(folder.token()).unwrap().len(),
        64,
        "256 bits in hexadecimal"
    );
    let order: WorkOrder = serde_json::from_slice(&std::fs::read(folder.order()).unwrap()).unwrap();
    assert_eq!(Some(order.clock_ms), run.claimed_ms);
    assert_eq!(order.dms.api_key_file, Some(folder.dms_key()));
    assert!(platform.world.state().admitted.is_empty());
    let samples = series::read(&folder, 100).await.unwrap();
    assert!(
        samples.len() >= 3 && samples.last().unwrap().percent == 100.0,
        "{samples:#?}"
    );
    let seen: Vec<_> = events.collect().await;
    let states: Vec<_> = seen
        .iter()
        .filter_map(|event| {
            if let RunEvent::State(step) = event {
                Some(step.to)
            } else {
                None
            }
        })
        .collect();
    use RunState::{Claiming, Completed, Running, Starting, TearingDown, Verifying};
    assert_eq!(
        states,
        [
            Claiming,
            Starting,
            Starting,
            Running,
            Verifying,
            TearingDown,
            Completed
        ]
    );
    assert_eq!(
        seen.iter()
            .filter(|event| matches!(event, RunEvent::Sample(_)))
            .count(),
        samples.len()
    );
}

#[tokio::test(start_paused = true)]
async fn a_short_run_is_not_kept_waiting_and_has_a_sample() {
    let platform = Platform::new().await;
    platform.world.state().record_every = Duration::from_millis(1);
    let working = platform.supervise();
    sleep(Duration::from_millis(1500)).await;
    let id = platform.start(1, job("acme", "flights")).await;
    let asked_ms = now_ms();
    working.supervisor.poke(&id);
    let run = platform.until_final(&id).await;
    let took_ms = run.finished_ms.unwrap() - asked_ms;
    assert!(
        took_ms <= 35 + 60,
        "it took {took_ms} ms of which the worker needed 35"
    );
    assert_eq!(
        series::read(&platform.folder(&run), 10)
            .await
            .unwrap()
            .last()
            .unwrap()
            .ledger
            .created,
        35
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_worker_is_started_again_and_nothing_is_lost_or_doubled() {
    let platform = Platform::new().await;
    let id = platform.start(1, job("acme", "flights")).await;
    let working = platform.supervise();
    for _ in 0..2 {
        platform
            .until(&id, |run| {
                run.state == RunState::Running && run.ledger.read > 0
            })
            .await;
        sleep(Duration::from_millis(700)).await;
        platform.world.kill_workers();
        platform.until(&id, |run| !run.launched).await;
    }
    let run = platform.until_final(&id).await;
    assert_eq!(
        (run.state, run.attempt),
        (RunState::Completed, 3),
        "{run:#?}"
    );
    let loss = run.last_loss.unwrap();
    assert!(
        loss.message.contains("attempt 2 begins"),
        "the end of the log is part of it: {}",
        loss.message
    );
    assert_eq!(platform.world.state().documents.len(), 35);
    drop(working);
}

#[tokio::test(start_paused = true)]
async fn workers_that_die_at_once_fail_the_run_after_some_patience() {
    let platform = Platform::new().await;
    platform.world.state().workers_die_at_once = true;
    let id = platform.start(1, job("acme", "flights")).await;
    let _working = platform.supervise();
    let run = platform.until_final(&id).await;
    assert_eq!((run.state, run.attempt), (RunState::Failed, 6));
    assert_eq!(run.outcome.unwrap().failure().unwrap().code, "worker_lost");
    assert_eq!(platform.slots("acme").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_does_not_answer_is_killed_and_replaced() {
    let platform = Platform::new().await;
    platform
        .world
        .state()
        .staged
        .insert("long.csv".into(), 1000);
    let id = platform.start(1, job("acme", "flights")).await;
    let _working = platform.supervise();
    platform.until_state(&id, RunState::Running).await;
    platform.world.state().workers_are_silent = true;
    let run = platform.until(&id, |run| run.losses > 0).await;
    assert!(
        run.last_loss
            .unwrap()
            .message
            .contains("did not answer for 30s: connection refused")
    );
    platform.world.state().workers_are_silent = false;
    assert_eq!(platform.until_final(&id).await.state, RunState::Completed);
}

#[tokio::test(start_paused = true)]
async fn pause_resume_and_cancel_reach_the_worker() {
    let platform = Platform::new().await;
    let id = platform.start(1, job("acme", "flights")).await;
    let working = platform.supervise();
    platform.until_state(&id, RunState::Running).await;
    platform.want(&working, &id, Desired::Pause).await;
    let read = platform
        .until_state(&id, RunState::Paused)
        .await
        .ledger
        .read;
    sleep(Duration::from_secs(120)).await;
    let held = platform.run(&id).await;
    assert_eq!(
        (held.state, held.stalled),
        (RunState::Paused, None),
        "to hold is not to stall"
    );
    assert!(held.ledger.read <= read + 5);
    platform.want(&working, &id, Desired::Run).await;
    platform.until_state(&id, RunState::Running).await;
    platform.want(&working, &id, Desired::Cancel).await;
    let run = platform.until_final(&id).await;
    assert_eq!(run.state, RunState::Cancelled, "{run:#?}");
    assert!(run.ledger.created < 35 && platform.report(&run).proven);
    assert_eq!(
        platform.world.state().commands,
        [Command::Pause, Command::Resume, Command::Cancel]
    );
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_does_not_obey_cannot_keep_a_client_from_cancelling() {
    let platform = Platform::new().await;
    let id = platform.start(1, job("acme", "flights")).await;
    let working = platform.supervise();
    platform.until_state(&id, RunState::Running).await;
    sleep(Duration::from_millis(1500)).await;
    {
        let mut state = platform.world.state();
        (state.workers_ignore_commands, state.sink_is_stuck) = (true, true);
    }
    platform.want(&working, &id, Desired::Cancel).await;
    let run = platform.until_final(&id).await;
    assert_eq!(run.state, RunState::Cancelled, "{run:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_can_be_cancelled_in_the_queue_and_while_the_core_dms_is_away() {
    let platform = Platform::new().await;
    let (first, second) = (
        platform.start(1, job("acme", "flights")).await,
        platform.start(2, job("acme", "flights")).await,
    );
    platform.world.state().dms_is_down = true;
    let working = platform.supervise();
    let waiting = platform.until(&second, |run| run.waiting.is_some()).await;
    assert_eq!(
        waiting.waiting,
        Some(Waiting::JobBusy { run: first.clone() })
    );
    platform.want(&working, &second, Desired::Cancel).await;
    assert_eq!(
        platform.until_final(&second).await.state,
        RunState::Cancelled
    );
    // the first cannot put its index template in place
    let stuck = platform.until(&first, |run| run.stalled.is_some()).await;
    assert_eq!((stuck.state, stuck.attempt), (RunState::Starting, 0));
    platform.want(&working, &first, Desired::Cancel).await;
    let ended = platform.until_final(&first).await;
    assert_eq!((ended.state, ended.attempt), (RunState::Cancelled, 0));
    assert_eq!(platform.world.state().launches, 0);
}

#[tokio::test(start_paused = true)]
async fn verifying_waits_for_the_core_dms_and_shows_it_as_stalled() {
    let platform = Platform::new().await;
    let id = platform.start(1, job("acme", "flights")).await;
    let working = platform.supervise();
    let events = working.supervisor.subscribe(&id);
    platform.until_state(&id, RunState::Running).await;
    platform.world.state().dms_is_down = true;
    let stuck = platform
        .until(&id, |run| {
            run.state == RunState::Verifying && run.stalled.is_some()
        })
        .await;
    assert_eq!(
        stuck.stalled.unwrap().reason,
        "the core DMS does not answer"
    );
    sleep(Duration::from_secs(600)).await;
    assert_eq!(platform.run(&id).await.state, RunState::Verifying);
    assert_eq!(
        working.supervisor.dms_health().await,
        DmsHealth::Unreachable
    );
    platform.world.state().dms_is_down = false;
    let run = platform.until_final(&id).await;
    assert_eq!((run.state, run.stalled), (RunState::Completed, None));
    let held = |event: &RunEvent| matches!(event, RunEvent::Held);
    let told = events
        .filter(|event| std::future::ready(held(event)))
        .count()
        .await;
    assert!(told > 0, "who listens learns why nothing happens");
}

#[tokio::test(start_paused = true)]
async fn cancelling_while_the_core_dms_does_not_come_back_keeps_what_is_known() {
    let platform = Platform::new().await;
    let id = platform.start(1, job("acme", "flights")).await;
    let working = platform.supervise();
    platform.until_state(&id, RunState::Running).await;
    platform.world.state().dms_is_down = true;
    platform
        .until(&id, |run| {
            run.state == RunState::Verifying && run.stalled.is_some()
        })
        .await;
    platform.want(&working, &id, Desired::Cancel).await;
    let run = platform.until_final(&id).await;
    let report = platform.report(&run);
    assert_eq!(
        (run.state, report.proven, report.ledger.created),
        (RunState::Cancelled, false, 35)
    );
}

#[tokio::test(start_paused = true)]
async fn sums_that_differ_make_a_run_suspect_and_name_the_missing_positions() {
    let platform = Platform::new().await;
    platform.world.state().hidden = 1;
    let id = platform.start(1, job("acme", "flights")).await;
    let _working = platform.supervise();
    let run = platform.until_final(&id).await;
    assert_eq!(run.state, RunState::Suspect, "{run:#?}");
    let report = platform.report(&run);
    let missing: Vec<_> = report
        .files
        .iter()
        .map(|file| (file.proven, file.missing_positions.clone()))
        .collect();
    assert!(
        missing.contains(&(false, vec![7])) && missing.contains(&(true, vec![])),
        "{missing:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stalled_run_says_so_until_it_moves_again() {
    let platform = Platform::new().await;
    let id = platform.start(1, job("acme", "flights")).await;
    let _working = platform.supervise();
    platform.until_state(&id, RunState::Running).await;
    sleep(Duration::from_secs(2)).await;
    platform.world.state().sink_is_stuck = true;
    let stuck_ms = now_ms();
    let stalled = platform
        .until(&id, |run| run.stalled.is_some())
        .await
        .stalled
        .unwrap();
    assert!(
        (30_000..33_000).contains(&(now_ms() - stuck_ms)),
        "after {} ms",
        now_ms() - stuck_ms
    );
    assert!(
        (0..1000).contains(&(stuck_ms - stalled.since_ms)),
        "{stalled:?}"
    );
    assert_eq!(
        (stalled.stage, stalled.reason.as_str()),
        (
            Stage::Send,
            "the core DMS does not take documents: 503 queue full"
        )
    );
    platform.world.state().sink_is_stuck = false;
    platform.until(&id, |run| run.stalled.is_none()).await;
    assert_eq!(platform.until_final(&id).await.state, RunState::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_busy_run_is_written_to_the_store_once_a_second_and_a_stuck_one_not_at_all() {
    let platform = Platform::new().await;
    platform
        .world
        .state()
        .staged
        .insert("long.csv".into(), 5000);
    let id = platform.start(1, job("acme", "flights")).await;
    let _working = platform.supervise();
    platform.until_state(&id, RunState::Running).await;
    sleep(Duration::from_secs(10)).await;
    let version = async || platform.metadata.run(&id).await.unwrap().unwrap().version;
    let before = version().await;
    sleep(Duration::from_secs(60)).await;
    assert!((55..=61).contains(&(version().await - before)));
    platform.world.state().sink_is_stuck = true;
    platform.until(&id, |run| run.stalled.is_some()).await;
    let before = version().await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(version().await, before);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_claimed_fails_with_its_reason_or_is_tried_again() {
    let platform = Platform::new().await;
    platform.world.state().claim_fails = Some(failure(true, "the disk is full"));
    let id = platform.start(1, job("acme", "flights")).await;
    let _working = platform.supervise();
    let run = platform.until(&id, |run| run.stalled.is_some()).await;
    let stall = run.stalled.unwrap();
    assert_eq!(
        (run.state, stall.stage, stall.reason.as_str()),
        (RunState::Claiming, Stage::Read, "the disk is full")
    );
    platform.world.state().claim_fails = Some(failure(false, "the staging directory is gone"));
    let run = platform.until_final(&id).await;
    assert_eq!(run.state, RunState::Failed);
    assert_eq!(
        run.outcome.unwrap().failure().unwrap().message,
        "the staging directory is gone"
    );
    assert_eq!(platform.slots("acme").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_one_run_is_survived_by_it_and_all_others() {
    let platform = Platform::new().await;
    let (one, two) = (
        platform.start(1, job("acme", "one")).await,
        platform.start(2, job("acme", "two")).await,
    );
    let _working = platform.supervise();
    platform.until_state(&one, RunState::Running).await;
    platform.world.state().observe_panics = true;
    assert_eq!(platform.until_final(&one).await.state, RunState::Completed);
    assert_eq!(platform.until_final(&two).await.state, RunState::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_goes_away_for_a_while_holds_a_run_up_but_does_not_end_it() {
    let platform = Platform::new().await;
    let id = platform.start(1, job("acme", "flights")).await;
    let _working = platform.supervise();
    platform.until_state(&id, RunState::Running).await;
    platform.faults.set_store_down(true);
    sleep(Duration::from_secs(60)).await;
    platform.faults.set_store_down(false);
    assert_eq!(platform.until_final(&id).await.state, RunState::Completed);
}

#[tokio::test(start_paused = true)]
async fn slots_jobs_and_the_host_are_shared_out_in_turn() {
    let mut platform = Platform::new().await;
    platform.settings.max_runs = 2;
    platform
        .client(
            "demo",
            Plan {
                max_concurrent_runs: 1,
                ..Plan::default()
            },
        )
        .await;
    let acme = [
        platform.start(1, job("acme", "one")).await,
        platform.start(2, job("acme", "two")).await,
    ];
    let demo = [
        platform.start(3, job("demo", "one")).await,
        platform.start(4, job("demo", "two")).await,
    ];
    let _working = platform.supervise();
    platform.until_state(&acme[0], RunState::Running).await;
    platform.until_state(&demo[0], RunState::Running).await;
    assert_eq!(
        platform.run(&acme[1]).await.waiting,
        Some(Waiting::HostBusy { limit: 2 })
    );
    for id in acme.iter().chain(&demo) {
        assert_eq!(platform.until_final(id).await.state, RunState::Completed);
    }
    assert_eq!(platform.world.state().most_workers_at_once, 2);
}

#[tokio::test(start_paused = true)]
async fn a_slot_whose_run_is_not_known_is_freed_when_somebody_needs_it() {
    let platform = Platform::new().await;
    let ghost = common::run_id(99);
    platform
        .change("acme", |client: &mut Client| {
            client.slots.push(domain::client::Slot {
                run: ghost.clone(),
                job: job("acme", "flights"),
            });
        })
        .await;
    let working = platform.supervise();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(platform.slots("acme").await, 0, "found by the first scan");
    platform
        .change("acme", |client: &mut Client| {
            client.slots.push(domain::client::Slot {
                run: ghost.clone(),
                job: job("acme", "flights"),
            });
        })
        .await;
    let id = platform.start(1, job("acme", "flights")).await;
    working.supervisor.poke(&id);
    assert_eq!(platform.until_final(&id).await.state, RunState::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_missing_spec_fails_the_run_and_names_the_culprit() {
    let platform = Platform::new().await;
    let id = platform.start(1, job("acme", "flights")).await;
    platform
        .metadata
        .store()
        .remove(
            domain::store::Kind::Revision,
            "acme/flights/0000000001",
            1,
            None,
        )
        .await
        .unwrap();
    let _working = platform.supervise();
    let run = platform.until_final(&id).await;
    let failure = run.outcome.clone().unwrap().failure().cloned().unwrap();
    assert_eq!(
        (run.state, failure.code.as_str(), failure.culprit),
        (RunState::Failed, "revision_missing", Culprit::Platform)
    );
    assert_eq!(platform.slots("acme").await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_manager_that_stops_suspends_its_runs_and_the_next_one_goes_on() {
    let platform = Platform::new().await;
    let id = platform.start(1, job("acme", "flights")).await;
    let working = platform.supervise();
    platform.until_state(&id, RunState::Running).await;
    sleep(Duration::from_millis(1200)).await;
    let queued = platform.start(2, job("acme", "flights")).await;
    assert_eq!(working.stop().await.stragglers, []);
    let rests = platform.run(&id).await;
    assert_eq!(
        (rests.state, rests.launched, platform.world.workers()),
        (RunState::Starting, false, 0)
    );
    assert_eq!(platform.run(&queued).await.state, RunState::Queued);
    assert_eq!(platform.world.state().launches, 1);
    let _next = platform.supervise();
    let run = platform.until_final(&id).await;
    assert_eq!(
        (run.state, run.attempt, run.losses),
        (RunState::Completed, 2, 0)
    );
    assert_eq!(
        platform.until_final(&queued).await.state,
        RunState::Completed
    );
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_does_not_suspend_is_named_and_adopted_by_the_next_manager() {
    let mut platform = Platform::new().await;
    platform.settings.shutdown_grace = Span::secs(1);
    platform.world.state().staged.insert("long.csv".into(), 600);
    let id = platform.start(1, job("acme", "flights")).await;
    let working = platform.supervise();
    platform.until_state(&id, RunState::Running).await;
    platform.world.state().workers_ignore_commands = true;
    assert_eq!(working.stop().await.stragglers, std::slice::from_ref(&id));
    assert_eq!(platform.world.workers(), 1, "it goes on without a manager");
    let _next = platform.supervise();
    let run = platform.until_final(&id).await;
    assert_eq!(
        (run.state, run.attempt),
        (RunState::Completed, 1),
        "adopted, not started again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_is_removed_when_its_clients_retention_is_over() {
    let mut platform = Platform::new().await;
    platform.settings.retention_interval = Span::secs(10);
    platform
        .change("acme", |client: &mut Client| {
            client.plan.retention = Span::secs(600)
        })
        .await;
    platform.client("longer", Plan::default()).await;
    let working = platform.supervise();
    let kept = platform.start(1, job("longer", "flights")).await;
    platform.until_final(&kept).await;
    let id = platform.start(2, job("acme", "flights")).await;
    let run = platform.until_final(&id).await;
    let folder = platform.folder(&run);

    sleep(Duration::from_secs(580)).await;
    assert!(folder.report_json().exists(), "not yet");
    sleep(Duration::from_secs(40)).await;
    assert_eq!(platform.metadata.run(&id).await.unwrap(), None);
    assert!(platform.files(&id).await.is_empty());
    assert!(!folder.path().exists());
    assert_eq!(platform.world.state().expired, [id]);

    let kept = platform.run(&kept).await;
    assert!(platform.folder(&kept).report_json().exists());
    working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn indices_are_removed_when_their_jobs_retention_is_over_and_no_run_is_suspect() {
    let mut platform = Platform::new().await;
    platform.settings.retention_interval = Span::secs(10);
    let id = platform.start(1, job("acme", "flights")).await;
    platform
        .change("acme/flights", |job: &mut Job| {
            job.spec.destination.index = "flights-%{+yyyy}".into();
            job.spec.destination.retention = Some(Span::secs(600));
        })
        .await;
    let index = |name: &str| Index {
        name: name.into(),
        created_ms: now_ms(),
    };
    let (old, doubtful) = (index("acme.flights-2013"), index("acme.flights-2014"));
    let other = index("acme.trains-2013");
    platform.world.state().indices = vec![old, doubtful.clone(), other.clone()];
    let _working = platform.supervise();
    platform.until_final(&id).await;
    platform
        .change(id.as_str(), |run: &mut Run| {
            run.state = RunState::Suspect;
            run.indices = vec![doubtful.name.clone()];
        })
        .await;
    sleep(Duration::from_secs(500)).await;
    assert_eq!(platform.world.state().indices.len(), 3, "not yet");
    sleep(Duration::from_secs(120)).await;
    assert_eq!(platform.world.state().indices, [doubtful, other]);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_cannot_be_taken_back_are_taken_back_when_the_run_is_removed() {
    let mut platform = Platform::new().await;
    platform.settings.retention_interval = Span::secs(10);
    platform
        .change("acme", |client: &mut Client| {
            client.plan.retention = Span::secs(600)
        })
        .await;
    platform.world.state().dismissals_fail = true;
    let working = platform.supervise();
    let id = platform.start(1, job("acme", "flights")).await;
    let run = platform.until_final(&id).await;
    assert_eq!(run.state, RunState::Completed);
    assert!(platform.world.state().admitted.contains_key(&id));

    sleep(Duration::from_secs(700)).await;
    assert!(platform.metadata.run(&id).await.unwrap().is_some());
    platform.world.state().dismissals_fail = false;
    sleep(Duration::from_secs(20)).await;
    assert_eq!(platform.metadata.run(&id).await.unwrap(), None);
    assert!(platform.world.state().admitted.is_empty());
    working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_is_told_when_the_core_dms_has_moved() {
    let platform = Platform::new().await;
    let id = platform.start(1, job("acme", "flights")).await;
    let working = platform.supervise();
    platform.until_state(&id, RunState::Running).await;
    platform.world.state().dms_url = "http://127.0.0.1:9300".into();
    let run = platform.until_final(&id).await;
    assert_eq!((run.state, run.attempt), (RunState::Completed, 2));
    let order: WorkOrder =
        serde_json::from_slice(&std::fs::read(platform.folder(&run).order()).unwrap()).unwrap();
    assert_eq!(order.dms.url, "http://127.0.0.1:9300");
    working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_run_of_a_job_that_is_being_removed_does_not_begin() {
    let platform = Platform::new().await;
    let id = platform.start(1, job("acme", "flights")).await;
    platform
        .change("acme/flights", |job: &mut Job| job.removing = true)
        .await;
    let working = platform.supervise();
    let run = platform.until_final(&id).await;
    let failure = run.outcome.as_ref().and_then(|outcome| outcome.failure());
    assert_eq!(
        failure.map(|failure| failure.code.as_str()),
        Some("job_removed")
    );
    assert_eq!((run.attempt, platform.slots("acme").await), (0, 0));
    working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_suspect_run_is_never_removed() {
    let mut platform = Platform::new().await;
    platform.settings.retention_interval = Span::secs(10);
    platform.settings.series_retention = Span::secs(60);
    platform
        .change("acme", |client: &mut Client| {
            client.plan.retention = Span::secs(600)
        })
        .await;
    platform.world.state().hidden = 1;
    let working = platform.supervise();
    let id = platform.start(1, job("acme", "flights")).await;
    let run = platform.until_final(&id).await;
    assert_eq!(run.state, RunState::Suspect);
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(platform.run(&id).await, run);
    assert!(platform.folder(&run).report_json().exists());
    assert!(platform.folder(&run).series().exists());
    working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_neighbour_whose_runs_do_not_end_holds_nobody_up() {
    let mut platform = Platform::new().await;
    platform.settings.max_runs = 3;
    let many = Plan {
        max_concurrent_runs: 100,
        ..Plan::default()
    };
    platform.client("flood", many).await;
    platform.client("demo", Plan::default()).await;
    for number in 0..500 {
        let stuck = job("flood", &format!("job-{number}"));
        platform.start(1000 + number, stuck).await;
    }
    platform.world.state().sink_is_stuck = true;
    let working = platform.supervise();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(platform.world.workers(), 2, "the last place is kept");
    platform.world.state().stuck_client = Some("flood".into());
    let id = platform.start(1, job("demo", "flights")).await;
    assert_eq!(platform.until_final(&id).await.state, RunState::Completed);
    assert_eq!(platform.slots("flood").await, 2);
    working.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_clients_rates_are_shared_by_its_runs_under_way() {
    let platform = Platform::new().await;
    platform
        .change("acme", |client: &mut Client| {
            client.plan.records_per_second = std::num::NonZeroU64::new(100);
        })
        .await;
    let one = platform.start(1, job("acme", "one")).await;
    let working = platform.supervise();
    let run = platform.until_state(&one, RunState::Running).await;
    let rate = |run: &Run| {
        let text = std::fs::read(platform.folder(run).share()).unwrap();
        serde_json::from_slice::<Share>(&text)
            .unwrap()
            .records_per_s
    };
    assert_eq!(rate(&run), Some(100.0));
    platform.world.state().sink_is_stuck = true;
    let two = platform.start(2, job("acme", "two")).await;
    let other = platform.until_state(&two, RunState::Running).await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!((rate(&run), rate(&other)), (Some(50.0), Some(50.0)));
    working.stop().await;
}
