//! Runs that nobody asks for: files that arrive, times that come; and clients that ask for far too many.

use std::fs;

use api::{PageQuery, RunInfo, UsageQuery};
use domain::{audit::Actor, run::RunState, staging::StagedState};
use serde_json::{Value, json};
use testkit::wait_until;

use crate::{
    harness::{Configuration, Job, Options, PATIENCE, Platform},
    steering::{input, lines},
};

fn started(start: Value) -> Value {
    let mut spec = lines();
    spec["start"] = start;
    spec
}

async fn runs(job: &Job<'_, '_>) -> Vec<RunInfo> {
    let page = PageQuery::default();
    job.api().runs(&job.id, &page).await.unwrap().items
}

/// Waits until so many runs of a job have ended, whether the manager always answers or not.
async fn until_ended(job: &Job<'_, '_>, count: usize) -> Vec<RunInfo> {
    let what = format!("{count} runs of {} have ended", job.id);
    let page = PageQuery::default();
    wait_until(&what, PATIENCE, async || {
        let runs = job.api().runs(&job.id, &page).await;
        runs.is_ok_and(|runs| runs.items.len() >= count && runs.items.iter().all(|run| run.ended))
    })
    .await;
    runs(job).await
}

/// A file starts a run when its marker lies beside it, a time when it has come; once, also when the manager is killed.
pub async fn arrival_and_schedule(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let tenant = platform.tenant("acme").await;
    let every_minute =
        json!({ "on": "schedule", "cron": "* * * * *", "time_zone": "Europe/Vienna" });
    let timed = tenant.job("timed", &started(every_minute)).await;
    timed.stage(&input("t.log", 100)).await;
    let outlook = timed.api().job(&timed.id).await.unwrap().start.unwrap();
    assert!(outlook.next_start_ms.is_some());

    let marked = json!({ "on": "arrival", "complete_when": "marker", "scan_every": "1s" });
    let arriving = tenant.job("arriving", &started(marked)).await;
    fs::write(arriving.staging().join("a.log"), "one\ntwo\n").unwrap();
    let waits = async || {
        let job = arriving.api().job(&arriving.id).await.unwrap();
        let decision = job.start.unwrap().decision;
        decision.is_some_and(|decision| decision.verdict.to_string().contains("a.log.done"))
    };
    wait_until("it is said what is missing", PATIENCE, waits).await;
    assert!(runs(&arriving).await.is_empty());
    let StagedState::Unclaimed { code, .. } = &arriving.staged().await[0].state else {
        panic!("an incomplete file is ready")
    };
    assert_eq!(code, "incomplete");
    fs::write(arriving.staging().join("a.log.done"), "").unwrap();
    let run = until_ended(&arriving, 1).await.remove(0);
    assert_eq!(
        (run.state, &run.started_by),
        (RunState::Completed, &Actor::Arrival)
    );
    assert_eq!(run.ledger.created, 2);
    let done = format!("done/{}", run.id);
    assert_eq!(arriving.names_in(&done), ["a.log", "a.log.done"]);

    platform.kill_manager();
    platform.start_again().await;
    let run = until_ended(&timed, 1).await.remove(0);
    assert_eq!((run.state, run.ledger.created), (RunState::Completed, 100));
    assert!(matches!(run.started_by, Actor::Schedule { .. }), "{run:#?}");
    assert_eq!(runs(&timed).await.len(), 1);
    assert_eq!(
        runs(&arriving).await.len(),
        1,
        "what was started once is not again"
    );
    let days = UsageQuery::default();
    let usage = tenant
        .api()
        .usage(&tenant.named("timed").client, &days)
        .await;
    let total = usage.unwrap().total;
    assert_eq!((total.runs, total.documents), (2, 102));
    platform.end().await;
}

/// A client that queues hundreds of runs holds nobody up.
pub async fn flood(configuration: Configuration) {
    let options = Options {
        config: "max_runs = 2\n",
        ..Options::default()
    };
    let platform = Platform::start(configuration, options).await;
    let (flood, calm) = (
        platform.tenant("flood").await,
        platform.tenant("calm").await,
    );
    let theirs = flood.job("lines", &lines()).await;
    theirs.stage(&input("f.log", 50_000)).await;
    for _ in 0..500 {
        theirs.start().await;
    }
    let job = calm.job("lines", &lines()).await;
    job.stage(&input("c.log", 10)).await;
    job.run_to(RunState::Completed).await;
    let queued = theirs.api().runs(&theirs.id, &PageQuery::first(1)).await;
    assert!(!queued.unwrap().items[0].ended, "the flood was over before");
    platform.end().await;
}
