//! Stopping and starting the platform in the middle of a run, in order and by force.

use domain::run::RunState;
use nix::sys::signal::Signal;
use testkit::proxy::faults;

use crate::{
    harness::{Configuration, Options, Platform, signal},
    steering::{input, lines, slow},
};

const PROXY: Options = Options {
    dms_proxy: true,
    store_proxy: false,
    config: "",
};

/// A stop in order saves the workers' progress and exits 0; the next start goes on.
pub async fn graceful(configuration: Configuration) {
    let platform = Platform::start(configuration, PROXY).await;
    let tenant = platform.tenant("stop").await;
    let job = tenant.job("lines", &lines()).await;
    // more than the worker has in hand when it is told to stop: that much it would bring to its end
    let inputs = [input("a.log", 200_000), input("b.log.gz", 10_000)];
    job.stage_all(&inputs).await;
    platform.dms_proxy().set_schedule(slow(200));
    let run = job.start().await;
    job.until_accounted(&run, 1).await;
    assert_eq!(platform.stop().await, 0);
    assert!(platform.workers().is_empty(), "{:?}", platform.workers());
    platform.dms_proxy().set_schedule(faults::none());
    platform.start_again().await;
    let end = job.ends(&run, RunState::Completed).await;
    assert_eq!(end.attempts, 2, "{end:#?}");
    job.assert_closed(&end, &inputs.each_ref()).await;
    platform.end().await;
}

/// A manager that was killed leaves its worker at work; the next one adopts it.
pub async fn manager_killed(configuration: Configuration) {
    let platform = Platform::start(configuration, PROXY).await;
    let tenant = platform.tenant("adopt").await;
    let job = tenant.job("lines", &lines()).await;
    let inputs = [input("a.log", 30_000), input("b.log.gz", 10_000)];
    job.stage_all(&inputs).await;
    platform.dms_proxy().set_schedule(slow(300));
    let run = job.start().await;
    job.until_accounted(&run, 1).await;
    let workers = platform.workers();
    assert_eq!(workers.len(), 1, "{workers:?}");
    platform.kill_manager();
    assert_eq!(platform.workers(), workers, "it goes on without a manager");
    platform.start_again().await;
    job.until("it is watched again", &run, |now| now.sample.is_some())
        .await;
    assert_eq!(platform.workers(), workers);
    platform.dms_proxy().set_schedule(faults::none());
    let end = job.ends(&run, RunState::Completed).await;
    assert_eq!(
        end.attempts, 1,
        "the worker was adopted, not replaced: {end:#?}"
    );
    job.assert_closed(&end, &inputs.each_ref()).await;
    platform.end().await;
}

/// A worker that was killed is replaced by one that goes on where the sink had answered; nothing is sent twice.
pub async fn worker_killed(configuration: Configuration) {
    let platform = Platform::start(configuration, PROXY).await;
    let tenant = platform.tenant("worker").await;
    let job = tenant.job("lines", &lines()).await;
    let inputs = [input("a.log", 30_000), input("b.log.gz", 10_000)];
    job.stage_all(&inputs).await;
    platform.dms_proxy().set_schedule(slow(200));
    let run = job.start().await;
    job.until_accounted(&run, 1).await;
    platform
        .workers()
        .into_iter()
        .for_each(|worker| signal(worker, Signal::SIGKILL));
    let again = job
        .until("there is another worker", &run, |now| now.attempts == 2)
        .await;
    assert!(again.last_loss.is_some(), "{again:#?}");
    platform.dms_proxy().set_schedule(faults::none());
    let end = job.ends(&run, RunState::Completed).await;
    job.assert_closed(&end, &inputs.each_ref()).await;
    platform.end().await;
}
