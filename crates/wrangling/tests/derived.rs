//! What Logstash does by the sources of its plugins, where no recorded answer says so: every case of `tests/derived`.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

mod support;

use serde::Deserialize;
use serde_json::Value;
use wrangling::ast::{Decode, Program, Statement};
use wrangling::{Compiled, Payload, Record, logstash};

#[derive(Deserialize)]
struct Case {
    name: String,
    /// The inside of a `filter { }` section; the record's text is in `message`.
    filter: String,
    records: Vec<Exchange>,
}

#[derive(Deserialize)]
struct Exchange {
    input: Value,
    /// All fields but `message` and those of the platform.
    fields: Value,
}

#[test]
fn documents_are_those_that_the_plugins_make() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/derived");
    let mut different = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let case: Case = serde_json::from_str(&text).unwrap();
        let environment = support::environment();
        let filters = logstash::parse_in(&case.filter, &environment).unwrap();
        let decode = Statement::Decode(Decode::default());
        let program = Program {
            body: std::iter::once(decode).chain(filters).collect(),
        };
        let compiled = match Compiled::compile(&program, &environment) {
            Ok(compiled) => compiled,
            Err(violations) => {
                different.push(format!("{}: {violations:?}", case.name));
                continue;
            }
        };
        for (position, exchange) in (0..).zip(&case.records) {
            let (mut scratch, mut out) = (compiled.scratch(), support::Collected::default());
            let line = exchange.input.to_string();
            let record = Record {
                payload: Payload::Line(&line),
                position,
                file_key: support::FILE_KEY,
            };
            compiled.run(&record, &mut scratch, &mut out);
            let mut found = out
                .documents
                .pop()
                .map_or(Value::Null, |stored| stored.source);
            if let Some(fields) = found.as_object_mut() {
                fields.retain(|name, _| {
                    !matches!(name.as_str(), "message" | "@timestamp" | "@version")
                });
            }
            if found != exchange.fields {
                different.push(format!(
                    "{}: {line}\n  ours:     {found}\n  expected: {}",
                    case.name, exchange.fields
                ));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
