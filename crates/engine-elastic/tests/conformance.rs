//! The same records through a job's program, as the native engine runs it, and through the configuration that Logstash is
//! given: the same documents, indices, ids and rejects. The configuration is printed and parsed again on the way.

#![allow(clippy::unwrap_used)]

mod support;

use domain::spec::{self, JobSpec};
use domain::worker::DmsEndpoint;
use engine_elastic::{
    frame, pipeline,
    render::{RenderError, render},
};
use proptest::prelude::*;
use serde_json::{Value, json};
use wrangling::ast::{Deliver, Pipeline, Program, Statement};
use wrangling::{
    Columns, Compiled, Delivery, Document, Field, Output, Payload, Record, Reject, Violation,
    logstash,
};

use support::{environment, hostile, job, open_dms, or_plain};

const FILE: &str = "0123456789abcdef01234567";

/// What became of a record.
#[derive(Debug, Clone, PartialEq)]
enum Outcome {
    Document(String, String, Value),
    Rejected(String),
    Filtered,
}

#[derive(Default)]
struct Outcomes(Vec<Outcome>);

impl Output for Outcomes {
    fn document(&mut self, document: &Document<'_>) {
        let mut source = Vec::new();
        document.encode(&mut source);
        let source = serde_json::from_slice(&source).unwrap();
        let (index, id) = (document.index.to_owned(), document.id.to_owned());
        self.0.push(Outcome::Document(index, id, source));
    }

    fn reject(&mut self, reject: &Reject<'_>) {
        self.0.push(Outcome::Rejected(reject.code.to_owned()));
    }
}

/// What the outputs of the configuration are given.
#[derive(Default)]
struct Outlets(Vec<Outcome>);

impl Output for Outlets {
    fn document(&mut self, _: &Document<'_>) {}

    fn reject(&mut self, reject: &Reject<'_>) {
        panic!("Logstash rejects nothing: {reject:?}");
    }

    fn deliver(&mut self, delivery: &Delivery<'_>) {
        let [code, index, id] = delivery.texts else {
            panic!("{:?}", delivery.texts)
        };
        let mut source = Vec::new();
        delivery.encode(&mut source);
        let source = serde_json::from_slice(&source).unwrap();
        self.0.push(match code.starts_with("%{") {
            true => Outcome::Document((*index).into(), (*id).into(), source),
            false => Outcome::Rejected((*code).into()),
        });
    }
}

/// The record's payload.
#[derive(Clone, Copy)]
enum Raw<'r> {
    Text(&'r str),
    Row(&'r [&'r str], &'r [&'r str]),
}

impl Raw<'_> {
    fn columns(
        &self,
        bind: impl Fn(&[String]) -> Result<Columns, Vec<Violation>>,
    ) -> Option<Columns> {
        let Self::Row(names, _) = self else {
            return None;
        };
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Some(bind(&names).unwrap())
    }

    /// Has `act` do with the record.
    fn with<T>(
        &self,
        spec: &JobSpec,
        columns: Option<&Columns>,
        act: impl FnOnce(&Record<'_>) -> T,
    ) -> T {
        let raw;
        let payload = match (*self, columns) {
            (Self::Row(_, values), Some(columns)) => {
                raw = values.join(",");
                Payload::Row {
                    columns,
                    values,
                    raw: &raw,
                }
            }
            (Self::Text(text), None) if spec.format.kind == spec::FormatType::Ndjson => {
                Payload::Json(text)
            }
            (Self::Text(text), None) => Payload::Line(text),
            _ => unreachable!("rows have columns"),
        };
        act(&Record {
            payload,
            position: 96,
            file_key: FILE,
        })
    }
}

fn native(spec: &JobSpec, raw: &Raw<'_>) -> Outcome {
    let compiled = Compiled::compile(&spec.program().unwrap(), &environment()).unwrap();
    let mut outcomes = Outcomes::default();
    let columns = raw.columns(|names| compiled.bind_columns(names));
    raw.with(spec, columns.as_ref(), |record| {
        compiled.run(record, &mut compiled.scratch(), &mut outcomes);
    });
    outcomes.0.pop().unwrap_or(Outcome::Filtered)
}

/// A record's frame, or the code with which the decoder rejects it.
struct Frame(Result<Vec<u8>, String>);

impl Output for Frame {
    fn document(&mut self, document: &Document<'_>) {
        let (mut fields, mut frame) = (Vec::new(), Vec::new());
        document.encode(&mut fields);
        frame::append(0, FILE, 96, &fields, &mut frame);
        self.0 = Ok(frame);
    }

    fn reject(&mut self, reject: &Reject<'_>) {
        self.0 = Err(reject.code.to_owned());
    }
}

fn frame(spec: &JobSpec, raw: &Raw<'_>) -> Result<String, String> {
    let mut program = spec.program().unwrap();
    let is_decode = |statement: &Statement| matches!(statement, Statement::Decode(_));
    program.body.retain(is_decode);
    let decoder = Compiled::compile(&program, &environment()).unwrap();
    let columns = raw.columns(|names| decoder.bind_columns(names));
    let mut frame = Frame(Ok(Vec::new()));
    raw.with(spec, columns.as_ref(), |record| {
        decoder.run(record, &mut decoder.scratch(), &mut frame);
    });
    frame.0.map(|bytes| String::from_utf8(bytes).unwrap())
}

fn elastic(spec: &JobSpec, raw: &Raw<'_>) -> Outcome {
    match frame(spec, raw) {
        Ok(frame) => through_logstash(spec, &frame),
        Err(code) => Outcome::Rejected(code),
    }
}

/// What the pipeline makes of a frame.
fn through_logstash(spec: &JobSpec, frame: &str) -> Outcome {
    let filters = pipeline::filters(spec, &environment()).unwrap_or_else(|v| panic!("{v:#?}"));
    let printed = logstash::print(&Pipeline {
        filters: filters.clone(),
        ..Pipeline::default()
    })
    .unwrap();
    let parsed = logstash::parse_pipeline(&printed).unwrap_or_else(|v| panic!("{v:?}\n{printed}"));
    assert_eq!(parsed.filters, filters, "{printed}");
    let mut body = parsed.filters;
    body.push(Statement::Deliver(Deliver {
        outlet: 0,
        texts: ["[reject][code]", "[index]", "[id]"]
            .map(|field| format!("%{{[@metadata][ingest]{field}}}"))
            .to_vec(),
    }));
    let compiled = Compiled::compile(&Program { body }, &environment())
        .unwrap_or_else(|v| panic!("{v:#?}\n{printed}"));
    // as Filebeat sends it
    let shipped = json!({
        "message": frame.strip_suffix('\n').unwrap(),
        "agent": { "type": "filebeat" }, "ecs": { "version": "8.0.0" }, "host": { "name": "h" },
        "input": { "type": "filestream" }, "log": { "offset": 7, "file": { "path": "/x" } },
        "tags": ["beats"], "@timestamp": "2026-01-01T00:00:00.000Z", "@version": "1",
    });
    let fields = [(String::new(), Field::Json(shipped.to_string()))];
    let record = Record {
        payload: Payload::Event {
            source: 0,
            at_ms: 5,
            fields: &fields,
            defaults: &[],
        },
        position: 0,
        file_key: "",
    };
    let mut outlets = Outlets::default();
    compiled.run(&record, &mut compiled.scratch(), &mut outlets);
    outlets.0.pop().unwrap_or(Outcome::Filtered)
}

/// Both engines agree; what on.
#[track_caller]
fn agree(spec: &Value, raw: &Raw<'_>) -> Outcome {
    let spec = spec::parse(spec).unwrap_or_else(|v| panic!("{v:?}"));
    let (native, elastic) = (native(&spec, raw), elastic(&spec, raw));
    assert_eq!(native, elastic);
    native
}

#[test]
fn plain_lines() {
    let document = agree(
        &job("lines", json!({})),
        &Raw::Text("a \"line\" – with ${X} and %{y}"),
    );
    let Outcome::Document(index, id, source) = document else {
        panic!("{document:?}")
    };
    assert_eq!((index.as_str(), id), ("demo.rows", format!("{FILE}-96")));
    assert_eq!(source["message"], "a \"line\" – with ${X} and %{y}");
    assert_eq!(source["provenance"]["position"], 96);
}

#[test]
fn whole_numbers() {
    for kind in ["integer", "long"] {
        for text in [
            "517",
            "-1",
            "+5",
            "007",
            "2147483647",
            "2147483648",
            "-2147483648",
            "-2147483649",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "5.0",
            "x",
            " 1",
            "1 ",
            "1e3",
            "true",
            "-",
            "0",
            "-0",
            "1,2",
        ] {
            let spec = job("csv", json!({ "n": { "type": kind } }));
            agree(&spec, &Raw::Row(&["n"], &[text]));
            let spec = job(
                "csv",
                json!({ "n": { "type": kind, "on_mismatch": "null" } }),
            );
            agree(&spec, &Raw::Row(&["n"], &[text]));
            let spec = job(
                "csv",
                json!({ "n": { "type": kind, "on_mismatch": "keep" } }),
            );
            agree(&spec, &Raw::Row(&["n"], &[text]));
        }
        for value in [
            "5",
            "5.0",
            "5.5",
            "-7",
            "\"7\"",
            "[1,2]",
            "[1,\"2\"]",
            "[1,\"x\"]",
            "true",
            "null",
            "{\"a\":1}",
        ] {
            let spec = job("ndjson", json!({ "n": { "type": kind } }));
            agree(&spec, &Raw::Text(&format!("{{\"n\":{value}}}")));
        }
    }
}

#[test]
fn fractions_and_booleans() {
    for kind in ["float", "double", "boolean"] {
        for text in [
            "1.5", "-.5", "5.", "1e5", "1E-5", "+2", "x", "", "nan", "inf", "true", "false", "True",
        ] {
            let spec = job("csv", json!({ "n": { "type": kind } }));
            agree(&spec, &Raw::Row(&["n"], &[text]));
        }
        for value in [
            "5",
            "5.25",
            "\"7.5\"",
            "true",
            "false",
            "null",
            "{\"a\":1}",
            "\"no\"",
        ] {
            let spec = job("ndjson", json!({ "n": { "type": kind } }));
            agree(&spec, &Raw::Text(&format!("{{\"n\":{value}}}")));
        }
    }
}

#[test]
fn dates() {
    let default = json!({ "d": { "type": "date" } });
    let own =
        json!({ "d": { "type": "date", "formats": ["yyyy-MM-dd", "dd/MM/yyyy HH:mm", "UNIX"] } });
    for schema in [default, own] {
        for text in [
            "2013-01-31",
            "2013-01-31T08:00:00Z",
            "31/01/2013 10:20",
            "1359619200",
            "x",
            "",
        ] {
            agree(&job("csv", schema.clone()), &Raw::Row(&["d"], &[text]));
        }
        agree(&job("ndjson", schema), &Raw::Text("{\"d\":1359619200}"));
    }
    let mut spec = job("csv", json!({ "d": { "type": "date" } }));
    spec["wrangling"] = json!([{ "date": { "match": ["d", "dd.MM.yyyy"], "target": "d" } }]);
    agree(&spec, &Raw::Row(&["d"], &["31.01.2013"]));
    agree(&spec, &Raw::Row(&["d"], &["nonsense"]));
}

#[test]
fn required_and_unknown_fields() {
    let mut spec = job(
        "ndjson",
        json!({ "a": { "type": "keyword", "required": true }, "[b][c]": { "type": "long" } }),
    );
    let records = [
        "{}",
        "{\"a\":null}",
        "{\"a\":\"\"}",
        "{\"a\":false}",
        "{\"a\":1,\"z\":2}",
        "{\"a\":\"x\",\"b\":{\"c\":\"7\",\"d\":1}}",
        "{\"a\":\"x\",\"b\":{\"c\":\"seven\"}}",
        "{\"a\":1,\"tags\":[\"t\"]}",
        "{\"a\":1,\"provenance\":1}",
        "{\"a\":1,\"provenance\":false}",
        "{\"a\":1,\"@timestamp\":\"2013-01-01T00:00:00Z\"}",
        "{\"a\":1,\"@timestamp\":\"x\"}",
        "{\"a\":1,\"message\":\"m\",\"host\":\"h\",\"agent\":2}",
        "[1]",
        "nonsense",
    ];
    for unknown in ["keep", "drop"] {
        spec["schema"]["unknown"] = json!(unknown);
        for record in records {
            agree(&spec, &Raw::Text(record));
        }
    }
}

#[test]
fn steps_and_failures() {
    let mut spec = job("csv", json!({ "n": { "type": "long" } }));
    spec["wrangling"] = json!([
        { "if": "[kind] == \"noise\"", "then": [{ "drop": {} }] },
        { "mutate": { "convert": { "n": "integer" }, "uppercase": ["kind"] } },
        { "grok": { "match": { "text": "%{WORD:first} %{NUMBER:second:int}" } } },
    ]);
    for on_failure in ["tag", "reject"] {
        spec["on_failure"] = json!(on_failure);
        for row in [
            ["noise", "1", "a 1"],
            ["x", "1", "a 1"],
            ["x", "y", "a 1"],
            ["x", "2", "nothing"],
        ] {
            agree(&spec, &Raw::Row(&["kind", "n", "text"], &row));
        }
    }
    spec["format"]["keep_original"] = json!(true);
    spec["format"]["null_values"] = json!(["NA", ""]);
    agree(&spec, &Raw::Row(&["kind", "n", "text"], &["NA", "", "a 1"]));
}

#[test]
fn indices_and_ids() {
    let mut spec = job("ndjson", json!({}));
    spec["destination"] =
        json!({ "index": "rows-%{kind}-%{+yyyy.MM}", "id_fields": ["a", "[b][c]"] });
    for record in [
        "{\"kind\":\"K/1 x\",\"a\":1,\"b\":{\"c\":\"z|y\"}}",
        "{\"a\":1,\"b\":{\"c\":2}}",
        "{\"kind\":\"k\",\"b\":{\"c\":2}}",
        "{\"kind\":\"k\",\"a\":\"\",\"b\":{\"c\":2}}",
        "{\"kind\":\"ÄÖ\",\"a\":1.5,\"b\":{\"c\":true}}",
        "{\"kind\":\"\",\"a\":1,\"b\":{\"c\":3}}",
        "{\"kind\":false,\"a\":false,\"b\":{\"c\":3}}",
    ] {
        agree(&spec, &Raw::Text(record));
    }
}

#[test]
fn a_frame_that_cannot_be_read_is_a_reject_and_no_empty_document() {
    let spec = spec::parse(&job("ndjson", json!({}))).unwrap();
    let frame = |fields: &str| format!("0 {FILE} 96 {fields}\n");
    let whole = through_logstash(&spec, &frame(r#"{"a":1,"tags":["_jsonparsefailure"]}"#));
    assert!(matches!(whole, Outcome::Document(..)), "{whole:?}");
    let damaged = through_logstash(&spec, &frame(r#"{"a":1"#));
    assert_eq!(damaged, Outcome::Rejected("frame_unreadable".into()));
}

#[test]
fn what_logstash_cannot_do_is_refused() {
    let refused = |spec: Value| {
        let spec = spec::parse(&spec).unwrap();
        let violations = pipeline::filters(&spec, &environment()).unwrap_err();
        violations[0].pointer.clone()
    };
    let mut spec = job("csv", json!({}));
    spec["schema"]["unknown"] = json!("reject");
    assert_eq!(refused(spec), "/schema/unknown");
    let mut spec = job("ndjson", json!({}));
    spec["wrangling"] = json!([{ "split": { "field": "items" } }]);
    assert_eq!(refused(spec), "/destination/id_fields");
    let spec = job("ndjson", json!({ "a/${b}": { "type": "keyword" } }));
    assert_eq!(refused(spec), "/schema/fields/a~1${b}");
    let mut spec = job("ndjson", json!({}));
    spec["wrangling"] =
        json!([{ "drop": {} }, { "mutate": { "replace": { "[@metadata][ingest][file]": "x" } } }]);
    assert_eq!(refused(spec), "/wrangling/1");
    let mut spec = job("ndjson", json!({}));
    spec["wrangling"] = json!([{ "script": { "source": "event.a = 1;" } }]);
    assert_eq!(refused(spec), "/wrangling/0/script");
}

proptest! {
    #[test]
    fn hostile_texts_stay_in_their_place(
        value in or_plain("x", hostile()), name in or_plain("t", hostile()), format in or_plain("ISO8601", hostile()), record in hostile(),
    ) {
        let mut spec = job("lines", json!({}));
        spec["schema"]["fields"] = json!({ name: { "type": "date", "formats": [format] } });
        spec["wrangling"] = json!([{ "mutate": { "add_field": { "added": value } } }]);
        let Ok(spec) = spec::parse(&spec) else { return Ok(()) };
        let files = match render(&spec, &environment(), &open_dms(), 2) {
            Ok(files) => files,
            // both kinds of quotes in one text, or the beginning of a variable
            Err(RenderError::Print(_)) => return Ok(()),
            Err(RenderError::Spec(found)) if found.iter().all(|v| v.code == "elastic_engine") => return Ok(()),
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
        };
        let parsed = logstash::parse_pipeline(&files[0].text).map_err(|v| TestCaseError::fail(format!("{v:?}")))?;
        prop_assert_eq!(parsed.filters, pipeline::filters(&spec, &environment()).unwrap());
        prop_assert_eq!((parsed.inputs.len(), parsed.outputs.len()), (1, 1));
        let raw = Raw::Text(&record);
        prop_assert_eq!(native(&spec, &raw), elastic(&spec, &raw));
    }
}

#[test]
fn settings_are_yaml() {
    let spec = spec::parse(&job("csv", json!({}))).unwrap();
    let dms = DmsEndpoint {
        url: "https://es:9200".into(),
        api_key_file: Some("key".into()),
        ..open_dms()
    };
    let files = render(&spec, &environment(), &dms, 2).unwrap();
    let names: Vec<_> = files.iter().map(|file| file.name).collect();
    assert_eq!(names, ["pipeline.conf", "logstash.yml", "filebeat.yml"]);
    assert!(files[0].text.contains("api_key => "), "{}", files[0].text);
    let read = |at: usize| serde_yaml_ng::from_str::<Value>(&files[at].text).unwrap();
    assert_eq!(read(1)["pipeline.workers"], 2);
    assert_eq!(read(1)["node.name"], environment().run);
    assert_eq!(read(2)["filebeat.inputs"][0]["id"], environment().run);
}
