//! What we write as Logstash configurations, read by a parser that this project has no part in: it finds the same plugins,
//! options and blocks that our own finds.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use domain::spec;
use engine_elastic::render::render;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use wrangling::ast::{Literal, Pipeline, Statement};
use wrangling::logstash;

use support::{environment, hostile, job, open_dms, or_plain};

/// What the other parser finds in each of the texts.
fn found_by_another(reader: &Path, texts: &[String]) -> Vec<Value> {
    let mut child = Command::new(reader)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let lines: String = texts
        .iter()
        .map(|text| json!(text).to_string() + "\n")
        .collect();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{}", output.status);
    let answers = String::from_utf8(output.stdout).unwrap();
    answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The same of our own AST.
fn found_by_us(pipeline: &Pipeline) -> Value {
    json!({
        "input": statements(&pipeline.inputs),
        "filter": statements(&pipeline.filters),
        "output": statements(&pipeline.outputs),
    })
}

fn statements(all: &[Statement]) -> Value {
    all.iter()
        .map(|statement| match statement {
            Statement::Plugin(plugin) => json!([plugin.name, pairs(&plugin.options)]),
            Statement::If(conditional) => {
                let blocks = conditional.branches.iter().map(|branch| statements(&branch.body));
                json!({ "if": blocks.collect::<Vec<_>>(), "else": statements(&conditional.otherwise) })
            }
            other => unreachable!("{other:?} is not Logstash's"),
        })
        .collect()
}

fn pairs(options: &[(String, Literal)]) -> Value {
    options
        .iter()
        .map(|(name, option)| json!([name, value(option)]))
        .collect()
}

fn value(literal: &Literal) -> Value {
    match literal {
        Literal::Array(values) => values.iter().map(value).collect(),
        Literal::Hash(entries) => json!({ "hash": pairs(entries) }),
        Literal::Number(number) => json!(number.text().parse::<f64>().unwrap()),
        // the other parser prints what is inside of a codec: only that there is one is compared
        Literal::Plugin(plugin) => json!({ "plugin": plugin.name }),
        scalar => json!(scalar.text()),
    }
}

/// Numbers as floats, codecs as their names: what both parsers tell apart.
fn comparable(mut answer: Value) -> Value {
    match &mut answer {
        Value::Number(number) => return json!(number.as_f64()),
        Value::String(text) if text.contains(" {\n") => {
            return json!({ "plugin": text.split(" {").next() });
        }
        Value::Array(values) => values.iter_mut().for_each(|v| *v = comparable(v.take())),
        Value::Object(members) => members.values_mut().for_each(|v| *v = comparable(v.take())),
        _ => {}
    }
    answer
}

/// Has both parsers read the texts, and compares what they find.
fn agree(texts: &[String]) {
    let Some(reader) = testkit::services::config_reader() else {
        return;
    };
    let theirs = found_by_another(&reader, texts);
    assert_eq!(theirs.len(), texts.len());
    for (text, theirs) in texts.iter().zip(theirs) {
        assert_eq!(theirs["error"], Value::Null, "{text}");
        let ours = found_by_us(&logstash::parse_pipeline(text).unwrap());
        assert_eq!(comparable(theirs), comparable(ours), "{text}");
    }
}

#[test]
fn configurations_that_logstash_runs_are_the_same_when_we_print_them() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wrangling/tests/golden");
    let mut texts = BTreeSet::new();
    for entry in fs::read_dir(golden).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let case: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let Some(filter) = case["filter"].as_str() else {
            continue;
        };
        let Ok(read) = logstash::parse_pipeline(&format!("filter {{ {filter} }}")) else {
            continue;
        };
        texts.insert(logstash::print(&read).unwrap());
    }
    assert!(texts.len() > 150, "only {} configurations", texts.len());
    agree(&texts.into_iter().collect::<Vec<_>>());
}

/// How many jobs are rendered.
const JOBS: usize = 500;

#[test]
fn rendered_jobs_hold_what_they_hold_for_us_whatever_is_in_them() {
    let texts_of_a_job = (
        or_plain("x", hostile()),
        or_plain("t", hostile()),
        or_plain("ISO8601", hostile()),
        "lines|ndjson|csv",
    );
    let mut runner = TestRunner::deterministic();
    let mut texts = Vec::new();
    for _ in 0..JOBS {
        let (value, name, format, kind) = texts_of_a_job.new_tree(&mut runner).unwrap().current();
        let mut spec = job(&kind, json!({}));
        spec["schema"]["fields"] = json!({ name: { "type": "date", "formats": [format] } });
        spec["wrangling"] = json!([
            { "if": "[kind] == 'a' and [n] > 1", "then": [{ "mutate": { "add_field": { "added": value } } }] },
            { "grok": { "match": { "message": ["%{COMBINEDAPACHELOG}"] } } },
        ]);
        let Ok(spec) = spec::parse(&spec) else {
            continue;
        };
        if let Ok(files) = render(&spec, &environment(), &open_dms(), 2) {
            texts.push(files[0].text.clone());
        }
    }
    assert!(
        texts.len() > JOBS / 3,
        "only {} jobs could be rendered",
        texts.len()
    );
    agree(&texts);
}
