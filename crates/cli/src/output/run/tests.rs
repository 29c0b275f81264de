use super::*;

use serde_json::{Value, json};

const NOW: i64 = 1_700_000_010_000;

/// A run as the API sends it, with some of it changed.
pub(crate) fn run(changes: Value) -> RunInfo {
    let mut value = json!({
        "id": "01jd0000000000000000000000", "client": "acme", "job": "flights",
        "revision": 2, "spec_digest": "ab", "engine": "native", "started_by": { "kind": "anonymous" },
        "state": "running", "ended": false, "desired": "run", "waiting": null,
        "created_ms": 1_700_000_000_000_i64, "claimed_ms": null, "running_ms": null, "finished_ms": null,
        "files_total": 2, "bytes_total": 3_145_728, "attempts": 1, "last_loss": null,
        "ledger": { "read": 27004, "added": 0, "filtered": 0, "rejected": 0, "created": 27004, "duplicate": 0, "bytes": 1 },
        "balanced": true, "indices": ["acme.flights"], "stalled": null, "outcome": null, "sample": null, "history": [],
    });
    for (name, change) in changes.as_object().unwrap() {
        value[name] = change.clone();
    }
    serde_json::from_value(value).unwrap()
}

pub(crate) fn sample() -> Value {
    json!({
        "at_ms": NOW, "ledger": { "read": 27004, "added": 0, "filtered": 0, "rejected": 0, "created": 27004, "duplicate": 0, "bytes": 1 },
        "bytes_read": 1_048_576, "bytes_total": 3_145_728, "records_per_s": 512_345.4, "bytes_per_s": 1_048_576.0,
        "sink": { "in_flight": 2, "in_flight_bytes": 1, "concurrency": 4, "latency_p50_ms": 3.0, "latency_p99_ms": 12.4,
                  "requests": 5, "retries": 0, "pushed_back": 0, "last_error": null },
        "bottleneck": "send", "stages": { "read_ms": 1.0, "wrangle_ms": 1.0, "send_ms": 1.0, "blocked_ms": 1.0 },
        "rss_bytes": 44_040_192, "cpu_ms": 1500, "dms": "green", "percent": 33.3, "eta_ms": 4200,
    })
}

fn reject() -> Value {
    json!({
        "file_index": 0, "file": "a.csv", "file_key": "0123456789abcdef01234567", "line": 1204, "position": 55_000, "ordinal": 0,
        "code": "schema_mismatch", "step": "schema", "field": "amount", "message": "\"a lot\" is no integer",
        "raw": "7,a lot\nx", "raw_encoding": "utf8", "raw_bytes": 9,
    })
}

fn cause() -> RejectCause {
    serde_json::from_value(json!({ "code": "schema_mismatch", "step": "schema", "field": "amount", "count": 12, "sample": reject() })).unwrap()
}

fn file(name: &str, state: Value, counted: Value) -> FileRecord {
    serde_json::from_value(json!({
        "run": "01jd0000000000000000000000", "index": 0, "name": name, "bytes": 1_048_576, "sha256": "ab", "compression": "none",
        "file_key": "0123456789abcdef01234567", "claimed_as": "0", "state": state, "counted": counted,
        "ledger": { "read": 1204, "added": 0, "filtered": 4, "rejected": 0, "created": 1200, "duplicate": 0, "bytes": 1 },
    }))
    .unwrap()
}

#[test]
fn a_completed_run() {
    let run = run(
        json!({ "state": "completed", "ended": true, "finished_ms": 1_700_000_001_500_i64, "outcome": { "kind": "completed" } }),
    );
    let files = vec![file("a.csv", json!({ "kind": "read" }), json!(1200))];
    let findings = Findings {
        report: Some("/home/report.html".into()),
        files,
        ..Findings::default()
    };
    insta::assert_snapshot!(show(&run, &findings, NOW, &View::plain()));
}

#[test]
fn a_failed_run_with_rejects() {
    let failure = json!({ "code": "error_budget_exceeded", "culprit": "client", "retryable": false,
        "message": "12 of 100 records were rejected; the error budget allows 3", "next_step": "mend the spec and run again" });
    let run = run(json!({
        "state": "failed", "ended": true, "finished_ms": 1_700_000_065_000_i64, "attempts": 2,
        "ledger": { "read": 100, "added": 0, "filtered": 0, "rejected": 12, "created": 88, "duplicate": 0, "bytes": 1 },
        "outcome": { "kind": "failed", "failure": failure },
    }));
    let findings = Findings {
        proven: Some(true),
        causes: vec![cause()],
        ..Findings::default()
    };
    insta::assert_snapshot!(show(&run, &findings, NOW, &View::plain()));
}

#[test]
fn runs_under_way_say_what_they_do_and_what_holds_them_up() {
    let stalled = json!({ "since_ms": NOW, "stage": "send", "reason": "connection refused" });
    let lines = [
        live(&run(json!({ "sample": sample() }))),
        live(&run(json!({ "sample": sample(), "stalled": stalled }))),
        live(&run(
            json!({ "state": "queued", "waiting": { "kind": "slots_used", "limit": 1 }, "ledger": domain::ledger::Ledger::default() }),
        )),
        live(&run(
            json!({ "state": "completed_with_rejects", "ended": true, "sample": sample() }),
        )),
    ];
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_run_that_is_to_be_paused_says_so() {
    let run = run(json!({ "desired": "pause", "waiting": { "kind": "held" } }));
    let text = show(&run, &Findings::default(), NOW, &View::plain());
    assert!(
        text.contains("running, to be paused") && text.contains("waits: it is held"),
        "{text}"
    );
}

#[test]
fn lists_of_runs_files_rejects_and_samples() {
    let failure = json!({ "code": "truncated", "culprit": "client", "retryable": false, "message": "the gzip data ends early", "next_step": "" });
    let records = [
        file("a.csv", json!({ "kind": "read" }), json!(1200)),
        file("b.csv", json!({ "kind": "read" }), json!(1199)),
        file(
            "c.csv.gz",
            json!({ "kind": "quarantined", "failure": failure }),
            Value::Null,
        ),
    ];
    let view = View::plain();
    let text = [
        list(&[run(json!({}))], NOW, &view),
        files(&records, &view),
        rejects(&[serde_json::from_value(reject()).unwrap()], &view),
        causes(&[cause()], &view),
        series(&[serde_json::from_value(sample()).unwrap()], &view),
    ];
    insta::assert_snapshot!(text.join("\n\n"));
}

#[test]
fn a_report_accounts_for_every_file() {
    let ledger = json!({ "read": 10, "added": 0, "filtered": 0, "rejected": 0, "created": 7, "duplicate": 3, "bytes": 1 });
    let failure = json!({ "code": "sums_differ", "culprit": "core_dms", "retryable": false,
        "message": "1 file(s) differ", "next_step": "run again" });
    let report = serde_json::from_value(json!({
        "client": "acme", "job": "flights", "run": "01jd0000000000000000000000", "revision": 2, "spec_digest": "ab",
        "state": "suspect", "outcome": { "kind": "suspect", "failure": failure },
        "created_ms": NOW, "claimed_ms": NOW, "finished_ms": NOW + 1500, "running_for_ms": 1000, "attempts": 1,
        "ledger": ledger, "proven": false, "dms": "Elasticsearch 8.19.8", "indices": ["acme.flights"], "limits_by": "cgroup",
        "files": [{ "name": "a.csv", "file_key": "0123456789abcdef01234567", "bytes": 512, "sha256": "ab",
            "state": { "kind": "read" }, "ledger": ledger, "counted": 6, "proven": false, "missing_positions": [128] }],
        "duplicates": [{ "run": "01jc0000000000000000000000", "revision": 1, "count": 3 }],
        "rejects": [], "series": [], "history": [{ "at_ms": NOW, "to": "queued", "event": "requested" }],
    }))
    .unwrap();
    insta::assert_snapshot!(super::report(&report, &View::plain()));
}
