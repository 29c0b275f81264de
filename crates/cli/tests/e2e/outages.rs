//! The core DMS or the metadata store goes away at every moment of a run: it waits, says why, and completes.

use api::RunInfo;
use domain::{run::RunState, worker::Stage};
use reqwest::Method;
use testkit::{Fault, proxy::faults, seed};

use crate::{
    harness::{Configuration, Job, Options, PATIENCE, Platform},
    steering::{input, lines, slow},
};

/// A stalled run is to be seen soon.
const IMPATIENT: Options = Options {
    dms_proxy: true,
    store_proxy: false,
    config: "stall_after = \"1s\"\nmonitor_interval = \"250ms\"\n",
};

async fn is_stalled(job: &Job<'_, '_>, run: &domain::ids::RunId) -> RunInfo {
    let stalled = job
        .until("it is shown as stalled", run, |now| now.stalled.is_some())
        .await;
    assert!(!stalled.stalled.as_ref().unwrap().reason.is_empty());
    stalled
}

/// Down before the run begins.
pub async fn at_the_start(configuration: Configuration) {
    let platform = Platform::start(configuration, IMPATIENT).await;
    let tenant = platform.tenant("start").await;
    let job = tenant.job("lines", &lines()).await;
    let input = input("a.log", 1000);
    job.stage(&input).await;
    platform.dms_proxy().set_down(true);
    let run = job.start().await;
    is_stalled(&job, &run).await;
    testkit::wait_until(
        "the platform says that it is not ready",
        PATIENCE,
        async || {
            let ready = platform.api(None).ready().await.unwrap();
            let part = ready
                .parts
                .iter()
                .find(|part| part.name == "core_dms")
                .unwrap();
            !ready.ready && !part.ready && !part.detail.is_empty()
        },
    )
    .await;
    platform.dms_proxy().set_down(false);
    let end = job.ends(&run, RunState::Completed).await;
    assert_eq!(end.stalled, None);
    job.assert_closed(&end, &[&input]).await;
    platform.end().await;
}

/// Down while a worker sends.
pub async fn in_the_middle(configuration: Configuration) {
    let platform = Platform::start(configuration, IMPATIENT).await;
    let tenant = platform.tenant("middle").await;
    let job = tenant.job("lines", &lines()).await;
    let inputs = [input("a.log", 30_000), input("b.log.gz", 10_000)];
    job.stage_all(&inputs).await;
    platform.dms_proxy().set_schedule(slow(200));
    let run = job.start().await;
    job.until_accounted(&run, 1).await;
    platform.dms_proxy().set_down(true);
    let stalled = is_stalled(&job, &run).await;
    assert_eq!(stalled.stalled.unwrap().stage, Stage::Send);
    assert!(!stalled.ended && stalled.ledger.accounted() < 40_000);
    platform.dms_proxy().set_schedule(faults::none());
    platform.dms_proxy().set_down(false);
    let end = job.ends(&run, RunState::Completed).await;
    job.assert_closed(&end, &inputs.each_ref()).await;
    platform.end().await;
}

/// Down when everything was sent and is to be counted.
pub async fn at_the_end(configuration: Configuration) {
    let platform = Platform::start(configuration, IMPATIENT).await;
    let tenant = platform.tenant("end").await;
    let job = tenant.job("lines", &lines()).await;
    let input = input("a.log", 2000);
    job.stage(&input).await;
    platform.dms_proxy().set_schedule(Box::new(|exchange| {
        let counting = ["/_refresh", "/_search", "/_count"]
            .iter()
            .any(|verb| exchange.target.contains(verb));
        if counting {
            Fault::CutRequest(0)
        } else {
            Fault::Pass
        }
    }));
    let run = job.start().await;
    let stalled = job
        .until("it is shown as stalled while it is verified", &run, |now| {
            now.state == RunState::Verifying && now.stalled.is_some()
        })
        .await;
    assert_eq!(
        stalled.ledger.created, 2000,
        "the worker has ended: {stalled:#?}"
    );
    platform.dms_proxy().set_schedule(faults::none());
    let end = job.ends(&run, RunState::Completed).await;
    job.assert_closed(&end, &[&input]).await;
    platform.end().await;
}

/// The platform is started while its core DMS is away.
pub async fn before_the_platform(configuration: Configuration) {
    let platform = Platform::start(configuration, IMPATIENT).await;
    let tenant = platform.tenant("before").await;
    let job = tenant.job("lines", &lines()).await;
    let input = input("a.log", 1000);
    job.stage(&input).await;
    assert_eq!(platform.stop().await, 0);
    platform.dms_proxy().set_down(true);
    platform.start_again().await;
    let run = job.start().await;
    is_stalled(&job, &run).await;
    platform.dms_proxy().set_down(false);
    let end = job.ends(&run, RunState::Completed).await;
    job.assert_closed(&end, &[&input]).await;
    platform.end().await;
}

/// The embedded core DMS is killed while a worker sends: the platform brings it back.
pub async fn core_dms_killed(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let tenant = platform.tenant("killed").await;
    let job = tenant.job("lines", &lines()).await;
    let inputs = [input("a.log", 30_000), input("b.log.gz", 10_000)];
    job.stage_all(&inputs).await;
    let run = job.start().await;
    job.until_accounted(&run, 1).await;
    assert!(platform.kill_core_dms());
    let end = job.ends(&run, RunState::Completed).await;
    job.assert_closed(&end, &inputs.each_ref()).await;
    platform.end().await;
}

/// The metadata store goes away while a worker sends: the API says so, nothing is lost, and the run completes.
pub async fn metadata_store_down(configuration: Configuration) {
    let platform = Platform::start(
        configuration,
        Options {
            store_proxy: true,
            ..IMPATIENT
        },
    )
    .await;
    let tenant = platform.tenant("store").await;
    let job = tenant.job("lines", &lines()).await;
    let inputs = [input("a.log", 30_000), input("b.log.gz", 10_000)];
    job.stage_all(&inputs).await;
    platform.dms_proxy().set_schedule(slow(200));
    let run = job.start().await;
    job.until_accounted(&run, 1).await;
    platform.store_proxy().set_down(true);
    let requests = platform.dms_proxy().exchanges();
    let refused = job.api().start(&job.id).await.unwrap_err();
    assert!(refused.is(api::Code::MetadataStoreUnavailable), "{refused}");
    testkit::wait_until("the worker goes on meanwhile", PATIENCE, async || {
        platform.dms_proxy().exchanges() > requests + 5
    })
    .await;
    platform.dms_proxy().set_schedule(faults::none());
    platform.store_proxy().set_down(false);
    let end = job.ends(&run, RunState::Completed).await;
    job.assert_closed(&end, &inputs.each_ref()).await;
    platform.end().await;
}

/// Refusals, cut lines and lost answers, by chance: the sums hold, and nothing is taken for a duplicate that is none.
pub async fn faulty_line(configuration: Configuration) {
    let platform = Platform::start(
        configuration,
        Options {
            dms_proxy: true,
            store_proxy: false,
            config: "",
        },
    )
    .await;
    let tenant = platform.tenant("faulty").await;
    let job = tenant.job("lines", &lines()).await;
    let inputs = [input("a.log", 20_000), input("b.log.gz", 10_000)];
    job.stage_all(&inputs).await;
    let faults = [
        Fault::Status(429),
        Fault::Status(503),
        Fault::LOSE_ANSWER,
        Fault::CutAnswer(100),
        Fault::CutRequest(1000),
    ];
    platform
        .dms_proxy()
        .set_schedule(faults::on("/_bulk", faults::seeded(seed(), 30, faults)));
    let end = job.run_to(RunState::Completed).await;
    assert!(platform.dms_proxy().faults() > 0);
    job.assert_closed(&end, &inputs.each_ref()).await;
    platform.end().await;
}

/// A document that somebody else has put there under the same id is a duplicate, not ours.
pub async fn foreign_document(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let tenant = platform.tenant("foreign").await;
    let job = tenant.job("lines", &lines()).await;
    let (first, second) = (input("a.log", 100), input("b.log", 100));
    job.stage(&first).await;
    job.run_to(RunState::Completed).await;
    let id = second.documents(&job.id).into_keys().next().unwrap();
    let foreign = serde_json::json!({ "message": "not the platform's" });
    let path = format!("{}/_create/{id}?refresh=true", job.index);
    platform
        .dms()
        .ask(Method::PUT, &path, Some(&foreign))
        .await
        .unwrap();
    job.stage(&second).await;
    let end = job.run_to(RunState::Completed).await;
    assert_eq!(
        (end.ledger.created, end.ledger.duplicate),
        (99, 1),
        "{end:#?}"
    );
    platform.end().await;
}
