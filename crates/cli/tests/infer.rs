//! First specs for files: what is printed for small files of each kind is a spec that is accepted, and that takes the file
//! without a reject.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

fn file(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/infer");
    folder.join(name).to_str().unwrap().to_owned()
}

/// Runs `ingest` where there is nothing: no home, no manager, no token.
fn ingest(arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_ingest"))
        .args(arguments)
        .env_clear()
        .env("HOME", home.path())
        .env("INGEST_SERVER", "http://127.0.0.1:1")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = ingest(&[arguments, &["-o", "json"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn small_files_of_each_kind_get_a_spec_that_takes_them() {
    for (name, records) in [
        ("flights.csv", 4),
        ("semicolon.csv", 3),
        ("people.tsv", 3),
        ("events.ndjson", 2),
        ("access.log", 2),
        ("messages", 3),
    ] {
        let inferred = json(&["job", "infer", &file(name)]);
        let tried = &inferred["tried"];
        assert_eq!(
            (&tried["records"], &tried["rejected"]),
            (&records.into(), &0.into()),
            "{inferred}"
        );
        assert_eq!(tried["documents"], records, "{inferred}");
        let yaml = inferred["spec"].as_str().unwrap();
        let value: Value = serde_yaml_ng::from_str(yaml).unwrap();
        domain::spec::parse(&value).unwrap();
        insta::assert_snapshot!(name, yaml);
    }
}

#[test]
fn the_drafts_give_typed_documents() {
    let dir = tempfile::tempdir().unwrap();
    let spec = dir.path().join("job.yaml");
    let spec = spec.to_str().unwrap();
    let first = |name: &str| -> Value {
        let drafted = ingest(&["job", "infer", &file(name), "--to", spec]);
        assert!(drafted.status.success(), "{}", text(&drafted.stderr));
        let preview = json(&["job", "preview", "--spec", spec, "--file", &file(name)]);
        preview["records"][0]["documents"][0]["document"].clone()
    };
    let sale = first("semicolon.csv");
    assert_eq!(
        (&sale["Preis"], &sale["PLZ"]),
        (&1234.5.into(), &"01067".into()),
        "{sale}"
    );
    assert_eq!(sale["Datum"], "2024-01-31T00:00:00.000Z");
    let flight = first("flights.csv");
    assert_eq!(
        (&flight["dep_time"], &flight["@timestamp"]),
        (&517.into(), &"2013-01-01T05:00:00.000Z".into())
    );
    let request = first("access.log");
    assert_eq!(
        request["@timestamp"], "2000-10-10T20:55:36.000Z",
        "{request}"
    );
    assert_eq!(first("messages")["host"]["hostname"], "host1");
}

#[test]
fn what_is_not_read_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    let path = path.to_str().unwrap();
    for (bytes, said) in [
        (&b""[..], "empty"),
        (b"PAR1....", "Parquet"),
        (b"PK\x03\x04....", "zip"),
        (b"\xff\xfea\0", "UTF-16"),
        (b"[{\"a\":1}]", "JSON array"),
        (b"caf\xe9,1\n", "byte 3"),
        (b"\x1f\x8b\x08nonsense", "gzip"),
    ] {
        std::fs::write(path, bytes).unwrap();
        let output = ingest(&["job", "infer", path]);
        assert_eq!(output.status.code(), Some(3));
        assert!(
            text(&output.stderr).contains(said),
            "{said}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn tests_of_a_spec_run_without_a_manager() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("job.yaml");
    let spec = |delay: &str| {
        format!(
            "mode: batch\nformat: {{ type: csv }}\nschema: {{ fields: {{ delay: {{ type: integer }} }} }}\ndestination: {{ index: f }}\n\
             tests:\n- name: a delay\n  records: ['carrier,delay', 'UA,{delay}', 'UA,x']\n  expect:\n    documents: [{{ delay: 2, _index: f }}]\n    rejects: [{{ code: schema_mismatch, field: delay }}]\n"
        )
    };
    std::fs::write(&path, spec("2")).unwrap();
    let path = path.to_str().unwrap();
    let output = ingest(&["job", "test", path]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "passed a delay\n1 test passed\n");
    std::fs::write(path, spec("3")).unwrap();
    let output = ingest(&["job", "test", path, "-o", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let difference = &report["tests"][0]["differences"][0];
    assert_eq!(difference["pointer"], "/tests/0/expect/documents/0/delay");
    assert_eq!(
        (&difference["expected"], &difference["actual"]),
        (&2.into(), &3.into())
    );
}
