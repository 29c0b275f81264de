//! Runs: started, listed, steered, followed, and what they leave.

use api::client::LogPart;
use api::{NewUndo, PageQuery, RunEvent};
use domain::run::{Desired, RunState};
use domain::worker::RunFolder;
use futures::StreamExt;

use crate::support::{Server, code, job_ref};

#[tokio::test]
async fn a_run_is_asked_for_and_listed_newest_first() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    let first = own.start(&job).await.unwrap();
    assert_eq!((first.state, first.revision), (RunState::Queued, 1));
    let second = own.start(&job).await.unwrap();
    let listed = own.runs(&job, &PageQuery::first(1)).await.unwrap();
    assert_eq!(listed.items[0].id, second.id);
    let rest = own
        .runs(&job, &PageQuery::after(listed.next.unwrap()))
        .await
        .unwrap();
    assert_eq!(rest.items[0].id, first.id);
    assert_eq!(own.run(&job, &first.id).await.unwrap().id, first.id);
    let other = server.with_job("other/flights").await;
    assert_eq!(
        code(other.run(&job_ref("other/flights"), &first.id).await),
        "run_not_found"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_run_is_steered_until_it_is_called_off_or_has_ended() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    let run = own.start(&job).await.unwrap().id;
    assert_eq!(own.pause(&job, &run).await.unwrap().desired, Desired::Pause);
    assert_eq!(own.pause(&job, &run).await.unwrap().desired, Desired::Pause);
    assert_eq!(own.resume(&job, &run).await.unwrap().desired, Desired::Run);
    let actions: Vec<_> = own
        .audit(&PageQuery::first(3))
        .await
        .unwrap()
        .items
        .into_iter()
        .map(|entry| entry.action)
        .collect();
    assert_eq!(
        actions,
        ["run.resume", "run.pause", "run.start"],
        "what is so already is no change"
    );
    server.end(&run).await;
    assert_eq!(code(own.cancel(&job, &run).await), "run_ended");
    server.stop().await;
}

#[tokio::test]
async fn only_a_run_that_has_ended_is_undone_and_only_one_with_rejects_replayed() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    let run = own.start(&job).await.unwrap().id;
    let whole = NewUndo::default();
    assert_eq!(
        code(own.preview_undo(&job, &run, None).await),
        "run_not_ended"
    );
    assert_eq!(code(own.undo(&job, &run, &whole).await), "run_not_ended");
    assert_eq!(code(own.replay(&job, &run).await), "run_not_ended");
    server.end(&run).await;
    assert_eq!(code(own.replay(&job, &run).await), "nothing_to_replay");
    let nonesuch = NewUndo {
        file: Some("nonesuch".into()),
        restage: false,
    };
    assert_eq!(
        code(own.undo(&job, &run, &nonesuch).await),
        "file_not_found"
    );
    let preview = own.preview_undo(&job, &run, None).await.unwrap();
    assert_eq!((preview.documents, preview.relying.len()), (0, 0));
    let asked = own.undo(&job, &run, &whole).await.unwrap();
    assert_eq!(asked.undos.len(), 1);
    let again = own.undo(&job, &run, &whole).await.unwrap();
    assert_eq!(again.undos.len(), 1, "to ask twice changes nothing");
    let audit = own.audit(&PageQuery::first(1)).await.unwrap();
    assert_eq!(audit.items[0].action, "run.undo");
    server.stop().await;
}

#[tokio::test]
async fn a_report_comes_at_the_end_in_both_forms() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    let run = own.start(&job).await.unwrap().id;
    assert_eq!(code(own.report_html(&job, &run).await), "run_not_ended");
    server.end(&run).await;
    assert_eq!(code(own.report_html(&job, &run).await), "report_not_found");
    let folder = RunFolder::of(&server.home.clientapps(), &job.client, &job.job, &run);
    std::fs::create_dir_all(folder.path()).unwrap();
    std::fs::write(folder.report_html(), "<p>page").unwrap();
    std::fs::write(folder.report_json(), "{\"of\":\"json\"}").unwrap();
    assert_eq!(own.report_html(&job, &run).await.unwrap(), "<p>page");
    let path = format!("/v1/clients/acme/jobs/flights/runs/{run}/report");
    for (accept, expected) in [
        ("text/html,*/*", "text/html; charset=utf-8"),
        ("*/*", "application/json"),
    ] {
        let request = server
            .request("GET", &path, Some(&server.admin_token))
            .header("accept", accept);
        let (status, headers, _) = server.raw(request).await;
        assert_eq!(
            (status, headers["content-type"].to_str().unwrap()),
            (200, expected)
        );
        assert!(
            headers["content-security-policy"]
                .to_str()
                .unwrap()
                .contains("sandbox")
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn logs_are_read_by_their_end_and_by_ranges() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    let run = own.start(&job).await.unwrap().id;
    assert_eq!(own.logs(&job, &run, LogPart::Tail(5)).await.unwrap(), "");
    let folder = RunFolder::of(&server.home.clientapps(), &job.client, &job.job, &run);
    std::fs::create_dir_all(folder.path()).unwrap();
    std::fs::write(folder.log(), b"one\ntwo \xff\nthree\n").unwrap();
    assert_eq!(
        own.logs(&job, &run, LogPart::Tail(2)).await.unwrap(),
        "two \u{fffd}\nthree\n"
    );
    assert_eq!(
        own.logs(
            &job,
            &run,
            LogPart::Range {
                offset: 4,
                bytes: 3
            }
        )
        .await
        .unwrap(),
        "two"
    );
    assert_eq!(
        own.logs(
            &job,
            &run,
            LogPart::Range {
                offset: 400,
                bytes: 3
            }
        )
        .await
        .unwrap(),
        ""
    );
    assert_eq!(
        code(own.logs(&job, &run, LogPart::Tail(0)).await),
        "invalid_parameter"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_run_without_rejects_files_and_samples_has_empty_lists() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    let run = own.start(&job).await.unwrap().id;
    assert_eq!(
        own.rejects(&job, &run, &PageQuery::default())
            .await
            .unwrap()
            .items,
        []
    );
    assert_eq!(own.reject_causes(&job, &run, 3).await.unwrap(), []);
    assert_eq!(
        own.files(&job, &run, &PageQuery::default())
            .await
            .unwrap()
            .items,
        []
    );
    assert_eq!(own.series(&job, &run, 600).await.unwrap(), []);
    assert_eq!(
        code(own.rejects(&job, &run, &PageQuery::after("x")).await),
        "invalid_parameter"
    );
    server.stop().await;
}

#[tokio::test]
async fn events_begin_with_the_run_as_it_is_and_end_with_it() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    let run = own.start(&job).await.unwrap().id;
    let mut events = own.events(&job, &run).await.unwrap();
    let Some(Ok(RunEvent::Run(first))) = events.next().await else {
        panic!("no first event")
    };
    assert!(!first.ended);
    // the supervisor calls it off, tears down, and says so
    own.cancel(&job, &run).await.unwrap();
    let mut last = first;
    while let Some(event) = events.next().await {
        if let RunEvent::Run(run) = event.unwrap() {
            last = run;
        }
    }
    assert_eq!((last.state, last.ended), (RunState::Cancelled, true));
    // of a run that has ended there is one event
    let again: Vec<_> = own.events(&job, &run).await.unwrap().collect().await;
    assert_eq!(again.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_stream_of_events_does_not_hold_up_the_end_of_the_manager() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    let run = own.start(&job).await.unwrap().id;
    let mut events = own.events(&job, &run).await.unwrap();
    events.next().await.unwrap().unwrap();
    assert_eq!(server.stop().await.stragglers, Vec::<String>::new());
}

#[tokio::test]
async fn one_key_gives_one_run() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    let first = own.start_once(&job, "nightly 2026-11-21").await.unwrap();
    let again = own.start_once(&job, "nightly 2026-11-21").await.unwrap();
    assert_eq!(first.id, again.id);
    let at_once = (0..10).map(|_| own.start_once(&job, "at once"));
    let ids: std::collections::BTreeSet<_> = futures::future::join_all(at_once)
        .await
        .into_iter()
        .map(|run| run.unwrap().id)
        .collect();
    assert_eq!(ids.len(), 1);
    let other = own.start_once(&job, "another").await.unwrap();
    assert_ne!(other.id, first.id);
    let listed = own.runs(&job, &PageQuery::default()).await.unwrap();
    assert_eq!(listed.items.len(), 3);
    let long = "x".repeat(256);
    assert_eq!(code(own.start_once(&job, &long).await), "invalid_parameter");
    server.stop().await;
}

#[tokio::test]
async fn use_is_shown_by_day() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let client = job_ref("acme/flights").client;
    let days = |from: &str, to: &str| api::UsageQuery {
        from: Some(from.into()),
        to: Some(to.into()),
    };
    let usage = own
        .usage(&client, &api::UsageQuery::default())
        .await
        .unwrap();
    assert!(usage.days.is_empty() && usage.from < usage.to);
    let usage = own.usage(&client, &days("2026-03-01", "2026-03-01")).await;
    assert_eq!(usage.unwrap().from, "2026-03-01");
    for (from, to) in [
        ("2026-3-1", "2026-03-01"),
        ("x", "y"),
        ("2026-03-02", "2026-03-01"),
    ] {
        let refused = own.usage(&client, &days(from, to)).await;
        assert_eq!(code(refused), "invalid_parameter", "{from} {to}");
    }
    server.stop().await;
}
