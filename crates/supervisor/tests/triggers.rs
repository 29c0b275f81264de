//! Runs that the clock or arriving files start: exactly one for each due time, wherever the manager is killed.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod common;

use std::time::Duration;

use common::{Platform, job, now_ms};
use domain::audit::Actor;
use domain::job::Job;
use domain::plan::Plan;
use domain::run::{Run, RunState};
use domain::spec::{EngineKind, JobSpec};
use domain::store::Query;
use domain::trigger::{Trigger, Verdict};
use serde_json::{Value, json};
use tokio::time::sleep;

/// Puts the job acme/flights, started as `start` says.
async fn put(platform: &Platform, start: Value) -> Job {
    let spec: JobSpec = serde_json::from_value(json!({
        "mode": "batch", "format": {"type": "lines"}, "destination": {"index": "flights"}, "start": start,
    }))
    .unwrap();
    let name = job("acme", "flights");
    let made = Job {
        client: name.client,
        id: name.job,
        revision: 1,
        spec_digest: "aa".into(),
        spec,
        created_ms: now_ms(),
        updated_ms: now_ms(),
        removing: false,
    };
    platform.metadata.create(&made, None).await.unwrap();
    made
}

async fn runs(platform: &Platform) -> Vec<Run> {
    let runs = platform.metadata.list_all::<Run>(Query::default()).await;
    runs.unwrap().into_iter().map(|run| run.value).collect()
}

async fn trigger(platform: &Platform) -> Trigger {
    let kept = platform.metadata.get("acme/flights").await.unwrap();
    kept.unwrap().value
}

async fn verdict(platform: &Platform) -> Verdict {
    trigger(platform).await.decision.unwrap().verdict
}

/// Waits for so many runs, all of them ended.
async fn until_ended(platform: &Platform, count: usize) -> Vec<Run> {
    for _ in 0..200_000 {
        let all = runs(platform).await;
        if all.len() >= count && all.iter().all(|run| run.state.is_final()) {
            return all;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("never came to be: {:#?}", runs(platform).await);
}

const HOUR: Duration = Duration::from_secs(3600);

fn hourly() -> Value {
    json!({"on": "schedule", "cron": "0 * * * *", "time_zone": "Europe/Vienna"})
}

#[tokio::test(start_paused = true)]
async fn a_schedule_starts_one_run_when_its_time_has_come() {
    let platform = Platform::new().await;
    put(&platform, hourly()).await;
    let _working = platform.supervise();
    let run = until_ended(&platform, 1).await.remove(0);
    assert_eq!(run.state, RunState::Completed);
    let Actor::Schedule { due_ms } = run.started_by else {
        panic!("{:?}", run.started_by)
    };
    assert!((due_ms..due_ms + 2_000).contains(&run.created_ms));
    assert_eq!(
        platform.report(&run).started_by,
        Some(Actor::Schedule { due_ms })
    );
    let kept = trigger(&platform).await;
    assert_eq!(kept.next_start_ms, Some(due_ms + HOUR.as_millis() as i64));
    let flights = job("acme", "flights");
    let revision = platform.metadata.revision(&flights, 1);
    assert!(
        revision.await.unwrap().is_some(),
        "what it runs is on record"
    );
    // the next hour nothing is there: no empty run
    sleep(HOUR).await;
    assert_eq!(runs(&platform).await.len(), 1);
    assert!(matches!(
        verdict(&platform).await,
        Verdict::NothingStaged { .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn due_times_do_not_pile_up_behind_a_run_under_way() {
    let platform = Platform::new().await;
    put(&platform, json!({"on": "schedule", "cron": "* * * * *"})).await;
    platform.world.state().record_every = Duration::from_secs(60);
    let _working = platform.supervise();
    sleep(Duration::from_secs(600)).await;
    let all = runs(&platform).await;
    assert_eq!(all.len(), 1, "{all:#?}");
    let waits = Verdict::PreviousUnderWay {
        run: all[0].id.clone(),
    };
    assert_eq!(verdict(&platform).await, waits);
    platform.world.state().record_every = Duration::from_millis(100);
    assert_eq!(until_ended(&platform, 1).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_manager_that_was_down_has_missed_is_made_up_for_once_or_not_at_all() {
    for (missed, started) in [("run_once", 1), ("skip", 0)] {
        let platform = Platform::new().await;
        let mut start = hourly();
        start["missed"] = missed.into();
        put(&platform, start).await;
        sleep(HOUR * 240 + Duration::from_secs(345)).await;
        let _working = platform.supervise();
        sleep(Duration::from_secs(60)).await;
        assert_eq!(runs(&platform).await.len(), started, "{missed}");
        if missed == "skip" {
            assert_eq!(verdict(&platform).await, Verdict::Missed);
            assert_eq!(
                until_ended(&platform, 1).await.len(),
                1,
                "the next one in time"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_is_switched_off_starts_nothing() {
    let platform = Platform::new().await;
    let mut start = hourly();
    start["enabled"] = false.into();
    put(&platform, start).await;
    let _working = platform.supervise();
    sleep(HOUR * 3).await;
    assert!(runs(&platform).await.is_empty());
    // switched on again, what was due meanwhile is over
    platform
        .change("acme/flights", |job: &mut Job| {
            job.spec.start.enabled = true;
            job.updated_ms = now_ms();
        })
        .await;
    sleep(Duration::from_secs(60)).await;
    assert!(runs(&platform).await.is_empty());
    assert_eq!(until_ended(&platform, 1).await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_spec_beyond_the_plan_is_not_started() {
    let platform = Platform::new().await;
    put(&platform, json!({"on": "arrival"})).await;
    platform
        .change("acme", |client: &mut domain::client::Client| {
            client.plan = Plan {
                engines: vec![EngineKind::Elastic],
                ..Plan::default()
            }
        })
        .await;
    let _working = platform.supervise();
    sleep(Duration::from_secs(5)).await;
    assert!(matches!(verdict(&platform).await, Verdict::Refused { .. }));
}

#[tokio::test(start_paused = true)]
async fn files_that_arrive_start_a_run_and_those_that_come_meanwhile_the_next() {
    let platform = Platform::new().await;
    put(&platform, json!({"on": "arrival"})).await;
    platform.world.state().staged.clear();
    let _working = platform.supervise();
    sleep(Duration::from_secs(5)).await;
    assert!(runs(&platform).await.is_empty());
    platform.world.state().staged.insert("a.csv".into(), 20);
    let first = until_ended(&platform, 1).await.remove(0);
    assert_eq!(
        (first.started_by, first.state),
        (Actor::Arrival, RunState::Completed)
    );
    assert!(matches!(verdict(&platform).await, Verdict::Started { .. }));
    platform.world.state().staged.insert("b.csv".into(), 20);
    assert_eq!(until_ended(&platform, 2).await.len(), 2);
    sleep(HOUR).await;
    assert_eq!(runs(&platform).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn files_that_a_run_has_left_start_no_run_before_they_change() {
    let platform = Platform::new().await;
    put(&platform, json!({"on": "arrival"})).await;
    platform.world.state().claim_fails = Some(common::world::failure(false, "cannot be read"));
    let _working = platform.supervise();
    assert_eq!(until_ended(&platform, 1).await[0].state, RunState::Failed);
    sleep(HOUR).await;
    assert_eq!(runs(&platform).await.len(), 1);
    assert_eq!(verdict(&platform).await, Verdict::LeftBefore { files: 2 });
    platform.world.state().claim_fails = None;
    platform.world.state().staged.insert("c.csv".into(), 1);
    assert_eq!(
        until_ended(&platform, 2).await[1].state,
        RunState::Completed
    );
}

/// Kills the manager at the n-th effect, and goes on with a new one; false if there was no such effect any more.
async fn crash_at(point: u64, start: Value, besides: Duration) -> bool {
    let platform = Platform::new().await;
    put(&platform, start).await;
    platform.faults.crash_at(point);
    let working = platform.supervise();
    let crashed = tokio::select! {
        () = platform.faults.crashed() => true,
        _ = until_ended(&platform, 1) => false,
    };
    working.kill().await;
    platform.faults.crash_at(0);
    sleep(besides).await;
    let _next = platform.supervise();
    let all = until_ended(&platform, 1).await;
    assert_eq!(all[0].state, RunState::Completed, "crash at {point}");
    sleep(Duration::from_secs(120)).await;
    let all = runs(&platform).await;
    assert_eq!(all.len(), 1, "crash at {point}: {all:#?}");
    let kept = trigger(&platform).await;
    assert!(kept.starting.is_none(), "crash at {point}: {kept:#?}");
    crashed
}

#[tokio::test(start_paused = true)]
async fn exactly_one_run_comes_of_a_due_time_wherever_the_manager_dies() {
    for besides in [Duration::ZERO, Duration::from_secs(1800)] {
        let mut point = 1;
        while crash_at(
            point,
            json!({"on": "schedule", "cron": "* * * * *"}),
            besides,
        )
        .await
        {
            point += 1;
        }
        assert!(point > 25, "only {point} points were tried");
    }
}

#[tokio::test(start_paused = true)]
async fn exactly_one_run_comes_of_an_arrival_wherever_the_manager_dies() {
    let mut point = 1;
    while crash_at(point, json!({"on": "arrival"}), Duration::ZERO).await {
        point += 1;
    }
    assert!(point > 25, "only {point} points were tried");
}
