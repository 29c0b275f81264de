//! The platform's part of a program: envelope, ids, index names, rejects, schema.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

mod support;

use serde_json::{Value, json};
use support::{Collected, FILE_KEY, Job, environment};
use wrangling::ast::{Decode, Program, Statement};
use wrangling::{Compiled, Payload, Record};

fn schema(fields: Value) -> wrangling::schema::Schema {
    serde_json::from_value(json!({"fields": fields})).unwrap()
}

fn code(collected: &Collected) -> &str {
    collected.rejects.first().map_or("", |reject| &reject[0])
}

#[test]
fn a_document_has_its_fields_the_clock_and_its_provenance() {
    let stored = Job::default()
        .json(&[r#"{"a":1,"@version":"9","@metadata":{"secret":1}}"#])
        .documents
        .remove(0);
    assert_eq!(stored.index, "acme.things");
    assert_eq!(stored.id, format!("{FILE_KEY}-0"));
    let expected = json!({
        "@timestamp": "2023-11-14T22:13:20.000Z",
        "a": 1,
        "provenance": {"client": "acme", "job": "things", "run": "r1", "revision": 3, "file": FILE_KEY, "position": 0},
    });
    assert_eq!(stored.source, expected);
}

#[test]
fn the_raw_record_is_kept_only_on_request() {
    let keep = Job {
        decode: Decode {
            keep_original: true,
            ..Decode::default()
        },
        ..Job::default()
    };
    let original = |job: &Job| {
        job.json(&[r#"{"a":1}"#]).documents[0]
            .source
            .pointer("/event/original")
            .cloned()
    };
    assert_eq!(original(&keep), Some(json!(r#"{"a":1}"#)));
    assert_eq!(original(&Job::default()), None);
    assert_eq!(
        Job::default().lines(&["x"]).documents[0].source["message"],
        "x"
    );
}

#[test]
fn rows_become_fields_by_their_columns() {
    let decode = Decode {
        null_values: vec!["NA".to_owned(), String::new()],
        keep_original: true,
    };
    let compiled = Job {
        decode,
        ..Job::default()
    }
    .compiled();
    let names = ["n", "[geo][lat]", "", "@timestamp", "tags"].map(str::to_owned);
    let columns = compiled.bind_columns(&names).unwrap();
    assert_eq!(columns.len(), 5);
    let (mut scratch, mut collected) = (compiled.scratch(), Collected::default());
    for values in [
        ["1", "52.5", "x", "2024-01-01T00:00:00Z", "hot"],
        ["NA", "", "y", "bad", "NA"],
    ] {
        let payload = Payload::Row {
            columns: &columns,
            values: &values,
            raw: "raw",
        };
        compiled.run(
            &Record {
                payload,
                position: 7,
                file_key: FILE_KEY,
            },
            &mut scratch,
            &mut collected,
        );
    }
    let source = &collected.documents[0].source;
    assert_eq!(source["n"], "1");
    assert_eq!(source["geo"], json!({"lat": "52.5"}));
    assert_eq!(source["column3"], "x");
    assert_eq!(source["@timestamp"], "2024-01-01T00:00:00.000Z");
    assert_eq!(source["tags"], "hot");
    assert_eq!(source["event"]["original"], "raw");
    assert_eq!(
        collected.rejects[0][0], "filter_failure",
        "a column @timestamp that is no time"
    );

    let violations = compiled
        .bind_columns(&["a", "a", "[", "provenance"].map(str::to_owned))
        .unwrap_err();
    let found: Vec<_> = violations
        .iter()
        .map(|v| (v.pointer.as_str(), v.code.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("/1", "duplicate_column"),
            ("/2", "invalid_column"),
            ("/3", "invalid_column")
        ]
    );
}

#[test]
fn records_that_cannot_be_stored_are_rejected_with_the_reason() {
    for (job, record, expected) in [
        (Job::default(), "{", ["json_parse", "decode", ""]),
        (Job::default(), "[1]", ["json_parse", "decode", ""]),
        (
            Job::default(),
            r#"{"provenance":1}"#,
            ["reserved_field", "provenance", "[provenance]"],
        ),
        (
            Job {
                id: vec!["a", "[b][c]"],
                ..Job::default()
            },
            r#"{"a":1}"#,
            ["missing_id_field", "document", "[b][c]"],
        ),
        (
            Job {
                index: "x-%{a}",
                ..Job::default()
            },
            "{}",
            ["missing_index_field", "document", ""],
        ),
        (
            Job {
                index: "%{a}",
                ..Job::default()
            },
            r#"{"a":""}"#,
            ["index_name", "document", ""],
        ),
        (
            Job {
                steps: json!([{"date": {"match": ["t", "ISO8601"]}}]),
                ..Job::default()
            },
            r#"{"t":"noon"}"#,
            ["filter_failure", "/0 date", "[t]"],
        ),
        (
            Job {
                steps: json!([{"mutate": {"id": "numbers", "convert": {"n": "integer"}}}]),
                ..Job::default()
            },
            r#"{"n":"x"}"#,
            ["filter_failure", "numbers", "[n]"],
        ),
        (
            Job {
                steps: json!([{"if": "[n] > 5", "then": []}]),
                ..Job::default()
            },
            r#"{"n":"7"}"#,
            ["condition_error", "/0 if", "[n]"],
        ),
        (
            Job {
                schema: schema(json!({"n": {"type": "integer", "required": true}})),
                ..Job::default()
            },
            r#"{"n":null}"#,
            ["required_field", "schema", "[n]"],
        ),
    ] {
        let collected = job.json(&[record]);
        assert_eq!(collected.documents, [], "{record}");
        assert_eq!(collected.rejects.len(), 1, "{record}");
        assert_eq!(
            collected.rejects[0][..3],
            expected,
            "{record}: {}",
            collected.rejects[0][3]
        );
    }
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(513));
    assert_eq!(
        code(
            &Job {
                id: vec!["a"],
                ..Job::default()
            }
            .json(&[&long])
        ),
        "id_too_long"
    );
}

#[test]
fn failures_are_indexed_with_their_tag_unless_they_are_rejected() {
    let steps = json!([{"date": {"match": ["t", "ISO8601"]}}]);
    let job = Job {
        steps,
        reject_failures: false,
        ..Job::default()
    };
    assert_eq!(
        job.json(&[r#"{"t":"noon"}"#]).documents[0].source["tags"],
        json!(["_dateparsefailure"])
    );
}

#[test]
fn dropped_records_leave_nothing() {
    let steps = json!([{"if": "[a] == 1", "then": [{"drop": {}}]}]);
    let collected = Job {
        steps,
        ..Job::default()
    }
    .json(&[r#"{"a":1}"#, r#"{"a":2}"#]);
    assert_eq!((collected.documents.len(), collected.rejects.len()), (1, 0));
}

#[test]
fn a_percentage_drops_the_same_records_at_every_replay() {
    let job = Job {
        steps: json!([{"drop": {"percentage": 40}}]),
        ..Job::default()
    };
    let records = vec!["{}"; 2000];
    let ids = |collected: Collected| {
        collected
            .documents
            .into_iter()
            .map(|stored| stored.id)
            .collect::<Vec<_>>()
    };
    let first = ids(job.json(&records));
    assert_eq!(first, ids(job.json(&records)));
    assert!(
        (1100..1300).contains(&first.len()),
        "{} of 2000 are left",
        first.len()
    );
}

#[test]
fn ids_and_indices_follow_the_record() {
    let job = Job {
        id: vec!["a", "[b][c]"],
        index: "Logs %{a}/%{+yyyy.MM}",
        ..Job::default()
    };
    let stored = job
        .json(&[r#"{"a":"X Y","b":{"c":5},"@timestamp":"2024-03-05T00:00:00Z"}"#])
        .documents
        .remove(0);
    assert_eq!(stored.id, "X Y|5");
    assert_eq!(stored.index, "acme.logs_x_y_2024.03");
}

#[test]
fn values_get_the_schemas_types() {
    for (kind, value, stored) in [
        ("integer", json!("517"), Some(json!(517))),
        ("integer", json!(2_147_483_648_i64), None),
        ("integer", json!("5.5"), None),
        (
            "long",
            json!(2_147_483_648_i64),
            Some(json!(2_147_483_648_i64)),
        ),
        ("long", json!("9223372036854775808"), None),
        ("float", json!("1e39"), None),
        ("double", json!("1.5"), Some(json!(1.5))),
        ("double", json!("NaN"), None),
        ("boolean", json!("true"), Some(json!(true))),
        ("boolean", json!("yes"), None),
        (
            "date",
            json!("2024-03-05"),
            Some(json!("2024-03-05T00:00:00.000Z")),
        ),
        ("date", json!("tomorrow"), None),
        ("ip", json!("::1"), Some(json!("::1"))),
        ("ip", json!("10.0.0.256"), None),
        (
            "geo_point",
            json!({"lat": 52.5, "lon": 13.4}),
            Some(json!({"lat": 52.5, "lon": 13.4})),
        ),
        ("geo_point", json!("52.5,13.4"), Some(json!("52.5,13.4"))),
        ("geo_point", json!([13.4, 52.5]), Some(json!([13.4, 52.5]))),
        ("geo_point", json!("91,0"), None),
        ("keyword", json!(5), Some(json!(5))),
        ("keyword", json!({"a": 1}), None),
        ("object", json!({"a": 1}), Some(json!({"a": 1}))),
        ("object", json!("a"), None),
        ("integer", json!(["1", 2, null]), Some(json!([1, 2, null]))),
        ("integer", json!(["1", "x"]), None),
    ] {
        let job = Job {
            schema: schema(json!({"f": {"type": kind}})),
            ..Job::default()
        };
        let collected = job.json(&[&json!({"f": value}).to_string()]);
        let found = collected
            .documents
            .first()
            .map(|document| document.source["f"].clone());
        assert_eq!(found, stored, "{kind}: {value}");
        assert_eq!(
            code(&collected),
            if stored.is_some() {
                ""
            } else {
                "schema_mismatch"
            },
            "{kind}: {value}"
        );
    }
}

#[test]
fn mismatches_and_unknown_fields_follow_the_schemas_policy() {
    let run = |schema: Value, record: &str| {
        let schema = serde_json::from_value(schema).unwrap();
        Job {
            schema,
            ..Job::default()
        }
        .json(&[record])
    };
    let field = |policy: &str| json!({"fields": {"n": {"type": "integer", "on_mismatch": policy}}});
    assert_eq!(
        run(field("null"), r#"{"n":"x"}"#).documents[0].source["n"],
        Value::Null
    );
    assert_eq!(
        run(field("keep"), r#"{"n":"x"}"#).documents[0].source["n"],
        "x"
    );
    let unknown = |policy: &str| json!({"fields": {"a": {"type": "keyword"}}, "unknown": policy});
    let record = r#"{"a":"1","b":"2","tags":["t"]}"#;
    assert_eq!(run(unknown("keep"), record).documents[0].source["b"], "2");
    let dropped = run(unknown("drop"), record).documents.remove(0).source;
    assert_eq!(
        (dropped.get("b"), &dropped["a"], &dropped["tags"]),
        (None, &json!("1"), &json!(["t"]))
    );
    assert_eq!(
        run(unknown("reject"), record).rejects[0][..3],
        ["unknown_field", "schema", "[b]"]
    );
}

#[test]
fn schemas_are_validated_and_mapped() {
    let schema: wrangling::schema::Schema = serde_json::from_value(json!({"fields": {
        "at": {"type": "date", "formats": ["dd/MM/yyyy", "qqq"]},
        "n": {"type": "integer", "formats": ["ISO8601"]},
        "provenance": {"type": "object"},
        "k": {"type": "keyword"},
        "[k][x]": {"type": "long"},
        "[broken": {"type": "long"},
        "[geo][point]": {"type": "geo_point"},
    }}))
    .unwrap();
    let found: Vec<_> = schema
        .validate()
        .into_iter()
        .map(|v| (v.pointer, v.code))
        .collect();
    let expected = [
        ("/fields/[broken", "invalid_field"),
        ("/fields/[k][x]", "conflicting_field"),
        ("/fields/at/formats/1", "invalid_date_format"),
        ("/fields/n/formats", "unused_formats"),
        ("/fields/provenance", "reserved_field"),
    ];
    assert_eq!(
        found,
        expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()))
    );
    let mapping = wrangling::schema::mapping(&schema);
    assert_eq!(mapping["@timestamp"], json!({"type": "date"}));
    assert_eq!(
        mapping["geo"],
        json!({"properties": {"point": {"type": "geo_point"}}})
    );
    assert_eq!(
        mapping["provenance"]["properties"]["position"],
        json!({"type": "long"})
    );
}

#[test]
fn fields_learned_from_records_keep_their_values_apart() {
    let (many, none) = (Job::default(), Job::default());
    let record = |n: usize| json!({format!("k{}", n % 700): n, "same": n}).to_string();
    let records: Vec<String> = (0..3000).map(record).collect();
    let texts: Vec<&str> = records.iter().map(String::as_str).collect();
    for (n, stored) in many.json(&texts).documents.iter().enumerate() {
        assert_eq!(stored.source[format!("k{}", n % 700)], n);
        assert_eq!(stored.source["same"], n);
        assert_eq!(stored.source.as_object().unwrap().len(), 4);
    }
    let wide: serde_json::Map<_, _> = (0..2000).map(|n| (format!("w{n}"), n.into())).collect();
    let wide = Value::Object(wide).to_string();
    assert_eq!(
        none.json(&[&wide, &wide]).documents[1]
            .source
            .as_object()
            .unwrap()
            .len(),
        2002
    );
}

#[test]
fn a_scratch_follows_the_program_it_is_used_with() {
    let (first, second) = (
        Job::default().compiled(),
        Job {
            index: "%{x}",
            ..Job::default()
        }
        .compiled(),
    );
    let (mut scratch, mut collected) = (first.scratch(), Collected::default());
    let record = Record {
        payload: Payload::Json(r#"{"y":1,"x":"a"}"#),
        position: 0,
        file_key: FILE_KEY,
    };
    first.run(&record, &mut scratch, &mut collected);
    second.run(&record, &mut scratch, &mut collected);
    let sources: Vec<_> = collected
        .documents
        .iter()
        .map(|stored| &stored.source)
        .collect();
    assert_eq!(sources[0], sources[1]);
    assert_eq!(collected.documents[1].index, "acme.a");
}

#[test]
fn a_program_is_shared_by_threads_and_a_scratch_moves_to_one() {
    fn shared<T: Send + Sync>(_: &T) {}
    fn movable<T: Send>(_: &T) {}
    let compiled = Job::default().compiled();
    shared(&compiled);
    movable(&compiled.scratch());
}

#[test]
fn a_program_decodes_once_and_first() {
    let decode = || Statement::Decode(Decode::default());
    let program = Program {
        body: vec![decode(), Statement::Provenance, decode()],
    };
    let violations = Compiled::compile(&program, &environment()).unwrap_err();
    assert_eq!(
        (violations[0].pointer.as_str(), violations[0].code.as_str()),
        ("/2", "misplaced_decode")
    );
}

#[test]
fn a_record_may_become_several_documents() {
    let steps = json!([
        {"json": {"source": "message", "remove_field": ["message"]}},
        {"split": {"field": "items"}},
        {"if": "[items] == 2", "then": [{"clone": {"clones": ["copy"]}}]},
        {"uuid": {"target": "uid"}},
    ]);
    let job = Job {
        steps,
        schema: schema(json!({"items": {"type": "integer"}})),
        ..Job::default()
    };
    let lines = [
        r#"{"items":["x",1,2]}"#,
        r#"{"items":[]}"#,
        r#"{"items":[3]}"#,
    ];
    let collected = job.lines(&lines);
    let found: Vec<(&str, &Value)> = collected
        .documents
        .iter()
        .map(|stored| (stored.id.as_str(), &stored.source["items"]))
        .collect();
    // events of a conditional's branch come first; the rejected one keeps its number
    let id = |rest: &str| format!("{FILE_KEY}-{rest}");
    assert_eq!(
        found,
        [
            (id("0").as_str(), &json!(2)),
            (&id("0.1"), &json!(2)),
            (&id("0.3"), &json!(1)),
            (&id("2"), &json!(3)),
        ]
    );
    assert_eq!(collected.rejects.len(), 1);
    let uids: std::collections::BTreeSet<&str> = collected
        .documents
        .iter()
        .map(|stored| stored.source["uid"].as_str().unwrap())
        .collect();
    assert_eq!(uids.len(), 4, "each event has an id of its own");
    assert_eq!(collected.documents[1].source["provenance"]["ordinal"], 1);
    assert_eq!(job.lines(&lines).documents, collected.documents);
}

#[test]
fn a_program_with_a_throttle_is_ordered() {
    let plain = Job::default();
    assert!(!plain.compiled().is_ordered());
    let throttled = Job {
        steps: json!([{"if": "[a]", "then": [{"throttle": {"key": "%{k}", "period": "%{p}", "before_count": 2, "add_tag": "first"}}]}]),
        ..Job::default()
    };
    assert!(throttled.compiled().is_ordered());
    let records = [
        r#"{"a":1,"k":"x","p":10,"@timestamp":"2024-01-01T00:00:00Z"}"#,
        r#"{"a":1,"k":"x","p":10,"@timestamp":"2024-01-01T00:00:09.999Z"}"#,
        r#"{"a":1,"k":"x","p":10,"@timestamp":"2024-01-01T00:00:10Z"}"#,
        r#"{"a":1,"k":"y","p":"soon","@timestamp":"2024-01-01T00:00:10Z"}"#,
        r#"{"k":"y"}"#,
    ];
    let documents = throttled.json(&records).documents;
    let tagged: Vec<bool> = documents
        .iter()
        .map(|document| document.source.get("tags").is_some())
        .collect();
    assert_eq!(tagged, [true, false, true, true, false]);
}
