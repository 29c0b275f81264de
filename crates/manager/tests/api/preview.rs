//! Previews: what the pipeline makes of samples, and what is refused.

use api::{ConflictEffect, PreviewCheck, PreviewRequest, SampleContent, SpecText};
use domain::reject::RawEncoding;
use serde_json::json;

use crate::support::{Server, code, job_ref};

fn content(content: &str) -> Option<SampleContent> {
    Some(SampleContent {
        name: "a.csv".into(),
        content: content.into(),
        encoding: RawEncoding::Utf8,
        cut: false,
    })
}

#[tokio::test]
async fn a_sample_of_the_request_is_carried_through_a_spec_that_is_not_stored() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    let request = PreviewRequest {
        spec: Some(json!({
            "mode": "batch", "format": { "type": "csv" }, "destination": { "index": "flights" },
            "schema": { "fields": { "n": { "type": "keyword" } } },
        })),
        sample: content("n\n1\nmany\n"),
        check: Some(PreviewCheck::CoreDms),
        ..PreviewRequest::default()
    };
    let preview = own.preview(&job, &request).await.unwrap();
    assert!(preview.complete && preview.ids_are_final);
    assert_eq!((preview.counts.records, preview.counts.documents), (2, 2));
    let document = &preview.records[0].documents[0];
    assert_eq!(document.index, "acme.flights");
    assert_eq!(document.document["provenance"]["job"], "flights");
    let template = preview.index_template.unwrap();
    assert_eq!(template["index_patterns"][0], "acme.flights");
    let conflicts = preview.conflicts.unwrap();
    assert_eq!(conflicts.len(), 1, "{conflicts:?}");
    assert_eq!(
        (conflicts[0].effect, conflicts[0].documents),
        (ConflictEffect::Refused, 1)
    );
    assert_eq!(
        server
            .metadata
            .job(&job)
            .await
            .unwrap()
            .unwrap()
            .value
            .revision,
        1
    );
    let left = std::fs::read_dir(server.home.previews()).unwrap().count();
    assert_eq!(left, 0, "the folder goes with the preview");
    server.stop().await;
}

#[tokio::test]
async fn staged_files_are_previewed_and_what_is_not_there_is_refused() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    let nothing = own.preview(&job, &PreviewRequest::default()).await;
    assert_eq!(code(nothing), "file_not_found");
    let body = futures::stream::iter([Ok(bytes::Bytes::from_static(b"xxxxx"))]);
    own.stage(&job, "a.csv", body, None, None).await.unwrap();
    let preview = own.preview(&job, &PreviewRequest::default()).await.unwrap();
    assert_eq!(
        (preview.file.as_str(), preview.counts.records),
        ("a.csv", 0)
    );
    let of = async |request: PreviewRequest| own.preview(&job, &request).await;
    let cases = [
        (
            PreviewRequest {
                records: Some(0),
                ..Default::default()
            },
            "invalid_parameter",
        ),
        (
            PreviewRequest {
                records: Some(1001),
                ..Default::default()
            },
            "invalid_parameter",
        ),
        (
            PreviewRequest {
                staged: Some("b.csv".into()),
                ..Default::default()
            },
            "file_not_found",
        ),
        (
            PreviewRequest {
                staged: Some("a".into()),
                sample: content(""),
                ..Default::default()
            },
            "invalid_parameter",
        ),
        (
            PreviewRequest {
                spec: Some(json!({})),
                ..Default::default()
            },
            "invalid_spec",
        ),
        (
            PreviewRequest {
                sample: content(&"x".repeat(600 << 10)),
                ..Default::default()
            },
            "body_too_large",
        ),
    ];
    for (request, expected) in cases {
        let what = format!("{:?}", request.staged);
        assert_eq!(code(of(request).await), expected, "{what}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_spec_whose_tests_fail_is_refused_where_it_is_put_and_where_it_is_validated() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    let spec = |delay: &str| {
        json!({
            "mode": "batch", "format": { "type": "csv" }, "destination": { "index": "flights" },
            "tests": [
                { "name": "good", "input": "n\n1\n", "expect": { "documents": [{ "n": "1" }], "exact": false } },
                { "name": "late", "records": ["n", "1", "2"], "expect": { "documents": [{ "n": "1" }, { "n": delay }] } },
            ],
        })
        .to_string()
    };
    let bad = spec("3");
    let refused = own.put_job(&job, SpecText::Json(&bad)).await.unwrap_err();
    let problem = refused.problem().unwrap();
    assert_eq!(problem.code, "invalid_spec");
    let violation = &problem.violations[0];
    assert_eq!(violation.pointer, "/tests/1/expect/documents/1/n");
    assert_eq!(violation.message, "the test expects \"3\", and got \"2\"");
    let validation = own
        .validate(&job, Some(SpecText::Json(&bad)))
        .await
        .unwrap();
    assert!(!validation.valid && validation.violations == problem.violations);
    let report = own
        .test_job(&job, Some(SpecText::Json(&bad)))
        .await
        .unwrap();
    let passed: Vec<_> = report.tests.iter().map(|test| test.passed).collect();
    assert_eq!((report.passed, passed), (false, vec![true, false]));
    own.put_job(&job, SpecText::Json(&spec("2"))).await.unwrap();
    assert!(own.test_job(&job, None).await.unwrap().passed);
    server.stop().await;
}
