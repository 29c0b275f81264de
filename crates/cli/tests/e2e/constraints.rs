//! The operator's plans are held to, and clients are strangers to each other.

use std::fs;

use api::{ClientError, Code, client::SpecText};
use domain::{client::Waiting, run::RunState, staging::StagedState};
use serde_json::json;
use testkit::proxy::faults;

use crate::{
    harness::{Configuration, Options, Platform, checksum},
    steering::{input, lines, slow},
};

/// A refusal by the plan names the constraint, what it allows, and what was asked for.
fn assert_refused(error: &ClientError, constraint: &str, limit: &str, actual: &str) {
    let problem = error.problem().unwrap_or_else(|| panic!("{error}"));
    assert_eq!(
        (problem.code.as_str(), problem.status),
        (Code::RefusedByPlan.as_str(), 403)
    );
    let found: Vec<_> = problem
        .refusals
        .iter()
        .map(|r| (r.constraint.as_str(), r.limit.as_str(), r.actual.as_str()))
        .collect();
    assert_eq!(found, [(constraint, limit, actual)]);
}

/// Every constraint of a plan refuses what goes beyond it.
pub async fn plans(configuration: Configuration) {
    let small = "[plans.small]\nmax_jobs = 2\nmax_concurrent_runs = 1\nmax_file_bytes = \"16MiB\"\n\
                 max_staging_bytes = \"24MiB\"\nformats = [\"lines\"]\nmemory_per_run = \"256MiB\"\n";
    let platform = Platform::start(
        configuration,
        Options {
            dms_proxy: true,
            store_proxy: false,
            config: small,
        },
    )
    .await;
    let tenant = platform.tenant_on("small", Some("small")).await;
    let job = tenant.job("one", &lines()).await;
    let other = tenant.job("two", &lines()).await;

    let put = async |name: &str, spec: serde_json::Value| {
        tenant
            .api()
            .put_job(&tenant.named(name), SpecText::Json(&spec.to_string()))
            .await
    };
    assert_refused(
        &put("three", lines()).await.unwrap_err(),
        "max_jobs",
        "2",
        "3",
    );
    let mut csv = lines();
    csv["format"] = json!({ "type": "csv" });
    assert_refused(
        &put("one", csv).await.unwrap_err(),
        "formats",
        "lines",
        "csv",
    );
    let mut greedy = lines();
    greedy["limits"] = json!({ "memory": "512MiB" });
    assert_refused(
        &put("one", greedy).await.unwrap_err(),
        "memory_per_run",
        "256.0 MiB",
        "512.0 MiB",
    );

    let large = vec![b'x'; (16 << 20) + 1];
    let refused = job
        .stage_bytes("large.log", large.clone(), &checksum(&large))
        .await
        .unwrap_err();
    let problem = refused.problem().unwrap();
    assert_eq!(
        (
            problem.refusals[0].constraint.as_str(),
            problem.refusals[0].limit.as_str()
        ),
        ("max_file_bytes", "16.0 MiB")
    );
    let half = vec![b'x'; 16 << 20];
    job.stage_bytes("half.log", half.clone(), &checksum(&half))
        .await
        .unwrap();
    let refused = other
        .stage_bytes("more.log", half.clone(), &checksum(&half))
        .await
        .unwrap_err();
    assert_eq!(
        refused.problem().unwrap().refusals[0].constraint,
        "max_staging_bytes"
    );
    assert!(other.staged().await.is_empty());
    job.api().unstage(&job.id, "half.log").await.unwrap();

    // what is dropped by hand cannot be refused: it stays where it is, and says why
    fs::write(job.staging().join("dropped.log"), &large).unwrap();
    let staged = job.staged().await;
    let StagedState::Unclaimed { code, reason } = &staged[0].state else {
        panic!("{staged:?}")
    };
    assert_eq!(code, "max_file_bytes");
    assert!(reason.contains("16.0 MiB"), "{reason}");
    job.stage(&input("a.log", 20_000)).await;
    other.stage(&input("b.log", 1000)).await;

    platform.dms_proxy().set_schedule(slow(300));
    let first = job.start().await;
    job.until_accounted(&first, 1).await;
    let second = other.start().await;
    let waits = other
        .until("it waits for a slot", &second, |now| now.waiting.is_some())
        .await;
    assert_eq!(
        (waits.state, waits.waiting),
        (RunState::Queued, Some(Waiting::SlotsUsed { limit: 1 }))
    );
    // another client's run is not held up by it
    let stranger = platform.tenant("stranger").await;
    let theirs = stranger.job("lines", &lines()).await;
    theirs.stage(&input("c.log", 10)).await;
    let end = theirs.run_to(RunState::Completed).await;
    assert!(!job.run(&first).await.ended, "{end:#?}");
    platform.dms_proxy().set_schedule(faults::none());
    let (end, next) = (
        job.ends(&first, RunState::Completed).await,
        other.ends(&second, RunState::Completed).await,
    );
    assert_eq!((end.ledger.created, next.ledger.created), (20_000, 1000));
    assert!(next.claimed_ms.unwrap() >= end.history.last().unwrap().at_ms - 1000);
    assert!(job.names_in("").contains(&"dropped.log".to_owned()));
    platform.end().await;
}

/// A client sees and touches only its own; what others have looks as if it were not there.
pub async fn isolation(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let (alice, bob) = (platform.tenant("alice").await, platform.tenant("bob").await);
    let job = alice.job("secret", &lines()).await;
    job.stage(&input("a.log", 10)).await;
    let run = job.run_to(RunState::Completed).await;
    job.stage(&input("b.log", 10)).await;

    let api = bob.api();
    let page = api::PageQuery::default();
    let answers: Vec<(&str, Option<ClientError>)> = vec![
        ("client", api.client(&alice.id).await.err()),
        ("tokens", api.tokens(&alice.id, &page).await.err()),
        (
            "new token",
            api.create_token(&alice.id, &api::NewToken::default())
                .await
                .err(),
        ),
        ("jobs", api.jobs(&alice.id, &page).await.err()),
        ("job", api.job(&job.id).await.err()),
        (
            "put",
            api.put_job(&job.id, SpecText::Json(&lines().to_string()))
                .await
                .err(),
        ),
        ("delete", api.delete_job(&job.id).await.err()),
        ("start", api.start(&job.id).await.err()),
        ("staging", api.staged(&job.id, &page).await.err()),
        ("unstage", api.unstage(&job.id, "b.log").await.err()),
        ("runs", api.runs(&job.id, &page).await.err()),
        ("run", api.run(&job.id, &run.id).await.err()),
        ("files", api.files(&job.id, &run.id, &page).await.err()),
        ("rejects", api.rejects(&job.id, &run.id, &page).await.err()),
        ("report", api.report(&job.id, &run.id).await.err()),
        (
            "logs",
            api.logs(&job.id, &run.id, api::client::LogPart::Tail(1))
                .await
                .err(),
        ),
        ("cancel", api.cancel(&job.id, &run.id).await.err()),
        ("search", api.search(&job.id, &json!({})).await.err()),
    ];
    for (what, error) in answers {
        let error = error.unwrap_or_else(|| panic!("{what} is allowed"));
        let problem = error.problem().unwrap_or_else(|| panic!("{what}: {error}"));
        assert_eq!(
            (problem.status, problem.code.as_str()),
            (404, "client_not_found"),
            "{what}: {problem:?}"
        );
    }
    assert_eq!(job.staged().await.len(), 1);
    // a run of one client is not to be had under a name of another either
    let own = bob.job("secret", &lines()).await;
    let error = own.api().run(&own.id, &run.id).await.unwrap_err();
    assert!(error.is(Code::RunNotFound), "{error}");
    let found = own
        .api()
        .search(&own.id, &json!({ "query": { "match_all": {} } }))
        .await;
    assert!(found.is_ok_and(|answer| answer["hits"]["total"]["value"] == 0));
    let forbidden = api.clients(&page).await.unwrap_err();
    assert!(forbidden.is(Code::Forbidden), "{forbidden}");
    let unauthenticated = platform.api(None).job(&job.id).await.unwrap_err();
    assert!(
        unauthenticated.is(Code::Unauthenticated),
        "{unauthenticated}"
    );
    platform.end().await;
}

/// An upload that is not what it says it is leaves nothing behind; one of a taken name replaces nothing.
pub async fn uploads(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let tenant = platform.tenant("upload").await;
    let job = tenant.job("lines", &lines()).await;
    let wrong = job
        .stage_bytes(
            "a.log",
            b"something\n".to_vec(),
            &checksum(b"something else"),
        )
        .await
        .unwrap_err();
    assert!(wrong.is(Code::ChecksumMismatch), "{wrong}");
    assert!(job.staged().await.is_empty());
    assert_eq!(job.names_in(".incoming"), Vec::<String>::new());

    let broken = futures::stream::iter([
        Ok(bytes::Bytes::from_static(b"half")),
        Err(std::io::Error::other("gone")),
    ]);
    job.api()
        .stage(&job.id, "b.log", broken, Some(1000), None)
        .await
        .unwrap_err();
    testkit::wait_until(
        "nothing of the broken upload is left",
        crate::harness::PATIENCE,
        async || job.names_in(".incoming").is_empty(),
    )
    .await;
    assert!(job.staged().await.is_empty());

    for name in ["../a.log", "a/b.log", ".hidden", "a\u{7}b", "..", ""] {
        let refused = job
            .stage_bytes(name, b"x\n".to_vec(), &checksum(b"x\n"))
            .await
            .unwrap_err();
        assert!(
            (400..500).contains(&refused.problem().unwrap().status),
            "{name:?}: {refused}"
        );
    }
    let put = async |bytes: &[u8]| {
        job.stage_bytes("c.log", bytes.to_vec(), &checksum(bytes))
            .await
    };
    put(b"first\n").await.unwrap();
    put(b"first\n").await.unwrap();
    put(b"second\n").await.unwrap_err();
    assert_eq!(fs::read(job.staging().join("c.log")).unwrap(), b"first\n");
    assert_eq!(job.run_to(RunState::Completed).await.ledger.created, 1);
    platform.end().await;
}

/// Everything that is wrong with a spec is said at once, and nothing of it is stored.
pub async fn specs(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let tenant = platform.tenant("specs").await;
    let spec = json!({
        "mode": "batch", "colour": "red",
        "format": { "type": "csv", "delimiter": "::" },
        "wrangling": [{ "telepathy": {} }],
        "destination": { "index": "No Such Name" },
    });
    let id = tenant.named("broken");
    let refused = tenant
        .api()
        .put_job(&id, SpecText::Json(&spec.to_string()))
        .await
        .unwrap_err();
    let problem = refused.problem().unwrap();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (422, "invalid_spec")
    );
    let pointers: Vec<&str> = problem
        .violations
        .iter()
        .map(|violation| violation.pointer.as_str())
        .collect();
    for pointer in ["/colour", "/format/delimiter", "/wrangling/0"] {
        assert!(
            pointers.iter().any(|found| found.starts_with(pointer)),
            "{pointer} in {pointers:?}"
        );
    }
    let malformed = tenant
        .api()
        .put_job(&id, SpecText::Yaml("mode: ["))
        .await
        .unwrap_err();
    assert!(malformed.is(Code::MalformedBody), "{malformed}");
    assert!(
        tenant
            .api()
            .job(&id)
            .await
            .unwrap_err()
            .is(Code::JobNotFound)
    );
    assert!(
        tenant
            .api()
            .start(&id)
            .await
            .unwrap_err()
            .is(Code::JobNotFound)
    );
    platform.end().await;
}
