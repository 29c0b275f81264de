//! Knowing before a run: what a preview tells is what the run stores; what breaks a preview breaks nothing else; a spec
//! whose tests fail is refused.

use std::collections::BTreeMap;

use api::{ConflictEffect, PreviewCheck, PreviewRequest, SpecText};
use domain::run::RunState;
use serde_json::{Value, json};

use crate::harness::{Configuration, Fate, Input, Options, Platform};

use Fate::{Filtered, Rejected, Stored};

fn spec() -> Value {
    json!({
        "mode": "batch",
        "source": { "include": ["*"] },
        "format": { "type": "csv", "columns": ["kind", "n"] },
        "wrangling": [
            { "if": "[kind] == \"none\"", "then": [{ "drop": {} }] },
            { "mutate": { "add_field": { "mark": "m-%{kind}" } } },
        ],
        "schema": { "fields": { "kind": { "type": "keyword" }, "n": { "type": "integer" } } },
        "destination": { "index": "previewed" },
        "error_budget": { "max_percent": null },
    })
}

pub async fn know_before(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let tenant = platform.tenant("previews").await;
    let job = tenant.job("rows", &spec()).await;
    let mut input = Input::new("rows.csv.gz");
    for n in 0..50 {
        input
            .record(format!("a,{n}"), Stored)
            .record("none,1", Filtered)
            .record("b,many", Rejected("schema_mismatch"));
    }
    job.stage(&input).await;
    let request = PreviewRequest {
        records: Some(1000),
        check: Some(PreviewCheck::CoreDms),
        ..PreviewRequest::default()
    };
    let preview = tenant.api().preview(&job.id, &request).await.unwrap();
    assert!(preview.complete && preview.ids_are_final, "{preview:?}");
    assert_eq!(preview.conflicts, Some(Vec::new()), "no index is there yet");
    let counts = preview.counts;
    assert_eq!(
        (
            counts.records,
            counts.documents,
            counts.rejected,
            counts.filtered
        ),
        (150, 50, 50, 50)
    );
    assert_eq!((preview.causes.len(), preview.causes[0].count), (1, 50));

    job.run_to(RunState::CompletedWithRejects).await;
    let stored = platform
        .dms()
        .documents(&job.index, &input.key(&job.id), true)
        .await;
    let bare = |document: &Value| {
        let mut document = document.clone();
        let members = document.as_object_mut().unwrap();
        // the run, its revision and its clock are another's
        members.remove("@timestamp");
        members.remove("provenance");
        document
    };
    let documents = preview.records.iter().flat_map(|record| &record.documents);
    let told: BTreeMap<String, Value> = documents
        .map(|document| (document.id.clone(), bare(&document.document)))
        .collect();
    let stored: BTreeMap<String, Value> = stored
        .iter()
        .map(|(id, document)| (id.clone(), bare(document)))
        .collect();
    assert_eq!(told, stored);

    let mut other = spec();
    other["schema"]["fields"]["n"]["type"] = json!("keyword");
    let mut more = Input::new("more.csv");
    more.record("a,many", Stored).record("b,3", Stored);
    job.stage(&more).await;
    let request = PreviewRequest {
        spec: Some(other),
        staged: Some("more.csv".into()),
        ..request
    };
    let preview = tenant.api().preview(&job.id, &request).await.unwrap();
    let conflicts = preview.conflicts.unwrap();
    assert_eq!(conflicts.len(), 1, "{conflicts:?}");
    assert_eq!(
        (
            conflicts[0].field.as_str(),
            conflicts[0].there.as_str(),
            conflicts[0].effect,
            conflicts[0].documents
        ),
        ("n", "integer", ConflictEffect::Refused, 1)
    );

    let mut hungry = spec();
    hungry["wrangling"] = json!(
        (0..40)
            .map(|_| json!({ "mutate": { "replace": { "kind": "%{kind}%{kind}" } } }))
            .collect::<Vec<_>>()
    );
    let request = PreviewRequest {
        spec: Some(hungry),
        staged: Some("more.csv".into()),
        ..PreviewRequest::default()
    };
    let refused = tenant.api().preview(&job.id, &request).await.unwrap_err();
    let problem = refused.problem().unwrap();
    assert_eq!(problem.code, "preview_broke", "{problem:?}");
    assert!(problem.detail.contains("memory"), "{problem:?}");
    platform.admin().healthy().await.unwrap();

    let mut tested = spec();
    tested["tests"] = json!([{
        "name": "marks", "records": ["a,1", "none,2", "b,x"],
        "expect": {
            "documents": [{ "mark": "m-b", "n": 1 }], "filtered": 1,
            "rejects": [{ "code": "schema_mismatch", "field": "n" }],
        },
    }]);
    let put = |spec: Value| {
        let api = tenant.api();
        let job = job.id.clone();
        async move { api.put_job(&job, SpecText::Json(&spec.to_string())).await }
    };
    let refused = put(tested.clone()).await.unwrap_err();
    let violations = &refused.problem().unwrap().violations;
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert_eq!(violations[0].pointer, "/tests/0/expect/documents/0/mark");
    assert!(violations[0].message.contains(r#""m-a""#), "{violations:?}");
    tested["tests"][0]["expect"]["documents"][0]["mark"] = json!("m-a");
    put(tested).await.unwrap();
    let report = tenant.api().test_job(&job.id, None).await.unwrap();
    assert!(report.passed && report.tests.len() == 1, "{report:?}");
    platform.end().await;
}
