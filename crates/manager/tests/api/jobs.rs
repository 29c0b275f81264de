//! Specs, revisions, validation, constraints of the plan, search.

use api::{ClientPatch, PageQuery, PutOutcome, SpecText};
use serde_json::{Value, json};

use crate::support::{SPEC, Server, client_id, code, job_ref};

fn spec(changes: &Value) -> String {
    let mut spec: Value = serde_json::from_str(SPEC).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        spec[name] = value.clone();
    }
    spec.to_string()
}

#[tokio::test]
async fn putting_the_same_spec_again_makes_no_revision() {
    let server = Server::start().await;
    let own = server.bearing(&server.register("acme").await);
    let job = job_ref("acme/flights");
    let put = own.put_job(&job, SpecText::Json(SPEC)).await.unwrap();
    assert_eq!(
        (put.outcome, put.job.summary.revision),
        (PutOutcome::Created, 1)
    );
    assert_eq!(put.job.index, "acme.flights");
    let yaml = "mode: batch\nformat: { type: csv }\ndestination: { index: flights }\n";
    let same = own.put_job(&job, SpecText::Yaml(yaml)).await.unwrap();
    assert_eq!(
        (same.outcome, same.job.summary.revision),
        (PutOutcome::Unchanged, 1)
    );
    let other = spec(&json!({ "format": { "type": "ndjson" } }));
    let revised = own.put_job(&job, SpecText::Json(&other)).await.unwrap();
    assert_eq!(
        (revised.outcome, revised.job.summary.revision),
        (PutOutcome::Revised, 2)
    );
    let back = own.put_job(&job, SpecText::Json(SPEC)).await.unwrap();
    assert_eq!(
        (back.outcome, back.job.summary.revision),
        (PutOutcome::Revised, 3)
    );
    let listed = own.revisions(&job, &PageQuery::first(2)).await.unwrap();
    assert_eq!(
        listed
            .items
            .iter()
            .map(|revision| revision.number)
            .collect::<Vec<_>>(),
        [3, 2]
    );
    let rest = own
        .revisions(&job, &PageQuery::after(listed.next.unwrap()))
        .await
        .unwrap();
    assert_eq!(
        rest.items
            .iter()
            .map(|revision| revision.number)
            .collect::<Vec<_>>(),
        [1]
    );
    assert_eq!(
        own.revision(&job, 1).await.unwrap().spec,
        own.revision(&job, 3).await.unwrap().spec
    );
    assert_ne!(
        own.revision(&job, 1).await.unwrap().spec,
        own.revision(&job, 2).await.unwrap().spec
    );
    assert_eq!(code(own.revision(&job, 4).await), "revision_not_found");
    server.stop().await;
}

#[tokio::test]
async fn jobs_are_listed_page_by_page() {
    let server = Server::start().await;
    let own = server.bearing(&server.register("acme").await);
    for name in ["acme/c", "acme/a", "acme/b"] {
        own.put_job(&job_ref(name), SpecText::Json(SPEC))
            .await
            .unwrap();
    }
    let acme = client_id("acme");
    let first = own.jobs(&acme, &PageQuery::first(2)).await.unwrap();
    assert_eq!(
        first
            .items
            .iter()
            .map(|job| job.id.as_str())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );
    let rest = own
        .jobs(&acme, &PageQuery::after(first.next.unwrap()))
        .await
        .unwrap();
    assert_eq!((rest.items[0].id.as_str(), rest.next), ("c", None));
    for bad in ["0", "1001"] {
        let (status, _, body) = server
            .raw(server.request(
                "GET",
                &format!("/v1/clients/acme/jobs?limit={bad}"),
                Some(&server.admin_token),
            ))
            .await;
        assert_eq!(
            (status, body["code"].as_str()),
            (400, Some("invalid_parameter"))
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn everything_wrong_with_a_spec_is_said_at_once() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    let bad = spec(
        &json!({ "format": { "type": "csv", "delimiter": "ab" }, "colour": "red", "error_budget": { "max_percent": 200 } }),
    );
    let refused = own.put_job(&job, SpecText::Json(&bad)).await.unwrap_err();
    let problem = refused.problem().unwrap();
    assert_eq!(problem.code, "invalid_spec");
    let pointers: Vec<_> = problem
        .violations
        .iter()
        .map(|violation| violation.pointer.as_str())
        .collect();
    assert!(
        pointers.contains(&"/colour") && pointers.contains(&"/format/delimiter"),
        "{pointers:?}"
    );
    let validation = own
        .validate(&job, Some(SpecText::Json(&bad)))
        .await
        .unwrap();
    assert!(!validation.valid);
    assert_eq!(validation.violations, problem.violations);
    let stored = own.validate(&job, None).await.unwrap();
    assert!(stored.valid && stored.spec.is_some());
    let template = stored.index_template.unwrap();
    assert_eq!(template["index_patterns"], json!(["acme.flights"]));
    assert_eq!(
        template["template"]["mappings"]["properties"]["provenance"]["properties"]["run"]["type"],
        "keyword"
    );
    server.stop().await;
}

#[tokio::test]
async fn the_plan_bounds_jobs_and_what_they_ask_for() {
    let server = Server::with("[plans.default]\nmax_jobs = 1\nformats = [\"csv\"]\nmemory_per_run = \"128MiB\"\n[plans.tiny]\nformats = []").await;
    let own = server.with_job("acme/flights").await;
    let refused = own
        .put_job(&job_ref("acme/second"), SpecText::Json(SPEC))
        .await
        .unwrap_err();
    let problem = refused.problem().unwrap();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (403, "refused_by_plan")
    );
    assert_eq!(
        (
            problem.refusals[0].constraint.as_str(),
            problem.refusals[0].limit.as_str(),
            problem.refusals[0].actual.as_str()
        ),
        ("max_jobs", "1", "2")
    );
    let greedy = spec(&json!({ "format": { "type": "lines" }, "limits": { "memory": "1GiB" } }));
    let refused = own
        .put_job(&job_ref("acme/flights"), SpecText::Json(&greedy))
        .await
        .unwrap_err();
    let named: Vec<_> = refused
        .problem()
        .unwrap()
        .refusals
        .iter()
        .map(|refusal| refusal.constraint.as_str())
        .collect();
    assert_eq!(named, ["formats", "memory_per_run"]);
    assert!(
        !own.validate(&job_ref("acme/flights"), Some(SpecText::Json(&greedy)))
            .await
            .unwrap()
            .valid
    );
    // a plan that was changed since binds the next start
    let tiny = ClientPatch {
        plan: Some("tiny".into()),
        ..ClientPatch::default()
    };
    server
        .admin
        .update_client(&client_id("acme"), &tiny)
        .await
        .unwrap();
    assert_eq!(
        code(own.start(&job_ref("acme/flights")).await),
        "refused_by_plan"
    );
    server.stop().await;
}

#[tokio::test]
async fn many_at_once_do_not_get_more_jobs_than_the_plan_allows() {
    let server = Server::with("[plans.default]\nmax_jobs = 3").await;
    let own = server.bearing(&server.register("acme").await);
    let puts = (0..12).map(|i| {
        let own = own.clone();
        async move {
            own.put_job(&job_ref(&format!("acme/job-{i}")), SpecText::Json(SPEC))
                .await
                .is_ok()
        }
    });
    let made = futures::future::join_all(puts)
        .await
        .into_iter()
        .filter(|&made| made)
        .count();
    let listed = own
        .jobs(&client_id("acme"), &PageQuery::default())
        .await
        .unwrap()
        .items
        .len();
    assert!(made <= 3 && listed == made, "{made} made, {listed} there");
    server.stop().await;
}

#[tokio::test]
async fn a_removed_job_leaves_nothing_to_its_successor() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    let other = spec(&json!({ "format": { "type": "ndjson" } }));
    own.put_job(&job, SpecText::Json(&other)).await.unwrap();
    let run = own.start(&job).await.unwrap();
    assert_eq!(code(own.delete_job(&job).await), "runs_under_way");
    server.end(&run.id).await;
    own.delete_job(&job).await.unwrap();
    assert_eq!(code(own.job(&job).await), "job_not_found");
    assert_eq!(code(own.delete_job(&job).await), "job_not_found");
    own.put_job(&job, SpecText::Json(SPEC)).await.unwrap();
    assert_eq!(
        own.revisions(&job, &PageQuery::default())
            .await
            .unwrap()
            .items
            .len(),
        1
    );
    assert_eq!(
        own.runs(&job, &PageQuery::default())
            .await
            .unwrap()
            .items
            .len(),
        0
    );
    server.stop().await;
}

#[tokio::test]
async fn a_search_reaches_the_jobs_own_documents_only() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    let query = json!({ "match": { "carrier": "UA" } });
    let answer = own
        .search(&job, &json!({ "size": 0, "query": query }))
        .await
        .unwrap();
    // another job of the client may write to the same index
    let narrowed = json!({ "bool": { "must": [query],
        "filter": [{ "term": { "provenance.job": { "value": "flights" } } }] } });
    assert_eq!(
        answer,
        json!({ "asked": "acme.flights", "body": { "size": 0, "query": narrowed } })
    );
    assert_eq!(
        code(own.search(&job, &json!({ "pit": { "id": "x" } })).await),
        "query_refused"
    );
    *server.dms.down.lock().unwrap() = true;
    assert_eq!(
        code(own.search(&job, &json!({})).await),
        "core_dms_unavailable"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_job_says_when_it_starts_next() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    assert_eq!(own.job(&job).await.unwrap().start, None);
    let put = async |start: &str| {
        let spec = format!(
            r#"{{"mode":"batch","format":{{"type":"lines"}},"destination":{{"index":"x"}},"start":{start}}}"#
        );
        own.put_job(&job, SpecText::Json(&spec)).await
    };
    let start = r#"{"on":"schedule","cron":"0 6 * * *","time_zone":"Europe/Vienna"}"#;
    let outlook = put(start).await.unwrap().job.start.unwrap();
    let next = outlook.next_start_ms.unwrap();
    assert_eq!(next % 3_600_000, 0);
    let start = r#"{"on":"schedule","cron":"0 6 * * *","enabled":false}"#;
    let outlook = put(start).await.unwrap().job.start.unwrap();
    assert_eq!((outlook.enabled, outlook.next_start_ms), (false, None));
    for (start, pointer) in [
        (r#"{"on":"schedule"}"#, "/start/cron"),
        (r#"{"on":"schedule","cron":"0 6 * *"}"#, "/start/cron"),
        (r#"{"on":"arrival","cron":"0 6 * * *"}"#, "/start/cron"),
        (
            r#"{"on":"arrival","stable_for":"30s"}"#,
            "/start/stable_for",
        ),
        (
            r#"{"on":"arrival","scan_every":"1ms"}"#,
            "/start/scan_every",
        ),
        (r#"{"on":"full moon"}"#, "/start/on"),
        (r#"{"at":"noon"}"#, "/start/at"),
    ] {
        let refused = put(start).await.unwrap_err();
        let violations = &refused.problem().unwrap().violations;
        assert_eq!(violations[0].pointer, pointer, "{start}: {violations:?}");
    }
    server.stop().await;
}
