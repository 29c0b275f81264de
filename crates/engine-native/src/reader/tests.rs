//! Files of every format, encoding and line end, from their bytes to documents.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::channel;

use domain::file::{Compression, FileState, ManifestFile};
use domain::ids::FileKey;
use domain::ledger::Ledger;
use domain::reject::Reject;
use domain::spec::{Format, JobSpec};
use encoding_rs::Encoding;
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wrangling::{Compiled, Environment};

use super::opening::Head;
use super::pieces::{Bytes, Pieces};
use super::{Reading, Shared, read};
use crate::batch::{Mark, SegmentKind};
use crate::budget::Budget;
use crate::decode::Charset;
use crate::meter::Meter;
use crate::pool::Pool;
use crate::rate::RatePace;
use crate::wrangle::Wrangler;

/// What became of a file.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    /// Fields by position, without those of the platform.
    documents: BTreeMap<u64, Value>,
    /// Code, line and raw text by position.
    rejects: BTreeMap<u64, (String, u64, String)>,
    /// Where segments end.
    marks: Vec<(u64, u64)>,
    ledger: Ledger,
    /// Code of the file's failure.
    failure: Option<String>,
}

impl Outcome {
    fn events(&self) -> Vec<&Value> {
        self.documents.values().collect()
    }

    fn codes(&self) -> Vec<(u64, &str)> {
        let code =
            |(position, reject): (&u64, &(String, u64, String))| (*position, reject.0.clone());
        let _ = code;
        self.rejects
            .iter()
            .map(|(position, reject)| (*position, reject.0.as_str()))
            .collect()
    }
}

fn format(of: &Value) -> (Format, JobSpec) {
    let spec = json!({ "mode": "batch", "format": of, "destination": { "index": "i" } });
    let spec = domain::spec::parse(&spec).unwrap_or_else(|found| panic!("{of}: {found:?}"));
    (spec.format.clone(), spec)
}

fn run(of: &Value, bytes: &[u8]) -> Outcome {
    run_from(of, bytes, Mark::START)
}

fn run_from(of: &Value, bytes: &[u8], from: Mark) -> Outcome {
    let (format, spec) = format(of);
    let program = Compiled::compile(&spec.program().unwrap(), &Environment::default()).unwrap();
    let program = Arc::new(program);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("f"), bytes).unwrap();
    let key = FileKey::derive(&"acme".parse().unwrap(), &"j".parse().unwrap(), "f", None);
    let manifest = ManifestFile {
        index: 0,
        name: "f".into(),
        bytes: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(bytes)),
        compression: Compression::None,
        file_key: key,
        claimed_as: "f".into(),
        terms: Default::default(),
    };
    let meter = Arc::<Meter>::default();
    meter.aim_at(1);
    let shared = Shared {
        control: Arc::default(),
        meter,
        budget: Arc::new(Budget::new(1 << 30)),
        blocks: Arc::new(Pool::new(0)),
    };
    let max_record = usize::try_from(format.max_record.0).unwrap();
    let mut wrangler = Wrangler::new(Arc::clone(&program), format.clone(), max_record);
    let reading = Reading {
        files: vec![manifest],
        from,
        claimed: folder.path().to_owned(),
        replay: folder.path().join("replay.ndjson"),
        format,
        max_record,
        program,
        cpu_millis: 1_000_000,
        rate: RatePace::new(folder.path().join("share.json"), 0, 0),
    };
    let (send, batches) = channel();
    read(reading, shared, send);
    let mut outcome = Outcome::default();
    for batch in batches {
        let wrangled = wrangler.wrangle(batch, Vec::new());
        for item in &wrangled.items {
            let segment = &wrangled.batch.segments[item.segment as usize];
            let body = &wrangled.body[item.body_at as usize..];
            let document = body.split(|&b| b == b'\n').nth(1).unwrap();
            let mut document: Value = serde_json::from_slice(document).unwrap();
            let fields = document.as_object_mut().unwrap();
            let provenance = fields.remove("provenance").unwrap();
            fields.remove("@timestamp");
            fields.remove("@version");
            let position = segment.position(item).unwrap();
            assert_eq!(provenance["position"], json!(position));
            assert!(outcome.documents.insert(position, document).is_none());
        }
        for line in wrangled.rejects.lines.split(|&b| b == b'\n') {
            let Ok(reject) = serde_json::from_slice::<Reject>(line) else {
                continue;
            };
            let said = (reject.code, reject.line, reject.raw);
            assert!(outcome.rejects.insert(reject.position, said).is_none());
        }
        outcome.ledger += wrangled.ledgers.iter().copied().sum::<Ledger>();
        for segment in &wrangled.batch.segments {
            outcome.marks.push((segment.to.position, segment.to.line));
            if let SegmentKind::End(FileState::Quarantined { failure }) = &segment.kind {
                outcome.failure = Some(failure.code.clone());
            }
        }
    }
    outcome
}

/// An encoding, bytes, and the positions of good and bad records in them.
type Flawed<'a> = (&'a str, &'a [u8], &'a [u64], &'a [u64]);

/// A text, the positions of good and bad records in it, and the code of its failure.
type Broken<'a> = (&'a str, &'a [u64], &'a [u64], Option<&'a str>);

/// A text in an encoding, without a byte order mark.
fn encoded(text: &str, label: &str) -> Vec<u8> {
    match label {
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        _ => {
            let encoding = Encoding::for_label(label.as_bytes()).unwrap();
            let (bytes, _, replaced) = encoding.encode(text);
            assert!(!replaced, "{text:?} in {label}");
            bytes.into_owned()
        }
    }
}

/// Encodings, each with words that it has.
const ENCODINGS: &[(&str, [&str; 3])] = &[
    ("utf-8", ["zwölf", "功許蓋", "\u{1F94A}"]),
    ("utf-16le", ["zwölf", "\u{0A0A}\u{220A}", "\u{1F94A}"]),
    ("utf-16be", ["zwölf", "\u{0A0A}\u{0A22}", "\u{1F94A}"]),
    ("windows-1252", ["zwölf", "€", "ÿ"]),
    ("iso-8859-2", ["Łódź", "čeština", "ß"]),
    ("koi8-r", ["Привет", "ё", "Ъ"]),
    ("shift_jis", ["ポ表ソ", "ｱ", "能"]),
    ("euc-jp", ["日本語", "ｱ", "能"]),
    ("gbk", ["中文€", "誾", "齹"]),
    ("gb18030", ["中文", "\u{1F94A}", "ß"]),
    ("big5", ["功許蓋", "育", "碁"]),
    ("euc-kr", ["한국어", "똠방각하", "뷁"]),
];

/// Ten records of three fields.
fn records(words: &[&str; 3]) -> Vec<[String; 3]> {
    let record = |n: usize| [n.to_string(), words[n % 3].repeat(n), format!("end {n}")];
    (0..10).map(record).collect()
}

const FORMATS: &[&str] = &[
    "csv", "piped", "ndjson", "json", "values", "fixed", "lines", "joined",
];

/// A format, the records in it, each with what stands before it, and what stands at the end.
fn written(
    kind: &str,
    records: &[[String; 3]],
    eol: &str,
) -> (Value, Vec<(String, String)>, String) {
    let object = |[a, b, c]: &[String; 3], between: &str| {
        format!("{{\"a\":\"{a}\",{between}\"b\":\"{b}\",\"c\":\"{c}\"}}")
    };
    let (format, first, between, last) = match kind {
        "csv" => (
            json!({ "type": "csv" }),
            format!("a,b,c{eol}"),
            eol.to_owned(),
            "",
        ),
        "piped" => (
            json!({ "type": "csv", "delimiter": "|", "columns": ["a", "b", "c"] }),
            String::new(),
            eol.to_owned(),
            "",
        ),
        "json" => (
            json!({ "type": "json" }),
            format!(" [{eol} "),
            format!(" ,{eol}"),
            " ] ",
        ),
        "values" => (json!({ "type": "json" }), String::new(), eol.to_owned(), ""),
        "fixed" => (
            json!({ "type": "fixed", "fields": [
                { "name": "a", "width": 3 }, { "name": "b", "width": 60 }, { "width": 2 }, { "name": "c", "width": 7 },
            ] }),
            String::new(),
            eol.to_owned(),
            "",
        ),
        "joined" => (
            json!({ "type": "lines", "multiline": { "pattern": "^ ", "what": "previous" } }),
            String::new(),
            eol.to_owned(),
            "",
        ),
        kind => (json!({ "type": kind }), String::new(), eol.to_owned(), ""),
    };
    let text = |record: &[String; 3]| match kind {
        "csv" => format!("{},\"{}\",{}", record[0], record[1], record[2]),
        "json" | "values" => object(record, &format!("{eol}  ")),
        "ndjson" => object(record, ""),
        "fixed" => format!("{:3}{:60}--{:7}", record[0], record[1], record[2]),
        "joined" => record.join(&format!("{eol} ")),
        _ => record.join("|"),
    };
    let records = records.iter().enumerate().map(|(n, record)| {
        let before = if n == 0 { &first } else { &between };
        (before.clone(), text(record))
    });
    (format, records.collect(), last.to_owned())
}

fn expected(kind: &str, record: &[String; 3]) -> Value {
    let [a, b, c] = record;
    match kind {
        "lines" => json!({ "message": record.join("|") }),
        "joined" => json!({ "message": record.join("\n ") }),
        _ => json!({ "a": a, "b": b, "c": c }),
    }
}

#[test]
fn the_same_records_are_the_same_events_in_every_format_encoding_and_line_end() {
    for (label, words) in ENCODINGS {
        for kind in FORMATS {
            let is_json = ["json", "values"].contains(kind);
            if is_json
                && ["shift_jis", "euc-jp", "gbk", "gb18030", "big5", "euc-kr"].contains(label)
            {
                continue;
            }
            for (eol, ended) in [("\n", true), ("\n", false), ("\r\n", true), ("\r\n", false)] {
                let records = records(words);
                let (mut format, parts, last) = written(kind, &records, eol);
                format["encoding"] = json!(label);
                let (mut bytes, mut wanted) = (Vec::new(), BTreeMap::new());
                for (record, (before, text)) in records.iter().zip(parts) {
                    bytes.extend(encoded(&before, label));
                    wanted.insert(bytes.len() as u64, expected(kind, record));
                    bytes.extend(encoded(&text, label));
                }
                bytes.extend(encoded(&last, label));
                if ended {
                    bytes.extend(encoded(eol, label));
                }
                let outcome = run(&format, &bytes);
                let about = format!("{kind} in {label}, {eol:?}, {ended}");
                assert_eq!(outcome.documents, wanted, "{about}");
                assert_eq!(
                    (outcome.ledger.read, outcome.failure),
                    (10, None),
                    "{about}"
                );
                if eol != "\n" || !ended {
                    continue;
                }
                for position in wanted.keys().step_by(4) {
                    let from = Mark {
                        position: *position,
                        line: 1,
                    };
                    let rest = run_from(&format, &bytes, from).documents;
                    let wanted: Vec<_> = wanted.range(position..).collect();
                    assert_eq!(
                        rest.iter().collect::<Vec<_>>(),
                        wanted,
                        "{about} from {position}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_byte_order_mark_goes_before_the_encoding_and_counts_in_positions() {
    let text = "a\näöü\n";
    for (label, mark) in [
        ("utf-8", &b"\xEF\xBB\xBF"[..]),
        ("utf-16le", b"\xFF\xFE"),
        ("utf-16be", b"\xFE\xFF"),
    ] {
        for said in ["utf-8", "windows-1252", "utf-16"] {
            for kind in ["lines", "json"] {
                let text = if kind == "json" {
                    r#"{"a":1}"#.to_owned()
                } else {
                    text.to_owned()
                };
                let bytes = [mark.to_vec(), encoded(&text, label)].concat();
                let outcome = run(&json!({ "type": kind, "encoding": said }), &bytes);
                let first = outcome.documents.keys().next().copied();
                assert_eq!(
                    first,
                    Some(mark.len() as u64),
                    "{kind} in {label}, not {said}"
                );
                assert!(outcome.rejects.is_empty() && outcome.failure.is_none());
            }
        }
    }
    let little = run(
        &json!({ "type": "lines", "encoding": "utf-16" }),
        &encoded("ä", "utf-16le"),
    );
    assert_eq!(little.events(), [&json!({ "message": "ä" })]);
}

#[test]
fn bytes_that_are_no_text_cost_their_own_record() {
    let cases: &[Flawed<'_>] = &[
        ("utf-8", b"a\n\xE4\nb\n", &[0, 4], &[2]),
        ("shift_jis", b"a\nx\x83\nb\n\x83\x7C", &[0, 5, 7], &[2]),
        ("gb18030", b"a\nx\x81\x30\x81\nb\n", &[0, 7], &[2]),
        ("iso-8859-7", b"a\n\xAE\xD2\nb", &[0, 5], &[2]),
        (
            "utf-16le",
            b"a\0\n\0\x00\xD8\n\0b\0\n\0c",
            &[0, 8],
            &[4, 12],
        ),
        (
            "utf-16be",
            b"\0a\0\n\xDC\0\0\n\0b\0\n\xD8\x0A",
            &[0, 8],
            &[4, 12],
        ),
    ];
    for (label, bytes, good, bad) in cases {
        for kind in ["lines", "csv", "joined"] {
            let format = match kind {
                "csv" => json!({ "type": "csv", "columns": ["a"], "encoding": label }),
                "joined" => {
                    json!({ "type": "lines", "encoding": label, "multiline": { "pattern": "^ ", "what": "previous" } })
                }
                _ => json!({ "type": "lines", "encoding": label }),
            };
            let outcome = run(&format, bytes);
            let about = format!("{label} {kind}: {outcome:?}");
            assert!(outcome.documents.keys().eq(*good), "{about}");
            assert!(outcome.rejects.keys().eq(*bad), "{about}");
            assert!(
                outcome
                    .rejects
                    .values()
                    .all(|reject| reject.0 == "encoding"),
                "{about}"
            );
        }
    }
    use base64::Engine as _;
    let raw = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let outcome = run(
        &json!({ "type": "lines", "encoding": "utf-16le" }),
        b"\xE4\0\x01\xD8\n\0",
    );
    assert_eq!(
        outcome.rejects[&0].2,
        raw(b"\xC3\xA4\x01\xD8"),
        "what can be read, and the bytes that cannot"
    );
}

#[test]
fn long_records_are_rejected_with_their_position_and_line_in_every_format() {
    let long = "x".repeat(200_000);
    for label in ["utf-8", "utf-16le"] {
        for kind in FORMATS {
            for (eol, length) in [("\n", 1_001), ("\r\n", 200_000)] {
                let mut records = records(&["a", "b", "c"]);
                records[4][1] = long[..length].to_owned();
                records[7][1] = long[..length].to_owned();
                let (mut format, parts, last) = written(kind, &records, eol);
                format["encoding"] = json!(label);
                format["max_record"] = json!("1000B");
                let (mut bytes, mut positions) = (Vec::new(), Vec::new());
                for (before, text) in &parts {
                    bytes.extend(encoded(before, label));
                    positions.push(bytes.len() as u64);
                    bytes.extend(encoded(text, label));
                }
                bytes.extend(encoded(&last, label));
                let outcome = run(&format, &bytes);
                let about = format!("{kind} in {label}, {eol:?}, {length}");
                let rejected = [
                    (positions[4], "record_too_large"),
                    (positions[7], "record_too_large"),
                ];
                assert_eq!(outcome.codes(), rejected, "{about}");
                assert_eq!(
                    (outcome.documents.len(), outcome.failure),
                    (8, None),
                    "{about}"
                );
                let before: String = parts[..4].iter().map(|(a, b)| format!("{a}{b}")).collect();
                let lines = 1 + format!("{before}{}", parts[4].0).matches('\n').count();
                assert_eq!(outcome.rejects[&positions[4]].1, lines as u64, "{about}");
                let from = Mark {
                    position: positions[7],
                    line: 1,
                };
                assert_eq!(
                    run_from(&format, &bytes, from).documents.len(),
                    2,
                    "{about}"
                );
            }
        }
    }
}

#[test]
fn empty_and_blank_files_have_no_records() {
    for kind in FORMATS {
        let (format, ..) = written(kind, &records(&["a", "b", "c"]), "\n");
        for bytes in [
            &b""[..],
            b"\n",
            b"\r\n\r\n\n",
            b"\xEF\xBB\xBF",
            b"\xFF\xFE",
            b"\xFF\xFE\n\0\r\0\n\0",
        ] {
            let outcome = run(&format, bytes);
            assert_eq!(
                (outcome.ledger.read, &outcome.failure),
                (0, &None),
                "{kind} {bytes:?}"
            );
        }
    }
    assert_eq!(run(&json!({ "type": "json" }), b" [ ] \n[]").failure, None);
}

#[test]
fn lines_are_joined_as_logstash_joins_them() {
    let joined = |multiline: Value, text: &str| {
        let mut format = json!({ "type": "lines", "multiline": multiline });
        format["multiline"]["max_lines"] = json!(3);
        run(&format, text.as_bytes())
    };
    let messages = |outcome: &Outcome| -> Vec<(u64, String)> {
        let text = |value: &Value| value["message"].as_str().unwrap().to_owned();
        outcome
            .documents
            .iter()
            .map(|(at, value)| (*at, text(value)))
            .collect()
    };
    let of = |wanted: &[(u64, &str)]| -> Vec<(u64, String)> {
        wanted
            .iter()
            .map(|(at, text)| (*at, (*text).to_owned()))
            .collect()
    };
    let stack = joined(
        json!({ "pattern": "^\\s", "what": "previous" }),
        "  orphan\na\r\n at x\r\n at y\r\nb\n\nc\n",
    );
    assert_eq!(
        messages(&stack),
        of(&[
            (0, "  orphan"),
            (9, "a\n at x\n at y"),
            (26, "b"),
            (29, "c")
        ])
    );
    let dated = joined(
        json!({ "pattern": "^%{YEAR}-", "what": "previous", "negate": true }),
        "2024-1\nx\n\n2025-2\n",
    );
    assert_eq!(messages(&dated), of(&[(0, "2024-1\nx\n"), (10, "2025-2")]));
    let next = joined(
        json!({ "pattern": "\\\\$", "what": "next" }),
        "a \\\nb\nc\nd \\",
    );
    assert_eq!(
        messages(&next),
        of(&[(0, "a \\\nb"), (6, "c"), (8, "d \\")])
    );
    let many = joined(
        json!({ "pattern": "^ ", "what": "previous" }),
        "a\n 1\n 2\n 3\nb\n",
    );
    assert_eq!(many.codes(), [(0, "too_many_lines")]);
    assert_eq!(messages(&many), of(&[(11, "b")]));
}

#[test]
fn a_broken_json_value_is_rejected_where_the_next_one_is_sure() {
    let cases: &[Broken<'_>] = &[
        (r#"[{"a":1},{"a" 2},{"a":3}]"#, &[1, 17], &[9], None),
        (
            r#"[{"a":1,},{"a":NaN}, 7, "x", null, [{}], {"a":3}]"#,
            &[41],
            &[1, 10, 21, 24, 29, 35],
            None,
        ),
        (
            r#"{"a":1} {"a":"}{]["}{"a":"\"\\"} 5"#,
            &[0, 8, 20],
            &[33],
            None,
        ),
        (r#"[{"a":1}] [{"a":2}]"#, &[1, 11], &[], None),
        (r#"[{"a":1} {"a":2}]"#, &[1], &[], Some("json_structure")),
        (
            r#"[{"a":1},{"a":[2}},{"a":3}]"#,
            &[1],
            &[],
            Some("json_structure"),
        ),
        (
            "[{\"a\":1},\n{\"a\":\"x\n},{\"a\":3}]",
            &[1],
            &[],
            Some("json_structure"),
        ),
        (r#"[{"a":1}"#, &[1], &[], Some("json_truncated")),
        (r#"[{"a":1},{"a":"#, &[1], &[], Some("json_truncated")),
        (r#"{"a":1}{"a":"x"#, &[0], &[], Some("json_truncated")),
        (r#"[{"a":1},]"#, &[1], &[], Some("json_structure")),
        ("id,name\n1,x\n", &[], &[0], Some("json_structure")),
        ("]", &[], &[], Some("json_structure")),
    ];
    for (text, good, bad, failure) in cases {
        let outcome = run(&json!({ "type": "json" }), text.as_bytes());
        assert!(outcome.documents.keys().eq(*good), "{text}: {outcome:?}");
        assert!(outcome.rejects.keys().eq(*bad), "{text}: {outcome:?}");
        assert_eq!(outcome.failure.as_deref(), *failure, "{text}");
    }
    let deep = run(&json!({ "type": "json" }), "[".repeat(1 << 20).as_bytes());
    assert_eq!(deep.failure.as_deref(), Some("json_structure"));
}

#[test]
fn fixed_lines_fit_their_fields_or_are_rejected() {
    let fields = json!([{ "name": "a", "width": 2 }, { "width": 1 }, { "name": "b", "width": 3 }]);
    let mut format = json!({ "type": "fixed", "fields": fields, "null_values": ["--"] });
    let text = "ä -日本 \n-- xyz\n12\n1\nab cdefg\n";
    let strict = run(&format, text.as_bytes());
    assert_eq!(
        strict.events(),
        [&json!({ "a": "ä", "b": "日本" }), &json!({ "b": "xyz" })]
    );
    assert!(
        strict
            .rejects
            .values()
            .all(|reject| reject.0 == "fixed_width")
    );
    assert_eq!(strict.rejects.len(), 3);
    format["on_column_mismatch"] = json!("accept");
    format["trim"] = json!(false);
    let lenient = run(&format, text.as_bytes());
    assert_eq!(
        lenient.events(),
        [
            &json!({ "a": "ä ", "b": "日本 " }),
            &json!({ "b": "xyz" }),
            &json!({ "a": "12" }),
            &json!({ "a": "1" }),
            &json!({ "a": "ab", "b": "cde", "column3": "fg" }),
        ]
    );
}

#[test]
fn many_batches_lose_nothing_and_can_be_resumed_between_any_two() {
    for kind in FORMATS {
        for label in ["utf-8", "utf-16be"] {
            let records: Vec<_> = (0..6000)
                .map(|n: usize| {
                    [n.to_string(), "ä".repeat(n % 60), format!("end {n}")]
                        .map(|s| s.chars().take(60).collect())
                })
                .map(|[a, b, _]: [String; 3]| [a.chars().take(3).collect(), b, "end".to_owned()])
                .collect();
            let (mut format, parts, last) = written(kind, &records, "\n");
            format["encoding"] = json!(label);
            let text: String = parts.iter().map(|(a, b)| format!("{a}{b}")).collect();
            let bytes = encoded(&format!("{text}{last}"), label);
            let whole = run(&format, &bytes);
            assert_eq!(
                (whole.documents.len(), &whole.failure),
                (6000, &None),
                "{kind} in {label}"
            );
            assert!(whole.marks.len() > 5, "{kind} in {label}");
            assert_eq!(whole.marks.last().unwrap().0, bytes.len() as u64);
            let cutting =
                label == "utf-8" && ["csv", "piped", "ndjson", "fixed", "lines"].contains(kind);
            for (position, line) in whole.marks.iter().step_by(whole.marks.len() / 3) {
                let rest = run_from(
                    &format,
                    &bytes,
                    Mark {
                        position: *position,
                        line: *line,
                    },
                );
                let wanted: BTreeMap<_, _> = whole
                    .documents
                    .range(position..)
                    .map(|(k, v)| (*k, v.clone()))
                    .collect();
                assert_eq!(rest.documents, wanted, "{kind} in {label} from {position}");
                assert_eq!(rest.marks.last(), whole.marks.last(), "{kind} in {label}");
                assert!(
                    cutting || rest.ledger.bytes == bytes.len() as u64 - position,
                    "{kind} in {label}"
                );
            }
        }
    }
}

/// Bytes that come in pieces of these sizes, over and over.
struct Dripping<'b> {
    bytes: &'b [u8],
    sizes: Vec<usize>,
    turn: usize,
}

impl Bytes for Dripping<'_> {
    fn bytes(&mut self, into: &mut [u8], _: u64) -> Result<usize, domain::error::Failure> {
        let size = self.sizes[self.turn % self.sizes.len()];
        self.turn += 1;
        let n = size.min(into.len()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(n);
        into[..n].copy_from_slice(now);
        self.bytes = later;
        Ok(n)
    }
}

fn pieces(label: &str, bytes: &[u8], sizes: Vec<usize>) -> Vec<(u64, u64, Vec<u8>)> {
    let head = Head {
        charset: Charset::new(Encoding::for_label(label.as_bytes()).unwrap()),
        bytes: Vec::new(),
        at: 0,
    };
    let mut source = Dripping {
        bytes,
        sizes,
        turn: 0,
    };
    let (mut pieces, mut found) = (Pieces::after(head), Vec::new());
    let mut text = Vec::new();
    while let Some(piece) = pieces.next(&mut source, &mut text).unwrap() {
        found.push((piece.from, piece.to, std::mem::take(&mut text)));
    }
    found.retain(|(_, _, text)| !text.is_empty());
    found
}

proptest! {
    #[test]
    fn pieces_do_not_depend_on_how_the_bytes_come(
        bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(0), Just(0xD8), any::<u8>()], 0..400),
        sizes in prop::collection::vec(1usize..50, 1..10),
        encoding in prop::sample::select(ENCODINGS),
    ) {
        let whole = pieces(encoding.0, &bytes, vec![1 << 20]);
        prop_assert_eq!(&pieces(encoding.0, &bytes, sizes), &whole);
        let last = whole.last().map_or(0, |(_, to, _)| *to);
        prop_assert_eq!(last, bytes.len() as u64);
    }

    #[test]
    fn hostile_bytes_are_accounted_for(
        parts in prop::collection::vec(prop_oneof![
            prop::sample::select(&["\n", "\r\n", " ", "{", "}", "[", "]", "\"", ",", "\\", ":", "a", "ä", "\0", "{\"a\":1}"][..]).prop_map(|s| s.as_bytes().to_vec()),
            prop::collection::vec(any::<u8>(), 0..6),
        ], 0..60),
        kind in prop::sample::select(FORMATS),
        encoding in prop::sample::select(ENCODINGS),
    ) {
        let bytes = parts.concat();
        let (mut format, ..) = written(kind, &records(&["a", "b", "c"]), "\n");
        let is_json = format["type"] == "json";
        format["max_record"] = json!("20B");
        format["encoding"] = json!(if is_json { "utf-16le" } else { encoding.0 });
        let outcome = run(&format, &bytes);
        prop_assert_eq!(outcome.ledger.read, (outcome.documents.len() + outcome.rejects.len()) as u64);
        let again = run_from(&format, &bytes, Mark::START);
        prop_assert_eq!(&again, &outcome);
        if let Some(&position) = outcome.documents.keys().nth(1) {
            let rest = run_from(&format, &bytes, Mark { position, line: 1 });
            prop_assert!(rest.documents.keys().eq(outcome.documents.range(position..).map(|(at, _)| at)));
        }
    }
}
