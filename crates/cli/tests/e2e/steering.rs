//! Pause, resume, cancel: what is held stays held, what is called off can be taken up by the next run.

use domain::{ledger::Ledger, run::RunState};
use serde_json::{Value, json};
use testkit::{Fault, proxy::faults};

use crate::harness::{Configuration, Fate, Input, Options, PATIENCE, Platform};

/// A job over plain lines.
pub fn lines() -> Value {
    json!({ "mode": "batch", "format": { "type": "lines" }, "destination": { "index": "lines" } })
}

/// A file of so many lines.
pub fn input(name: &str, lines: u64) -> Input {
    let mut input = Input::new(name);
    for number in 0..lines {
        // long enough that a run needs many requests for them
        input.record(format!("{name} {number} {}", "x".repeat(200)), Fate::Stored);
    }
    input
}

/// Every `_bulk` takes so long, so that there is a middle of a run to do something in.
pub fn slow(milliseconds: u64) -> faults::Schedule {
    faults::on(
        "/_bulk",
        faults::every(
            1,
            Fault::Delay(std::time::Duration::from_millis(milliseconds)),
        ),
    )
}

const PROXY: Options = Options {
    dms_proxy: true,
    store_proxy: false,
    config: "",
};

/// A paused run does not move until it is resumed, also when the manager is started again in between.
pub async fn pause_and_resume(configuration: Configuration) {
    let platform = Platform::start(configuration, PROXY).await;
    let tenant = platform.tenant("pause").await;
    let job = tenant.job("lines", &lines()).await;
    let inputs = [input("a.log", 40_000), input("b.log.gz", 20_000)];
    job.stage_all(&inputs).await;
    platform.dms_proxy().set_schedule(slow(300));
    let run = job.start().await;
    job.until_accounted(&run, 1).await;
    job.api().pause(&job.id, &run).await.unwrap();
    let held = job
        .until("it holds", &run, |now| now.state == RunState::Paused)
        .await;
    assert!(held.ledger.read < 60_000, "{held:#?}");

    let (count, requests) = (
        platform.dms().count(&job.index, None).await,
        platform.dms_proxy().exchanges(),
    );
    let sampled = held.sample.as_ref().map_or(0, |sample| sample.at_ms);
    let later = job
        .until("it was sampled three times more", &run, |now| {
            now.sample
                .as_ref()
                .is_some_and(|sample| sample.at_ms >= sampled + 3000)
        })
        .await;
    assert_eq!(
        (later.state, later.ledger.accounted()),
        (RunState::Paused, count),
        "{later:#?}"
    );
    assert_eq!(platform.dms().count(&job.index, None).await, count);
    assert_eq!(
        later.stalled, None,
        "a run that was told to hold is not stalled"
    );
    assert!(platform.dms_proxy().exchanges() >= requests);

    assert_eq!(platform.stop().await, 0);
    platform.start_again().await;
    let still = job
        .until("it holds again", &run, |now| now.state == RunState::Paused)
        .await;
    assert_eq!(still.ledger.accounted(), count, "{still:#?}");

    platform.dms_proxy().set_schedule(faults::none());
    job.api().resume(&job.id, &run).await.unwrap();
    let end = job.ends(&run, RunState::Completed).await;
    job.assert_closed(&end, &inputs.each_ref()).await;
    platform.end().await;
}

/// A cancelled run's ledger is closed; the next one takes the files again and creates only the rest.
pub async fn cancel_and_run_again(configuration: Configuration) {
    let platform = Platform::start(configuration, PROXY).await;
    let tenant = platform.tenant("cancel").await;
    let job = tenant.job("lines", &lines()).await;
    let inputs = [input("a.log", 40_000), input("b.log.gz", 20_000)];
    let inputs = inputs.each_ref();
    job.stage_all(inputs).await;
    platform.dms_proxy().set_schedule(slow(300));
    let run = job.start().await;
    job.until_accounted(&run, 1).await;
    job.api().cancel(&job.id, &run).await.unwrap();
    let first = job.ends(&run, RunState::Cancelled).await;
    let files = job.files(&first.id).await;
    assert!(files.iter().all(|file| file.proven()), "{files:#?}");
    let arrived = first.ledger.created;
    assert!(
        (1..60_000).contains(&arrived) && first.ledger.balanced(),
        "{first:#?}"
    );
    assert_eq!(platform.dms().count(&job.index, None).await, arrived);
    job.assert_report(&first, &files).await;
    for refused in [
        job.api().cancel(&job.id, &run).await.unwrap_err(),
        job.api().resume(&job.id, &run).await.unwrap_err(),
    ] {
        assert!(refused.is(api::Code::RunEnded), "{refused}");
    }

    platform.dms_proxy().set_schedule(faults::none());
    let second = job.run_to(RunState::Completed).await;
    // a file that was read to its end by the first run is done, and does not come again
    let (done, again): (Vec<&Input>, Vec<&Input>) = inputs.into_iter().partition(|input| {
        job.names_in(&format!("done/{}", first.id))
            .contains(&input.name)
    });
    let created_by_first = |input: &Input| {
        files
            .iter()
            .find(|file| file.file.name == input.name)
            .map_or(0, |file| file.ledger.created)
    };
    let rest = |input: &Input| {
        let (all, arrived) = (input.ledger(), created_by_first(input));
        Ledger {
            created: all.created - arrived,
            duplicate: arrived,
            ..all
        }
    };
    assert!(
        done.iter()
            .all(|input| created_by_first(input) == input.ledger().created)
    );
    let files = job.assert_ledgers(&second, &again, rest).await;
    job.assert_report(&second, &files).await;
    assert_eq!(first.ledger.created + second.ledger.created, 60_000);
    job.assert_documents(&inputs).await;
    platform.end().await;
}

/// A run that was not begun can be called off too, and one that waits is told why.
pub async fn cancel_in_the_queue(configuration: Configuration) {
    let platform = Platform::start(configuration, PROXY).await;
    let tenant = platform.tenant("queue").await;
    let job = tenant.job("lines", &lines()).await;
    job.stage(&input("a.log", 20_000)).await;
    platform.dms_proxy().set_schedule(slow(300));
    let first = job.start().await;
    job.until_accounted(&first, 1).await;
    let second = job.start().await;
    let waits = job
        .until("it says why it waits", &second, |now| now.waiting.is_some())
        .await;
    assert_eq!(
        waits.waiting,
        Some(domain::client::Waiting::JobBusy { run: first.clone() })
    );
    job.api().cancel(&job.id, &second).await.unwrap();
    job.ends(&second, RunState::Cancelled).await;
    platform.dms_proxy().set_schedule(faults::none());
    let end = job.ends(&first, RunState::Completed).await;
    assert_eq!(end.ledger.created, 20_000);
    assert!(
        end.finished_ms.unwrap() - end.created_ms < i64::try_from(PATIENCE.as_millis()).unwrap()
    );
    platform.end().await;
}
