//! The job spec's notation: what is accepted, and that everything wrong is said at once, with its place.

use domain::spec::{FormatType, JobSpec, json_schema, parse};
use serde_json::{Value, json};

fn minimal() -> Value {
    json!({
        "mode": "batch",
        "format": { "type": "csv" },
        "destination": { "index": "flights" },
    })
}

/// The minimal spec with one value put in at a pointer's place.
fn with(path: &[&str], value: Value) -> Value {
    let mut spec = minimal();
    let mut at = &mut spec;
    for key in path {
        at = &mut at[*key];
    }
    *at = value;
    spec
}

fn violations(spec: &Value) -> Vec<(String, String)> {
    let refused = match parse(spec) {
        Ok(_) => panic!("should be refused: {spec}"),
        Err(violations) => violations,
    };
    refused.into_iter().map(|v| (v.pointer, v.code)).collect()
}

#[test]
fn defaults_are_filled_in_and_survive_a_round_trip() {
    let spec = parse(&minimal()).unwrap();
    assert_eq!(spec.format.kind, FormatType::Csv);
    assert!(spec.format.has_header());
    assert_eq!(spec.source.include, ["*"]);
    let again: JobSpec = parse(&serde_json::to_value(&spec).unwrap()).unwrap();
    assert_eq!(again, spec);
    assert_eq!(
        domain::job::spec_digest(&again).unwrap(),
        domain::job::spec_digest(&spec).unwrap()
    );
}

#[test]
fn all_violations_are_reported_at_once_with_their_pointers() {
    let spec = json!({
        "mode": "stream",
        "modes": 1,
        "format": { "type": "csv", "delimiter": "::", "colour": "red", "max_record": "plenty" },
        "wrangling": [{ "mutate": { "covert": {} } }, { "telepathy": {} }],
        "error_budget": { "max_records": -1 },
    });
    let found: Vec<String> = violations(&spec)
        .into_iter()
        .map(|(pointer, _)| pointer)
        .collect();
    for pointer in [
        "",
        "/modes",
        "/format/delimiter",
        "/format/colour",
        "/format/max_record",
        "/wrangling/0/mutate/covert",
        "/wrangling/1/telepathy",
        "/error_budget/max_records",
    ] {
        assert!(
            found.iter().any(|p| p == pointer),
            "{pointer} is missing in {found:?}"
        );
    }
}

#[test]
fn what_a_schema_cannot_say_is_found_too() {
    let cases = [
        (&["mode"][..], json!("stream"), "/mode"),
        (&["format", "delimiter"], json!("ä"), "/format/delimiter"),
        (&["format", "quote"], json!(","), "/format/quote"),
        (&["format", "header"], json!(false), "/format/columns"),
        (
            &["format", "columns"],
            json!(["a", "a"]),
            "/format/columns/1",
        ),
        (
            &["source"],
            json!({ "include": ["[a"] }),
            "/source/include/0",
        ),
        (
            &["format"],
            json!({ "type": "lines", "delimiter": ";" }),
            "/format/delimiter",
        ),
        (&["format", "encoding"], json!("utf-9"), "/format/encoding"),
        (
            &["format", "encoding"],
            json!("iso-2022-jp"),
            "/format/encoding",
        ),
        (
            &["format"],
            json!({ "type": "json", "encoding": "gbk" }),
            "/format/encoding",
        ),
        (
            &["format"],
            json!({ "type": "ndjson", "multiline": { "pattern": "^ ", "what": "next" } }),
            "/format/multiline",
        ),
        (
            &["format"],
            json!({ "type": "lines", "multiline": { "pattern": "%{NOSUCH}", "what": "next" } }),
            "/format/multiline/pattern",
        ),
        (
            &["format"],
            json!({ "type": "lines", "multiline": { "pattern": "^ ", "what": "both" } }),
            "/format/multiline/what",
        ),
        (&["format"], json!({ "type": "fixed" }), "/format/fields"),
        (
            &["format"],
            json!({ "type": "fixed", "fields": [{ "width": 3 }] }),
            "/format/fields",
        ),
        (
            &["format"],
            json!({ "type": "fixed", "fields": [{ "name": "a", "width": 0 }, { "name": "a", "width": 1 }] }),
            "/format/fields/0/width",
        ),
        (
            &["format"],
            json!({ "type": "fixed", "fields": [{ "name": "a", "width": 1 }, { "name": "a", "width": 1 }] }),
            "/format/fields/1/name",
        ),
        (
            &["error_budget"],
            json!({ "max_percent": 101 }),
            "/error_budget/max_percent",
        ),
        (
            &["destination", "index"],
            json!("Upper Case/../x"),
            "/destination/index",
        ),
        (
            &["schema"],
            json!({ "fields": { "provenance": { "type": "keyword" } } }),
            "/schema/fields/provenance",
        ),
    ];
    for (path, value, pointer) in cases {
        let found = violations(&with(path, value));
        assert!(
            found.iter().any(|(p, _)| p == pointer),
            "{pointer} is missing in {found:?}"
        );
    }
}

#[test]
fn anything_but_an_object_is_refused_without_a_panic() {
    for value in [
        json!(null),
        json!(1),
        json!("mode: batch"),
        json!([]),
        json!({}),
    ] {
        assert!(parse(&value).is_err(), "{value}");
    }
}

#[test]
fn the_published_schema_describes_every_section() {
    let schema = json_schema();
    for section in [
        "mode",
        "source",
        "format",
        "wrangling",
        "on_failure",
        "schema",
        "destination",
        "engine",
        "error_budget",
        "limits",
    ] {
        assert!(
            schema.pointer(&format!("/properties/{section}")).is_some(),
            "{section}"
        );
    }
    assert_eq!(schema.pointer("/additionalProperties"), Some(&json!(false)));
}

#[test]
fn tests_are_part_of_a_spec_and_change_nothing_where_there_are_none() {
    let plain = parse(&minimal()).unwrap();
    assert!(serde_json::to_value(&plain).unwrap().get("tests").is_none());
    let test = json!({ "name": "a", "records": ["a,b", "1,2"], "expect": { "documents": [{ "a": "1" }] } });
    let tests = |tests: Value| {
        let mut spec = minimal();
        spec["tests"] = tests;
        spec
    };
    let spec = parse(&tests(json!([test]))).unwrap();
    assert_eq!(spec.tests[0].text(), "a,b\n1,2\n");
    for (wrong, pointer) in [
        (json!([{ "name": "a", "expect": {} }]), "/tests/0"),
        (
            json!([{ "name": "a", "input": "", "records": [], "expect": {} }]),
            "/tests/0",
        ),
        (json!([test, test]), "/tests/1/name"),
        (
            json!([{ "name": "a", "input": "", "expect": { "document": [] } }]),
            "/tests/0/expect/document",
        ),
    ] {
        let found = violations(&tests(wrong));
        assert_eq!(found[0].0, pointer, "{found:?}");
    }
}

#[test]
fn a_wrong_choice_is_answered_with_the_right_ones() {
    let found = parse(&with(&["format", "type"], json!("csvv"))).unwrap_err();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].pointer, "/format/type");
    assert_eq!(
        found[0].message,
        r#""csvv" is none of "csv", "ndjson", "lines", "json", "fixed"; did you mean "csv"?"#
    );
}
