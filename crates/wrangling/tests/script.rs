//! The filter `script`: what it can do to an event, and that nothing it does gets out of hand.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

mod support;

use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Collected, environment};
use wrangling::ast::{Program, Statement};
use wrangling::{Compiled, Payload, Record, Violation, logstash, steps};

/// What comes out of steps for a record; none if they cannot be compiled.
fn run_steps(steps: &Value, record: &str) -> Result<Collected, Vec<Violation>> {
    let program = Program {
        body: steps::read(steps, "").unwrap(),
    };
    let compiled = Compiled::compile(&program, &environment())?;
    let mut collected = Collected::default();
    let record = Record {
        payload: Payload::Json(record),
        position: 0,
        file_key: support::FILE_KEY,
    };
    compiled.run(&record, &mut compiled.scratch(), &mut collected);
    Ok(collected)
}

/// The document that a script makes of a record.
fn document(source: &str, record: &Value) -> Value {
    let steps =
        json!([{"script": {"source": source}}, {"mutate": {"remove_field": ["@timestamp"]}}]);
    let mut collected = run_steps(&steps, &record.to_string()).unwrap_or_else(|e| panic!("{e:?}"));
    collected.documents.pop().unwrap().source
}

fn violations(options: &Value) -> Vec<Violation> {
    run_steps(&json!([{"script": options}]), "{}").unwrap_err()
}

#[test]
fn fields_of_every_kind_go_in_and_out() {
    let record = json!({
        "i": 7, "f": 2.5, "s": "text", "b": true, "n": null, "l": [1, "a", [2.5]], "o": {"z": 1, "a": {"deep": [10, 20]}},
    });
    let source = r#"
        event.kinds = [];
        for name in ["i", "f", "s", "b", "n", "l", "o", "none"] { event.kinds.push(type_of(event[name])); }
        event.half = event.i / 2;
        event.halved = event.i / 2.0;
        event.mixed = event.i + event.f;
        event.upper = event.s.to_upper();
        event.no = !event.b;
        event.nothing = ();
        event.l.push(#{k: 'c'});
        event.o.a.deep[1] += 5;
        event.o.fresh = `${event.s}-${event.i}`;
    "#;
    let expected = json!({
        "i": 7, "f": 2.5, "s": "text", "b": true, "n": null, "l": [1, "a", [2.5], {"k": "c"}],
        "o": {"z": 1, "a": {"deep": [10, 25]}, "fresh": "text-7"},
        "kinds": ["i64", "f64", "string", "bool", "()", "array", "map", "()"],
        "half": 3, "halved": 3.5, "mixed": 9.5, "upper": "TEXT", "no": false, "nothing": null,
    });
    assert_eq!(document(source, &record), expected);
}

#[test]
fn fields_are_reached_by_reference() {
    let record = json!({"user": {"name": "ann", "roles": ["a", "b"]}, "x": 1});
    let source = r#"
        event.first = event.get("[user][roles][0]");
        event.last = event.get("[user][roles][-1]");
        event.none = event.get("[user][none][deeper]");
        event.there = [event.contains("[user][name]"), event.contains("[user][age]"), event.contains("x")];
        event.set("[made][on][the]", "way");
        event.set("[user][roles][0]", "c");
        event.was = event.remove("[user][name]");
        event.gone = event.remove("[user][age]");
        event.remove("x");
    "#;
    let expected = json!({
        "first": "a", "last": "b", "none": null, "there": [true, false, true], "made": {"on": {"the": "way"}},
        "user": {"roles": ["c", "b"]}, "was": "ann", "gone": null,
    });
    assert_eq!(document(source, &record), expected);
}

#[test]
fn what_a_script_leaves_alone_stays_exactly_what_it_was() {
    let record = r#"{"big":123456789012345678901234567890,"exact":0.10000000000000000001,"o":{"z":1.50,"a":99999999999999999999},"n":1}"#;
    let steps = json!([
        {"script": {"source": "event.n += 1; event.o.more = event.big > 1.0;"}},
        {"mutate": {"remove_field": "@timestamp"}},
    ]);
    let program = Program {
        body: steps::read(&steps, "").unwrap(),
    };
    let compiled = Compiled::compile(&program, &environment()).unwrap();
    struct Text(Vec<u8>);
    impl wrangling::Output for Text {
        fn document(&mut self, document: &wrangling::Document<'_>) {
            document.encode(&mut self.0);
        }
        fn reject(&mut self, _: &wrangling::Reject<'_>) {}
    }
    let mut text = Text(Vec::new());
    let record = Record {
        payload: Payload::Json(record),
        position: 0,
        file_key: support::FILE_KEY,
    };
    compiled.run(&record, &mut compiled.scratch(), &mut text);
    assert_eq!(
        String::from_utf8(text.0).unwrap(),
        r#"{"big":123456789012345678901234567890,"exact":1.0000000000000000001E-1,"o":{"z":1.50,"a":99999999999999999999,"more":true},"n":2}"#
            .replace("1.0000000000000000001E-1", "0.10000000000000000001")
    );
}

#[test]
fn tags_are_set_and_removed() {
    let steps = json!([
        {"mutate": {"add_tag": ["a", "b"]}},
        {"script": {"source": "event.tag(\"c\"); event.tag(\"c\"); event.untag(\"a\");", "add_tag": "d", "id": "x"}},
        {"mutate": {"remove_field": "@timestamp"}},
    ]);
    let out = run_steps(&steps, "{}").unwrap();
    assert_eq!(out.documents[0].source, json!({"tags": ["b", "c", "d"]}));
}

#[test]
fn drop_ends_the_script_and_the_event() {
    let script =
        "fn check(n) { try { if n > 1 { drop(); } } catch { } } check(event.n); event.kept = true;";
    let steps = json!([{"script": {"source": script}}, {"mutate": {"remove_field": "@timestamp"}}]);
    assert!(run_steps(&steps, "{\"n\":2}").unwrap().documents.is_empty());
    assert_eq!(
        document(script, &json!({"n": 1})),
        json!({"n": 1, "kept": true})
    );
}

#[test]
fn timestamps_are_values_of_their_own() {
    let source = r#"
        let began = timestamp("2024-03-05T10:11:12.345Z");
        let ended = began + 1500;
        event["@timestamp"] = ended;
        event.took = ended - began;
        event.order = began < ended && began != ended;
        event.month = began.format("yyyy.MM");
        event.text = `${began}`;
        event.millis = timestamp(1000).millis;
        event.kind = type_of(began);
    "#;
    let steps = json!([{"script": {"source": source}}]);
    let out = run_steps(&steps, "{}").unwrap();
    assert_eq!(
        out.documents[0].source,
        json!({
            "@timestamp": "2024-03-05T10:11:13.845Z", "took": 1500, "order": true, "month": "2024.03",
            "text": "2024-03-05T10:11:12.345Z", "millis": 1000, "kind": "timestamp",
        })
    );
}

#[test]
fn params_are_read_and_not_shared_between_events() {
    let steps = json!([
        {"script": {
            "params": {"limit": 10, "rate": 1.5, "names": {"UA": "United"}, "on": true, "list": [1, 2]},
            "source": "fn name(names, c) { names.get(c) } event.a = [params.limit, params.rate, name(params.names, event.c), params.on, params.list[1]];",
        }},
        {"mutate": {"remove_field": "@timestamp"}},
    ]);
    let out = run_steps(&steps, "{\"c\":\"UA\"}").unwrap();
    assert_eq!(
        out.documents[0].source,
        json!({"c": "UA", "a": [10, 1.5, "United", true, 2]})
    );
    let changing = json!({"params": {"n": 1}, "source": "params.n += 1; event.n = params.n;"});
    let out = run_steps(&json!([{"script": changing}]), "{}");
    assert!(out.is_err() || out.unwrap().documents[0].source["tags"] == json!(["_scriptfailure"]));
}

#[test]
fn pipeline_files_hold_scripts_with_texts_of_their_own() {
    let text = r#"filter { script { source => 'event.set("[a][b]", `x${1 + 1}${"y"}`);' params => { "n" => 1 } } }"#;
    let body = logstash::parse(text).unwrap();
    let printed = steps::print(&body).unwrap();
    assert_eq!(steps::parse(&printed).unwrap(), body);
    let Statement::Plugin(_) = &body[0] else {
        panic!("{body:?}")
    };
    let out = run_steps(&printed, "{}").unwrap();
    assert_eq!(out.documents[0].source["a"]["b"], "x2y");
}

#[test]
fn a_failed_script_leaves_its_tag_and_nothing_else() {
    for (source, part) in [
        ("event.x = 2; event.n / 0;", "Division by zero"),
        ("event.x = 2; throw \"no good\";", "no good"),
        ("event.x = 2; event.n.no_such();", "no_such"),
        ("event.x = 2; event.n += 9223372036854775807;", "overflow"),
        ("event.x = 2; event.y = 1.0 / 0.0;", "not finite"),
        ("event.x = 2; event.y = |a| a;", "no value of a field"),
        ("event.x = 2; event.tags = 5;", "tags can only be set"),
        (
            "event.x = 2; event[\"@timestamp\"] = \"now\";",
            "@timestamp can only be set",
        ),
        ("event.x = 2; event.set(\"[n][m]\", 1);", "cannot be set"),
        ("event.x = 2; event.get(\"[n\");", "not a field reference"),
        ("event.x = 2; event = 5;", "no object"),
        ("event.x = 2; timestamp(\"soon\");", "ISO 8601"),
        ("event.x = 2; timestamp(9223372036854775807);", "years"),
        ("event.x = 2; timestamp(0).format(\"jjj\");", "date pattern"),
    ] {
        let record = json!({"n": 1, "o": {"p": [1, 2]}});
        let mut expected = record.clone();
        expected["tags"] = json!(["_scriptfailure"]);
        assert_eq!(document(source, &record), expected, "{source}");
        let steps = json!([{"script": {"source": source, "tag_on_failure": ["_own", "_two"]}}]);
        let out = run_steps(&steps, "{\"n\":1}").unwrap();
        assert_eq!(
            out.documents[0].source["tags"],
            json!(["_own", "_two"]),
            "{source}"
        );
        let job = support::Job {
            steps,
            ..support::Job::default()
        };
        let reject = job.json(&["{\"n\":1}"]).rejects.pop().unwrap();
        assert!(reject[3].contains(part), "{source}: {reject:?}");
    }
}

#[test]
fn limits_end_a_script_with_its_tag() {
    for source in [
        "loop {}",
        "let n = 0; while true { n += 1; }",
        "for i in 0..1000000000000 { let x = i; }",
        "let s = \"x\"; loop { s += s; }",
        "let s = \"x\"; s.pad(1000000000, 'y');",
        "let a = [1]; a.pad(100000000, 1);",
        "let a = [1]; loop { a += a; }",
        "let a = blob(1000000000000);",
        "let m = #{}; for i in 0..100000 { m[`k${i}`] = i; }",
        "fn f(n) { f(n + 1) } f(0);",
        "fn f(n) { f(n) + f(n) } f(0);",
        "let f = |n, g| g.call(n, g); f.call(1, f);",
        "let a = []; loop { a = [a]; }",
        "let a = []; for i in 0..1900 { a = [a]; } event.a = a;",
        "for i in 0..1000 { event.tag(`${i}`); event.o = #{o: event.get(\"o\")}; }",
    ] {
        let found = document(source, &json!({"n": 1}));
        assert_eq!(
            found,
            json!({"n": 1, "tags": ["_scriptfailure"]}),
            "{source}"
        );
    }
}

#[test]
fn the_language_s_own_functions_stand_the_deepest_values() {
    let source = r#"
        let a = #{};
        for i in 0..1900 { a = #{a: [a]}; }
        let b = a;
        let other = switch a { 1 => false, _ => true };
        event.well = [`${a}`.len() > 1900, a.to_json().len() > 1900, a == b, [a].index_of(b) == 0, other];
    "#;
    let expected = json!({"well": [true, true, true, true, true]});
    assert_eq!(document(source, &json!({})), expected);
}

#[test]
fn a_script_that_is_none_is_refused_with_its_place() {
    let found = violations(&json!({"source": "event.x = 1;\nlet y = ;"}));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (found[0].pointer.as_str(), found[0].code.as_str()),
        ("/0/script/source", "invalid_script")
    );
    assert!(
        found[0].message.starts_with("line 2, column 9: "),
        "{}",
        found[0].message
    );
    assert_eq!(violations(&json!({}))[0].code, "missing_option");
    for source in [
        "evnt.x = 1;",
        "eval(\"1\");",
        "import \"x\";",
        "export event;",
    ] {
        let found = violations(&json!({"source": source}));
        assert_eq!(found[0].code, "invalid_script", "{source}: {found:?}");
    }
    for source in [
        "(".repeat(5000),
        "[".repeat(5000),
        "{".repeat(5000),
        "!".repeat(5000),
        "- ".repeat(5000),
        "`${".repeat(5000),
        "if true {".repeat(5000),
        "switch 1 { 1 => ".repeat(3000),
        "|x| ".repeat(5000),
        "1+".repeat(9000),
        "/*".repeat(9000),
        "event.a = ".repeat(5000),
        "event.a.a".to_owned() + &".a".repeat(9000),
        "event?.a??".repeat(5000),
        "x".repeat(100_000),
        "if true {} else ".repeat(3000) + "{}",
        "#{a:".repeat(5000),
        "\"".repeat(9001),
        "event[".repeat(5000),
        "try {".repeat(5000),
    ] {
        let start: String = source.chars().take(20).collect();
        if let Ok(out) = run_steps(&json!([{"script": {"source": source}}]), "{}") {
            assert_eq!(out.documents.len(), 1, "{start}");
        }
    }
}

#[test]
fn nothing_outside_is_in_reach_and_nothing_is_kept() {
    for function in [
        "timestamp()",
        "sleep(1)",
        "sleep(0.5)",
        "rand()",
        "now()",
        "open(\"/etc/passwd\")",
        "read()",
        "http(\"x\")",
        "env(\"HOME\")",
    ] {
        let found = run_steps(
            &json!([{"script": {"source": format!("event.x = {function};")}}]),
            "{}",
        );
        if let Ok(out) = found {
            assert_eq!(
                out.documents[0].source["tags"],
                json!(["_scriptfailure"]),
                "{function}"
            );
        }
    }
    let steps = json!([{"script": {"source": "if !event.contains(\"seen\") { event.seen = 0; } event.seen += 1; let kept = 1;"}}]);
    let job = support::Job {
        steps,
        ..support::Job::default()
    };
    let out = job.json(&["{}", "{}"]);
    let seen: Vec<_> = out
        .documents
        .iter()
        .map(|stored| &stored.source["seen"])
        .collect();
    assert_eq!(seen, [1, 1]);
}

#[test]
fn ruby_is_refused_with_what_to_do_instead() {
    let found = run_steps(&json!([{"ruby": {"code": "event"}}]), "{}").unwrap_err();
    assert!(
        found[0].message.contains("the `script` step"),
        "{}",
        found[0].message
    );
}

/// Texts that are nearly scripts.
fn source() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "event\\.[a-c]( = | \\+= |\\.|\\[|;)",
        "[0-9]{1,3}(\\.[0-9])?( [-+*/%<>] |;)",
        "\"[ -~]{0,4}\"",
        "[;{}()\\[\\]|,#:`$!.?]{1,3}",
        "(let x = |if |else |while |for i in |loop |fn f\\(a\\) |return |throw |switch |try |catch |drop\\(\\);|event\\.tag\\()",
        "(event|params|x|i|this|f\\()",
        "\\PC{0,3}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("event.a".to_owned()),
        Just("event.l".to_owned()),
        Just("event".to_owned()),
        Just("event[\"@timestamp\"]".to_owned()),
        Just("()".to_owned()),
        "-?[0-9]{1,19}",
        "-?[0-9]{1,3}\\.[0-9]{1,2}",
        "\"[a-z%{}é]{0,4}\"",
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            (
                inner.clone(),
                "[-+*/%]|\\*\\*|==|<|<<|\\?\\?",
                inner.clone()
            )
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| format!("#{{k: {a}, \"@m.[x]\": {b}}}")),
            (
                inner.clone(),
                "to_string|len|keys|to_float|to_int|sqrt|reverse|to_chars|abs|split|millis|to_json"
            )
                .prop_map(|(a, f)| format!("{a}.{f}()")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("{a}[{b}]")),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_compiled_or_refused(source in source()) {
        let steps = json!([{"script": {"source": source}}]);
        match run_steps(&steps, "{\"a\":1,\"l\":[1,\"x\"],\"b\":{\"c\":1.5}}") {
            Ok(out) => prop_assert!(out.documents.len() < 2 && out.rejects.is_empty()),
            Err(found) => prop_assert!(found.iter().all(|v| v.code == "invalid_script"), "{found:?}"),
        }
    }

    #[test]
    fn every_script_that_runs_leaves_a_document_twice_the_same(values in prop::collection::vec(expression(), 1..4)) {
        let lines = values.iter().enumerate().map(|(n, value)| format!("event.r{n} = {value};\nevent.set(\"[o][{n}]\", {value});\n"));
        let steps = json!([{"script": {"source": lines.collect::<String>()}}]);
        let record = "{\"a\":12345678901234567890123,\"l\":[1,\"x\",null,{\"y\":0.5}],\"tags\":[\"t\"]}";
        if let Ok(out) = run_steps(&steps, record) {
            prop_assert_eq!(out.documents.len(), 1);
            prop_assert_eq!(run_steps(&steps, record).unwrap().documents, out.documents);
        }
    }
}
