//! Pause, resume, cancel, while containers do the work.

use domain::{run::RunState, spec::EngineKind};
use testkit::proxy::faults;

use crate::bench::{assert_nothing_left, input, platform, slow, spec};
use crate::harness::{Options, end_of};

const PROXY: Options = Options {
    dms_proxy: true,
    store_proxy: false,
    config: "monitor_interval = \"100ms\"\n",
};

pub async fn pause() {
    let platform = platform(PROXY).await;
    let tenant = platform.tenant("pause").await;
    let job = tenant.job("rows", &spec(EngineKind::Elastic)).await;
    let inputs = [input("a.csv", 30_000)];
    job.stage_all(&inputs).await;
    platform.dms_proxy().set_schedule(slow());
    let run = job.start().await;
    job.until_accounted(&run, 1).await;
    job.api().pause(&job.id, &run).await.unwrap();
    let held = job
        .until("it holds", &run, |now| now.state == RunState::Paused)
        .await;
    let count = platform.dms().count(&job.index, None).await;
    assert!(count < 30_000, "{held:#?}");
    // what is held stays held while a new manager takes over
    platform.kill_manager();
    platform.start_again().await;
    let still = job
        .until("it still holds", &run, |now| now.state == RunState::Paused)
        .await;
    assert_eq!(
        platform.dms().count(&job.index, None).await,
        count,
        "{still:#?}"
    );
    platform.dms_proxy().set_schedule(faults::none());
    job.api().resume(&job.id, &run).await.unwrap();
    let end = job.ends(&run, end_of(&inputs.each_ref())).await;
    job.assert_closed(&end, &inputs.each_ref()).await;
    assert_nothing_left(&platform).await;
    platform.end().await;
}

pub async fn cancel() {
    let platform = platform(PROXY).await;
    let tenant = platform.tenant("cancel").await;
    let job = tenant.job("rows", &spec(EngineKind::Elastic)).await;
    let inputs = [input("a.csv", 30_000), input("b.csv.gz", 10_000)];
    let inputs = inputs.each_ref();
    job.stage_all(inputs).await;
    platform.dms_proxy().set_schedule(slow());
    let run = job.start().await;
    job.until_accounted(&run, 1).await;
    job.api().cancel(&job.id, &run).await.unwrap();
    let first = job.ends(&run, RunState::Cancelled).await;
    assert_nothing_left(&platform).await;
    let files = job.files(&run).await;
    assert!(files.iter().all(|file| file.proven()), "{files:#?}");
    let arrived = first.ledger.created;
    assert!((1..38_000).contains(&arrived), "{first:#?}");
    assert_eq!(platform.dms().count(&job.index, None).await, arrived);
    platform.dms_proxy().set_schedule(faults::none());
    let second = job.run_to(end_of(&inputs)).await;
    assert_eq!(second.ledger.duplicate, arrived, "{second:#?}");
    job.assert_documents(&inputs).await;
    assert_nothing_left(&platform).await;
    platform.end().await;
}
