//! Filters that name files: where they may be, what is read from them, and what is said when they cannot be used.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

mod support;

use serde_json::{Value, json};
use support::documents as run;
use wrangling::{Environment, Violation, steps};

/// An environment whose folder of resources holds these texts.
fn environment(files: &[(&str, &str)]) -> (tempfile::TempDir, Environment) {
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (*name, text.as_bytes()))
        .collect();
    support::environment_with(&files)
}

fn codes(steps: &Value, environment: &Environment) -> Vec<(String, String)> {
    let violations = run(steps, environment, &[]).unwrap_err();
    let code = |violation: Violation| (violation.pointer, violation.code);
    violations.into_iter().map(code).collect()
}

#[test]
fn dictionaries_of_all_formats_are_looked_up() {
    let (_folder, environment) = environment(&[
        (
            "d.csv",
            "\u{feff}UA,United\r\nB6,\"Jet\"\"Blue\"\"\"\nnone,\nX,1,2\n",
        ),
        ("d.json", r#"{"a": [1.50, {"b": null}], "1": true}"#),
        ("d/d.yaml", "NO: x\n\"NO\": Norway\ncount: 1_000\n"),
    ]);
    let translate = |file: &str| json!([{"translate": {"source": "c", "target": "t", "dictionary_path": file}}]);
    let t = |file: &str, key: &str| {
        let record = json!({"c": key}).to_string();
        run(&translate(file), &environment, &[&record]).unwrap()[0]
            .get("t")
            .cloned()
    };
    assert_eq!(t("d.csv", "UA"), Some(json!("United")));
    assert_eq!(t("d.csv", "B6"), Some(json!("Jet\"Blue\"")));
    assert_eq!(t("d.csv", "none"), Some(json!(null)));
    assert_eq!(t("d.csv", "X"), Some(json!("1")));
    assert_eq!(t("d.json", "a"), Some(json!([1.5, {"b": null}])));
    assert_eq!(t("d.json", "1"), Some(json!(true)));
    assert_eq!(t("d/d.yaml", "NO"), Some(json!("Norway")));
    assert_eq!(t("d/d.yaml", "count"), Some(json!(1000)));
    assert_eq!(t("d/d.yaml", "false"), None);
}

#[test]
fn values_of_an_inline_dictionary_keep_their_types() {
    let steps = json!([{"translate": {
        "source": "c", "target": "t",
        "dictionary": {"a": 1, "b": 1.5, "c": [1, "x", {"y": {"z": 2}}]},
    }}]);
    let records = [r#"{"c":"a"}"#, r#"{"c":"b"}"#, r#"{"c":"c"}"#];
    let documents = run(&steps, &support::environment(), &records).unwrap();
    let found: Vec<_> = documents.iter().map(|document| &document["t"]).collect();
    assert_eq!(
        found,
        [&json!(1), &json!(1.5), &json!([1, "x", {"y": {"z": 2}}])]
    );
}

#[test]
fn every_object_of_a_list_is_translated() {
    let steps = json!([{"translate": {
        "iterate_on": "list", "source": "id", "target": "[name][full]", "fallback": "?",
        "dictionary": {"1": "one", "2.5": "x"}, "add_tag": "found",
    }}]);
    let documents = run(
        &steps,
        &support::environment(),
        &[
            r#"{"list":[{"id":1},{"id":"9","name":{"short":"n"}},{"other":1},"text",null]}"#,
            r#"{"list":{"id":1}}"#,
            r#"{"id":1}"#,
        ],
    );
    assert_eq!(
        documents.unwrap(),
        [
            json!({
                "list": [{"id": 1, "name": {"full": "one"}}, {"id": "9", "name": {"short": "n", "full": "?"}}, {"other": 1}, "text", null],
                "tags": ["found"],
            }),
            json!({"list": {"id": 1}}),
            json!({"id": 1}),
        ]
    );
}

#[test]
fn a_translation_in_place_always_succeeds() {
    let steps = json!([
        {"translate": {"source": "c", "target": "c", "dictionary": {"a": "b"}, "add_tag": "in place"}},
        {"translate": {"source": "l", "iterate_on": "l", "target": "t", "dictionary": {"a": "b"}, "add_tag": "any"}},
        {"translate": {"source": "c", "target": "r", "exact": false, "dictionary": {"ab": 1, "a": "a"}, "add_tag": "replaced"}},
    ]);
    let documents = run(
        &steps,
        &support::environment(),
        &[
            r#"{"c":"x","l":["a","z"]}"#,
            r#"{"c":"xaba","l":["z"]}"#,
            r#"{"c":"aa"}"#,
        ],
    );
    assert_eq!(
        documents.unwrap(),
        [
            json!({"c": "x", "l": ["a", "z"], "t": ["b", null], "tags": ["in place", "any"]}),
            json!({"c": "xaba", "l": ["z"], "t": [null], "r": "x1a", "tags": ["in place", "replaced"]}),
            json!({"c": "aa", "tags": ["in place"]}),
        ]
    );
}

#[test]
fn networks_are_read_from_a_file() {
    let (_folder, environment) = environment(&[
        (
            "lines",
            "10.0.0.0/8\r\n\n# comment\n192.168.0.0/255.255.0.0\n",
        ),
        ("list", "10.0.0.0/8;fe80::/10"),
    ]);
    let hits = |filter: Value, address: &str| {
        let record = json!({"ip": address}).to_string();
        run(&json!([{"cidr": filter}]), &environment, &[&record]).unwrap()[0]
            .get("tags")
            .is_some()
    };
    let lines = json!({"address": "%{ip}", "network_path": "lines", "refresh_interval": 5, "add_tag": "hit"});
    assert!(
        hits(lines.clone(), "10.1.1.1")
            && hits(lines.clone(), "192.168.3.4")
            && !hits(lines, "11.0.0.1")
    );
    let list =
        json!({"address": "%{ip}", "network_path": "list", "separator": ";", "add_tag": "hit"});
    assert!(hits(list.clone(), "fe80::1") && !hits(list, "192.168.3.4"));
    let inline = json!({"address": "%{ip}", "network": "10.0.0.0/8, 1.2.3.4", "add_tag": "hit"});
    assert!(hits(inline.clone(), "1.2.3.4") && !hits(inline, "1.2.3.5"));
}

#[test]
fn patterns_are_read_from_folders() {
    let (_folder, environment) = environment(&[
        (
            "patterns/own",
            "# mine\n  CODE   [A-Z]{2}\nTWO %{CODE}-%{CODE:second}\n",
        ),
        ("patterns/other.txt", "CODE x\n"),
    ]);
    let grok = |glob: &str| {
        json!([{"grok": {
            "match": {"m": "%{CODE:first} %{TWO}"}, "patterns_dir": ["patterns"], "patterns_files_glob": glob,
        }}])
    };
    let documents = run(&grok("own"), &environment, &[r#"{"m":"AB CD-EF"}"#]).unwrap();
    assert_eq!(
        documents,
        [json!({"m": "AB CD-EF", "first": "AB", "second": "EF"})]
    );
    assert_eq!(
        codes(&grok("*.txt"), &environment),
        [("/0/grok/match".to_owned(), "unknown_pattern".to_owned())]
    );
}

#[test]
fn a_file_that_cannot_be_used_is_refused_with_its_place() {
    let (_folder, environment) = environment(&[
        ("d.csv", "a,\"b\n"),
        ("d.json", "[]"),
        ("d.yml", "a: [\n"),
        ("d.txt", "a"),
        ("long.yml", "abc: defg\n"),
        ("keys.yml", "1: x\n"),
    ]);
    let steps = json!([
        {"translate": {"source": "c", "dictionary_path": "../d.csv"}},
        {"translate": {"source": "c", "dictionary_path": "none.csv"}},
        {"translate": {"source": "c", "dictionary_path": "d.csv"}},
        {"translate": {"source": "c", "dictionary_path": "d.json"}},
        {"translate": {"source": "c", "dictionary_path": "d.yml"}},
        {"translate": {"source": "c", "dictionary_path": "d.txt"}},
        {"translate": {"source": "c", "dictionary_path": "long.yml", "yaml_dictionary_code_point_limit": 9}},
        {"translate": {"source": "c", "dictionary_path": "keys.yml", "regex": true}},
        {"translate": {"source": "c", "dictionary_path": "d.json", "dictionary": {"a": "b"}}},
        {"translate": {"source": "c", "dictionary_path": "${NONE}.csv"}},
        {"cidr": {"address": "1.2.3.4", "network_path": "/etc/hostname"}},
        {"grok": {"match": {"m": "%{WORD}"}, "patterns_dir": "none"}},
    ]);
    let mut found = codes(&steps, &environment);
    found.sort_by_key(|(pointer, _)| pointer.split('/').nth(1).unwrap().parse::<usize>().unwrap());
    let found: Vec<_> = found.iter().map(|(_, code)| code.as_str()).collect();
    assert_eq!(
        found,
        [
            "unknown_resource",
            "unknown_resource",
            "invalid_resource",
            "invalid_resource",
            "invalid_resource",
            "invalid_value",
            "invalid_resource",
            "invalid_resource",
            "conflicting_options",
            "unknown_variable",
            "unknown_resource",
            "unknown_resource",
        ]
    );
}

#[test]
fn without_resources_files_are_not_read() {
    let steps = json!([
        {"translate": {"source": "c", "dictionary_path": "/nowhere/d.csv"}},
        {"cidr": {"address": "1.2.3.4", "network_path": "/nowhere/networks"}},
        {"grok": {"match": {"m": "%{OWN:x}"}, "patterns_dir": "/nowhere/patterns"}},
    ]);
    assert!(steps::parse(&steps).is_ok());
}
