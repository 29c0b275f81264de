//! Recorded outputs of real Logstash are the judge: every case in `tests/golden` gives the same documents here.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use wrangling::ast::{Decode, Program, Statement};
use wrangling::{
    Compiled, Document, EcsCompatibility, Environment, Output, Payload, Record, Reject, Resources,
    logstash,
};

/// The recording's day, as a clock: 2026-11-21.
const CLOCK_MS: i64 = 1_795_219_200_000;
const CLOCK: &str = "\"2026-11-21T00:00:00.000Z\"";

#[derive(Deserialize)]
struct Case {
    name: String,
    filter: Option<String>,
    #[serde(default)]
    files: BTreeMap<String, String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    input: Vec<String>,
    output: Vec<Box<RawValue>>,
    output_ecs_disabled: Vec<Box<RawValue>>,
}

#[derive(Default)]
struct Collected {
    documents: Vec<String>,
    rejects: Vec<String>,
}

impl Output for Collected {
    fn document(&mut self, document: &Document<'_>) {
        let mut json = Vec::new();
        document.encode(&mut json);
        self.documents.push(String::from_utf8(json).unwrap());
    }

    fn reject(&mut self, reject: &Reject<'_>) {
        self.rejects.push(format!("{reject:?}"));
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn cases() -> Vec<Case> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    paths.sort();
    let read =
        |path: &PathBuf| serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    paths.iter().map(read).collect()
}

/// Names in the first column of a table of kept differences.
fn names_in(table: &str) -> BTreeSet<String> {
    let table = std::fs::read_to_string(folder().join(table)).unwrap();
    let names = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// Whether it is a version 4 UUID.
fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
        && parts[2].starts_with('4')
        && parts[3].starts_with(['8', '9', 'a', 'b'])
}

/// JSON with members sorted and numbers as spelled, without what the platform leaves out or sets by its clock.
fn canonical(raw: &RawValue, top: bool) -> String {
    let text = raw.get();
    match text.as_bytes()[0] {
        b'{' => {
            let mut members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).unwrap();
            if top {
                members.remove("@version");
            }
            let member = |(name, value): (String, Box<RawValue>)| {
                format!("{name:?}:{}", canonical(&value, false))
            };
            format!(
                "{{{}}}",
                members
                    .into_iter()
                    .map(member)
                    .collect::<Vec<_>>()
                    .join(",")
            )
        }
        b'[' => {
            let items: Vec<Box<RawValue>> = serde_json::from_str(text).unwrap();
            format!(
                "[{}]",
                items
                    .iter()
                    .map(|item| canonical(item, false))
                    .collect::<Vec<_>>()
                    .join(",")
            )
        }
        b'"' if text == CLOCK => "\"<now>\"".to_owned(),
        b'"' if is_uuid(text.trim_matches('"')) => "\"<uuid>\"".to_owned(),
        b'"' => format!("{:?}", serde_json::from_str::<String>(text).unwrap()),
        _ => text.to_owned(),
    }
}

fn run(case: &Case, keep_original: bool) -> (Vec<String>, Vec<String>) {
    let decode = Decode {
        keep_original,
        ..Decode::default()
    };
    let files = tempfile::tempdir().unwrap();
    for (name, text) in &case.files {
        std::fs::write(files.path().join(name), text).unwrap();
    }
    let mut variables = case.env.clone();
    if let Some(folder) = variables.get_mut("CASE_DIR") {
        *folder = files.path().to_string_lossy().into_owned();
    }
    let environment = Environment {
        clock_ms: CLOCK_MS,
        ecs_compatibility: match keep_original {
            true => EcsCompatibility::V8,
            false => EcsCompatibility::Disabled,
        },
        resources: Resources::Anywhere,
        variables,
        ..Environment::default()
    };
    let filter = case.filter.as_deref().unwrap_or_default();
    let filters = match logstash::parse_in(filter, &environment) {
        Ok(filters) => filters,
        Err(violations) => {
            return (
                Vec::new(),
                violations.iter().map(ToString::to_string).collect(),
            );
        }
    };
    let program = Program {
        body: std::iter::once(Statement::Decode(decode))
            .chain(filters)
            .collect(),
    };
    let compiled = match Compiled::compile(&program, &environment) {
        Ok(compiled) => compiled,
        Err(violations) => {
            return (
                Vec::new(),
                violations.iter().map(ToString::to_string).collect(),
            );
        }
    };
    let (mut scratch, mut collected) = (compiled.scratch(), Collected::default());
    for (position, line) in (0_u64..).zip(&case.input) {
        let record = Record {
            payload: Payload::Line(line),
            position,
            file_key: "0123456789abcdef01234567",
        };
        compiled.run(&record, &mut scratch, &mut collected);
    }
    (collected.documents, collected.rejects)
}

/// What differs, for people; `None` if nothing does.
fn difference(case: &Case, keep_original: bool, expected: &[Box<RawValue>]) -> Option<String> {
    let expected: Vec<String> = expected
        .iter()
        .map(|document| canonical(document, true))
        .collect();
    let (documents, notes) = run(case, keep_original);
    let document = |json: &String| canonical(&RawValue::from_string(json.clone()).unwrap(), true);
    let documents: Vec<String> = documents.iter().map(document).collect();
    (documents != expected).then(|| {
        let mut text = format!(
            "{} (keep_original: {keep_original}): {:?}\n",
            case.name, case.filter
        );
        for index in 0..documents.len().max(expected.len()) {
            let (ours, theirs) = (documents.get(index), expected.get(index));
            if ours != theirs {
                text += &format!("  ours:     {}\n", ours.map_or("nothing", String::as_str));
                text += &format!("  expected: {}\n", theirs.map_or("nothing", String::as_str));
            }
        }
        text + &notes
            .iter()
            .map(|note| format!("  {note}\n"))
            .collect::<String>()
    })
}

#[test]
fn documents_are_those_of_logstash() {
    let kept = names_in("DIFFERENCES.md");
    let mut differing = BTreeMap::new();
    for case in cases() {
        let both = difference(&case, true, &case.output)
            .or_else(|| difference(&case, false, &case.output_ecs_disabled));
        if let Some(text) = both {
            differing.insert(case.name, text);
        }
    }
    let new: Vec<&String> = differing
        .iter()
        .filter(|(name, _)| !kept.contains(*name))
        .map(|(_, text)| text)
        .collect();
    let gone: Vec<&String> = kept
        .iter()
        .filter(|name| !differing.contains_key(*name))
        .collect();
    assert!(
        new.is_empty(),
        "{} cases differ:\n{}",
        new.len(),
        new.iter().map(|text| text.as_str()).collect::<String>()
    );
    assert!(
        gone.is_empty(),
        "listed as kept differences, but the same: {gone:?}"
    );
}

/// A case too large to be recorded whole.
#[derive(Deserialize)]
struct DigestCase {
    filter: String,
    data_sha256: String,
    output: Digested,
    output_ecs_disabled: Digested,
}

#[derive(Deserialize)]
struct Digested {
    documents_out: usize,
    sha256: String,
    first_20: Vec<serde_json::Value>,
}

/// The header and the first 2000 rows of the flights that come with the project.
fn flights() -> String {
    let packed = include_bytes!("../../../clientapps/flights/flights-2013-01.csv.gz");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed[..]), &mut text)
        .unwrap();
    text.split_inclusive('\n').take(2001).collect()
}

#[test]
fn two_thousand_flights_are_those_of_logstash() {
    let text = std::fs::read_to_string(folder().join("digest/flights_2000.json")).unwrap();
    let case: DigestCase = serde_json::from_str(&text).unwrap();
    let data = flights();
    assert_eq!(hex::encode(Sha256::digest(&data)), case.data_sha256);
    let lines = Case {
        name: "flights_2000".to_owned(),
        filter: Some(case.filter),
        files: BTreeMap::new(),
        env: BTreeMap::new(),
        input: data.lines().map(str::to_owned).collect(),
        output: Vec::new(),
        output_ecs_disabled: Vec::new(),
    };
    for (keep_original, expected) in [(true, case.output), (false, case.output_ecs_disabled)] {
        let (documents, notes) = run(&lines, keep_original);
        assert_eq!(documents.len(), expected.documents_out, "{notes:?}");
        let mut digest = Sha256::new();
        for (at, json) in documents.iter().enumerate() {
            let mut document: serde_json::Value = serde_json::from_str(json).unwrap();
            document["@version"] = "1".into();
            document.sort_all_objects();
            if let Some(expected) = expected.first_20.get(at) {
                assert_eq!(document, *expected);
            }
            digest.update(document.to_string());
            digest.update("\n");
        }
        assert_eq!(hex::encode(digest.finalize()), expected.sha256);
    }
}

/// What Logstash says about a configuration before any record.
#[derive(Deserialize)]
struct Validation {
    name: String,
    config: String,
    parses: bool,
    registers: bool,
    error: Option<String>,
}

#[test]
fn configurations_are_accepted_as_by_logstash() {
    let text = std::fs::read_to_string(folder().join("validate/validate.json")).unwrap();
    let cases: Vec<Validation> = serde_json::from_str(&text).unwrap();
    let kept = names_in("validate/DIFFERENCES.md");
    let mut differing = BTreeMap::new();
    for case in cases {
        let found = match logstash::parse_pipeline(&case.config) {
            Ok(pipeline) => wrangling::check_pipeline(&pipeline, &Environment::default()),
            Err(violations) => violations,
        };
        if found.is_empty() != (case.parses && case.registers) {
            let text = format!(
                "{}\n  ours: {found:?}\n  Logstash: {:?}\n",
                case.config, case.error
            );
            differing.insert(case.name, text);
        }
    }
    assert_eq!(
        differing.keys().collect::<BTreeSet<_>>(),
        kept.iter().collect(),
        "{differing:#?}"
    );
}
