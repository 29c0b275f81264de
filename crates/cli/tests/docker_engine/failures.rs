//! What goes wrong is waited for where it may pass, and explained where not.

use domain::{
    error::Failure,
    run::{Outcome, RunState},
    spec::EngineKind,
    worker::{RunFolder, Stage, WorkOrder},
};
use engine_elastic::docker::{Docker, Patience};
use engine_elastic::plan::{Egress, FILEBEAT_IMAGE, LOGSTASH_IMAGE, Plan, Settings};
use serde_json::{Value, json};
use testkit::{Fault, proxy::faults};

use crate::bench::{assert_nothing_left, input, platform, slow, spec};
use crate::harness::{Options, PATIENCE, end_of};

pub async fn core_dms_away() {
    let options = Options {
        dms_proxy: true,
        config: "stall_after = \"1s\"\nmonitor_interval = \"250ms\"\n",
        ..Options::default()
    };
    let platform = platform(options).await;
    let tenant = platform.tenant("away").await;
    let job = tenant.job("rows", &spec(EngineKind::Elastic)).await;
    let inputs = [input("a.csv", 20_000)];
    job.stage_all(&inputs).await;
    platform.dms_proxy().set_schedule(slow());
    let run = job.start().await;
    job.until_accounted(&run, 1).await;
    platform.dms_proxy().set_down(true);
    let stalled = job
        .until("it is shown as stalled", &run, |now| now.stalled.is_some())
        .await;
    let stall = stalled.stalled.unwrap();
    assert_eq!(stall.stage, Stage::Send);
    assert!(stall.reason.contains("core DMS"), "{stall:?}");
    platform.dms_proxy().set_schedule(faults::none());
    platform.dms_proxy().set_down(false);
    let end = job.ends(&run, end_of(&inputs.each_ref())).await;
    job.assert_closed(&end, &inputs.each_ref()).await;
    assert_nothing_left(&platform).await;
    platform.end().await;
}

pub async fn containers_die() {
    let options = Options {
        dms_proxy: true,
        ..Options::default()
    };
    let platform = platform(options).await;
    let tenant = platform.tenant("dying").await;
    let job = tenant.job("rows", &spec(EngineKind::Elastic)).await;
    let inputs = [input("a.csv", 20_000)];
    job.stage_all(&inputs).await;
    platform.dms_proxy().set_schedule(slow());
    let run = job.start().await;
    job.until_accounted(&run, 1).await;
    let docker = Docker::connect(None, Patience::default()).await.unwrap();
    docker.kill(&run).await.unwrap();
    platform.dms_proxy().set_schedule(faults::none());
    let end = job.ends(&run, end_of(&inputs.each_ref())).await;
    assert!(end.attempts > 1, "{end:#?}");
    // what had arrived before is this run's, and no duplicate
    job.assert_closed(&end, &inputs.each_ref()).await;
    assert_nothing_left(&platform).await;
    platform.end().await;
}

pub async fn swept() {
    let platform = platform(Options::default()).await;
    assert_eq!(platform.stop().await, 0);
    let order: WorkOrder = serde_json::from_value(json!({
        "client": "acme", "job": "rows", "run": "01m7z5e4qg600j0295bjtag5b6", "revision": 1, "spec_digest": "00", "clock_ms": 0,
        "spec": spec(EngineKind::Elastic), "dms": { "url": "http://127.0.0.1:9200" },
        "memory": "256MiB", "cpu_millis": 1000, "orphan_after": "1m",
    }))
    .unwrap();
    let settings = Settings {
        platform: platform.home().display().to_string(),
        filebeat_image: FILEBEAT_IMAGE.into(),
        logstash_image: LOGSTASH_IMAGE.into(),
        uid: 1000.try_into().unwrap(),
        egress: Egress::Host,
    };
    let plan = Plan::of(&order, &RunFolder::new("/nowhere"), &settings);
    let docker = Docker::connect(None, Patience::default()).await.unwrap();
    docker.make_inner_network(&plan).await.unwrap();
    assert_eq!(docker.runs(&settings.platform).await.unwrap().len(), 1);
    platform.start_again().await;
    testkit::wait_until("it is removed", PATIENCE, async || {
        docker.runs(&settings.platform).await.unwrap().is_empty()
    })
    .await;
    platform.end().await;
}

/// Why a run with these settings fails.
async fn failure(
    options: Options,
    change: impl FnOnce(&mut Value),
    fault: Option<Fault>,
) -> Failure {
    let platform = platform(options).await;
    let tenant = platform.tenant("failing").await;
    let mut spec = spec(EngineKind::Elastic);
    change(&mut spec);
    let job = tenant.job("rows", &spec).await;
    job.stage_all(&[input("a.csv", 2_000)]).await;
    if let Some(fault) = fault {
        let schedule = faults::on("/_bulk", faults::every(1, fault));
        platform.dms_proxy().set_schedule(schedule);
    }
    let end = job.run_to(RunState::Failed).await;
    assert_nothing_left(&platform).await;
    platform.end().await;
    match end.outcome {
        Some(Outcome::Failed { failure }) => failure,
        other => panic!("{other:?}"),
    }
}

pub async fn denied() {
    let options = Options {
        dms_proxy: true,
        ..Options::default()
    };
    let failure = failure(options, |_| {}, Some(Fault::Status(403))).await;
    assert_eq!(failure.code, "dms_denied", "{failure:?}");
    assert!(failure.message.contains("403"), "{failure:?}");
}

pub async fn missing_image() {
    let options = Options {
        config: "docker.logstash_image = \"localhost:1/nobody/has-this:1\"\n",
        ..Options::default()
    };
    let failure = failure(options, |_| {}, None).await;
    assert_eq!(failure.code, "image_missing", "{failure:?}");
    assert!(failure.message.contains("nobody/has-this:1"), "{failure:?}");
}

pub async fn too_little_memory() {
    let tiny = |spec: &mut Value| spec["limits"] = json!({ "memory": "32MiB" });
    let failure = failure(Options::default(), tiny, None).await;
    assert_eq!(failure.code, "container_oom", "{failure:?}");
    assert!(failure.next_step.contains("memory"), "{failure:?}");
}

pub async fn no_docker() {
    let options = Options {
        config: "docker.host = \"unix:///nowhere/docker.sock\"\n",
        ..Options::default()
    };
    let failure = failure(options, |_| {}, None).await;
    assert_eq!(failure.code, "docker_away", "{failure:?}");
}
