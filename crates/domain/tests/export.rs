//! Job specs as Logstash configurations, and back.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

use domain::export::{Export, export};
use domain::finding::Severity;
use domain::import::import;
use domain::spec;
use serde_json::{Value, json};

fn exported(spec: &Value) -> Export {
    let spec = spec::parse(spec).unwrap_or_else(|e| panic!("{e:?}"));
    export(&spec, "acme", "/data/acme/flights/").unwrap()
}

/// What an import of the export gives.
fn back(spec: &Value) -> Value {
    let text = exported(spec).pipeline;
    let import = import(&text, Some("acme")).unwrap_or_else(|e| panic!("{e:?}\n{text}"));
    assert_eq!(import.impossible(), 0, "{text}\n{:#?}", import.findings);
    import.spec
}

fn flights() -> Value {
    json!({
        "mode": "batch",
        "source": { "include": ["*.csv.gz"], "exclude": ["draft*"] },
        "format": { "type": "csv", "header": true, "null_values": ["NA"] },
        "wrangling": [
            { "mutate": { "convert": { "delay": "integer" }, "add_tag": ["a", "b"] } },
            { "if": "[carrier] == \"UA\" and [delay] > 10", "then": [{ "drop": {} }],
              "elif": [{ "if": "[x] =~ /a b/", "then": [{ "date": { "match": ["t", "ISO8601"] } }] }],
              "else": [{ "grok": { "match": { "message": "%{IP:[client][ip]}" }, "break_on_match": false } }] },
            { "throttle": { "key": "%{a}", "after_count": 3, "period": 1.5 } },
        ],
        "on_failure": "reject",
        "schema": { "fields": { "carrier": { "type": "keyword" } } },
        "destination": { "index": "flights-%{+yyyy}", "id_fields": ["carrier", "[flight][number]"] },
        "error_budget": { "max_records": 0 },
    })
}

#[test]
fn a_job_becomes_a_configuration() {
    let export = exported(&flights());
    for part in [
        "path => [\"/data/acme/flights/*.csv.gz\"]",
        "exclude => [\"draft*\"]",
        "autodetect_column_names => true",
        "index => \"acme.flights-%{+yyyy}\"",
        "document_id => \"%{carrier}|%{[flight][number]}\"",
        "action => \"create\"",
    ] {
        assert!(
            export.pipeline.contains(part),
            "{part} in\n{}",
            export.pipeline
        );
    }
    for plugin in [
        "source",
        "format",
        "destination",
        "provenance",
        "rejects",
        "on_failure",
        "schema",
        "error_budget",
    ] {
        assert!(
            export
                .findings
                .iter()
                .any(|finding| finding.plugin == plugin),
            "{plugin} is missing in {:#?}",
            export.findings
        );
    }
}

#[test]
fn import_of_an_export_gives_the_same_wrangling() {
    for format in [
        json!({ "type": "csv", "header": true, "null_values": ["NA"] }),
        json!({ "type": "csv", "columns": ["a", "b"], "delimiter": ";", "quote": "'", "null_values": [""] }),
        json!({ "type": "ndjson", "keep_original": true }),
        json!({ "type": "lines" }),
    ] {
        let mut spec = flights();
        spec["format"] = format.clone();
        let again = back(&spec);
        assert_eq!(again["wrangling"], spec["wrangling"], "{format}");
        assert_eq!(again["source"], spec["source"]);
        assert_eq!(again["destination"], spec["destination"]);
        assert_eq!(again["format"]["type"], format["type"]);
        let kept = format.get("keep_original").is_some();
        assert_eq!(again["format"].get("keep_original").is_some(), kept);
    }
}

#[test]
fn a_filter_of_the_platform_s_own_is_left_out_and_listed() {
    let mut spec = flights();
    spec["wrangling"] = json!([
        { "script": { "source": "event.both = `'\"`;" } },
        { "if": "[a]", "then": [{ "drop": {} }], "else": [{ "script": { "source": "event.b = 1;" } }] },
    ]);
    let export = exported(&spec);
    assert!(!export.pipeline.contains("script"), "{}", export.pipeline);
    let own = export
        .findings
        .iter()
        .filter(|f| f.plugin == "filter script");
    let own: Vec<_> = own.map(|f| (f.severity, f.at.as_str())).collect();
    let expected = ["/wrangling/0/script", "/wrangling/1/else/0/script"];
    assert_eq!(own, expected.map(|at| (Severity::Impossible, at)));
}

#[test]
fn a_text_that_logstash_cannot_write_is_refused() {
    let mut spec = flights();
    spec["wrangling"] = json!([{ "mutate": { "replace": { "a": "both ' and \"" } } }]);
    let spec = spec::parse(&spec).unwrap();
    let error = export(&spec, "acme", "/data").unwrap_err();
    assert!(error.to_string().contains("quotes"), "{error}");
}

#[test]
fn joined_lines_in_another_encoding_come_back() {
    let format = json!({
        "type": "lines",
        "encoding": "windows-1252",
        "multiline": { "pattern": "^%{YEAR}-", "what": "previous", "negate": true, "max_lines": 100 },
        "max_record": "1MiB",
    });
    let mut spec = flights();
    spec["format"] = format.clone();
    let mut imported = back(&spec)["format"].clone();
    imported["max_record"] = json!("1MiB");
    assert_eq!(imported, format);
    for kind in ["json", "fixed"] {
        spec["format"] = json!({ "type": kind });
        if kind == "fixed" {
            spec["format"]["fields"] = json!([{ "name": "a", "width": 1 }]);
        }
        let export = exported(&spec);
        let is_impossible = |severity: Severity| severity == Severity::Impossible;
        assert!(
            export.findings.iter().any(|f| is_impossible(f.severity)),
            "{kind}"
        );
    }
}
