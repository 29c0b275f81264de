//! The steps notation: what it refuses, and that it prints what it parses.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

use proptest::prelude::*;
use serde_json::{Value, json};
use wrangling::{logstash, steps};

#[test]
fn every_problem_is_reported_with_its_place() {
    let spec = json!([
        {"mutat": {}},
        {"mutate": {"convertt": {"a": "integer"}, "convert": {"a": "decimal"}, "rename": ["a"]}},
        {"if": "[a] == true", "then": [{"date": {"match": ["t", "qq"], "timezone": "Mars"}}], "otherwise": []},
        {"if": "[a]"},
        {"json": {}, "drop": {}},
        "drop",
        {"json": {}},
        {"if": "[a]", "then": [], "elif": [{"if": "[b", "then": [{"csv": {"quote_char": "ab"}}]}]},
        {"mutate": {"gsub": ["a", "(?=x", "y", "z"], "add_field": {"[x": "1"}}},
        {"if": "[a] =~ /(/", "then": []},
        {"drop": {"percentage": null, "id": "twice"}},
        {"drop": {"id": "twice"}},
    ]);
    let violations = steps::parse_at(&spec, "/wrangling").unwrap_err();
    let mut found: Vec<_> = violations
        .iter()
        .map(|v| (v.pointer.as_str(), v.code.as_str()))
        .collect();
    found.sort_unstable();
    let mut expected = [
        ("/wrangling/0/mutat", "unknown_filter"),
        ("/wrangling/1/mutate/convertt", "unknown_option"),
        ("/wrangling/1/mutate/convert/a", "invalid_conversion"),
        ("/wrangling/1/mutate/rename", "wrong_type"),
        ("/wrangling/2/if", "invalid_condition"),
        ("/wrangling/2/otherwise", "unknown_field"),
        ("/wrangling/2/then/0/date/match", "invalid_date_format"),
        ("/wrangling/2/then/0/date/timezone", "unknown_timezone"),
        ("/wrangling/3", "missing_field"),
        ("/wrangling/4", "invalid_step"),
        ("/wrangling/5", "wrong_type"),
        ("/wrangling/6/json/source", "missing_option"),
        ("/wrangling/7/elif/0/if", "invalid_condition"),
        ("/wrangling/7/elif/0/then/0/csv/quote_char", "invalid_quote"),
        ("/wrangling/8/mutate/add_field", "invalid_field"),
        ("/wrangling/8/mutate/gsub", "invalid_gsub"),
        ("/wrangling/8/mutate/gsub", "invalid_regex"),
        ("/wrangling/9/if", "invalid_regex"),
        ("/wrangling/10/drop/percentage", "wrong_type"),
        ("/wrangling/11/drop/id", "duplicate_id"),
    ];
    expected.sort_unstable();
    assert_eq!(found, expected, "{violations:#?}");
    let of = |code: &str| {
        violations
            .iter()
            .find(|v| v.code == code)
            .unwrap()
            .message
            .clone()
    };
    assert!(
        of("unknown_filter")
            .starts_with("there is no filter `mutat`; allowed: bytes, cidr, clone,")
    );
    assert!(of("unknown_option").contains("allowed: capitalize, coerce, convert,"));
}

#[test]
fn both_notations_give_the_same_program() {
    let text = r#"
        filter {
          # a comment
          mutate { convert => { "n" => "integer" } add_tag => ["x", "y"] id => late }
          if [carrier] == "UA" and [n] > 15 { drop { percentage => 12.5 } }
          else if [carrier] in ["AA", "B6"] { json { source => "j" skip_on_invalid_json => true } }
          else { mutate { remove_field => "n" } }
        }"#;
    let spec = json!([
        {"mutate": {"convert": {"n": "integer"}, "add_tag": ["x", "y"], "id": "late"}},
        {
            "if": "[carrier] == \"UA\" and [n] > 15",
            "then": [{"drop": {"percentage": 12.5}}],
            "elif": [{
                "if": "[carrier] in [\"AA\", \"B6\"]",
                "then": [{"json": {"source": "j", "skip_on_invalid_json": true}}],
            }],
            "else": [{"mutate": {"remove_field": "n"}}],
        },
    ]);
    let from_text = logstash::parse(text).unwrap();
    assert_eq!(steps::print(&from_text).unwrap(), spec);
    assert_eq!(steps::print(&steps::parse(&spec).unwrap()).unwrap(), spec);
}

#[test]
fn logstash_text_is_refused_with_line_and_column() {
    for (text, place, message) in [
        (
            "filter {\n  mutate {\n",
            "3:1",
            "expected an option's name or `}`, found the end",
        ),
        ("mutate { add_tag > 1 }", "1:18", "expected `=>`, found `>`"),
        (
            "mutate { rename => { aa => bb aa => cc } }",
            "1:31",
            "expected each key once; `aa` is repeated, found `aa`",
        ),
        (
            "if [a] == { }",
            "1:11",
            "expected a field reference `[name]`, a string or a number, found `{`",
        ),
        (
            "input { stdin {} }",
            "1:1",
            "expected a `filter` section; a job's source and destination are in its spec",
        ),
    ] {
        let violations = logstash::parse(text).unwrap_err();
        assert_eq!(violations[0].pointer, place, "{text}: {}", violations[0]);
        assert!(
            violations[0].message.contains(message),
            "{text}: {}",
            violations[0]
        );
    }
    let violations = logstash::parse("filter {\n  mutate { nope => 1 }\n}").unwrap_err();
    assert_eq!(
        (violations[0].pointer.as_str(), violations[0].code.as_str()),
        ("2:3/mutate/nope", "unknown_option")
    );
}

#[test]
fn the_json_schema_lists_every_filter_and_option() {
    let mut generator = schemars::SchemaGenerator::default();
    let reference = steps::json_schema(&mut generator);
    assert_eq!(reference.as_value(), &json!({"$ref": "#/$defs/Steps"}));
    let definitions = generator.definitions();
    let choices = definitions["Steps"]
        .pointer("/items/oneOf")
        .and_then(Value::as_array)
        .unwrap();
    // the page for people says of each what it does with it
    let page = include_str!("../../../reports/pipeline-language.md");
    let (page, _other_tables) = page.split_once("\n## ").unwrap_or((page, ""));
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(choices.len(), rows + 1, "every filter and the conditional");
    for choice in choices {
        let properties = choice["properties"].as_object().unwrap();
        let Some((filter, options)) = properties.iter().find(|(name, _)| *name != "if") else {
            continue;
        };
        if properties.contains_key("if") {
            continue;
        }
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{filter}` |")))
            .unwrap_or_else(|| panic!("{filter} has no row"));
        for option in options["properties"].as_object().unwrap().keys() {
            let named = format!("`{option}`");
            assert!(
                row.contains(&named) || page.split("| filter").next().unwrap().contains(&named),
                "{filter}'s {option} is not on the page"
            );
        }
    }
    let mutate = choices
        .iter()
        .find_map(|choice| choice.pointer("/properties/mutate"))
        .unwrap();
    assert_eq!(mutate["additionalProperties"], false);
    assert!(
        mutate["properties"]["gsub"].is_object() && mutate["properties"]["add_tag"].is_object()
    );
}

fn field() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,6}", "\\[[a-z]{1,4}\\]\\[[a-z 0-9]{1,4}\\]"]
}

fn operand() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\[[a-z]{1,4}\\]",
        "\\[[a-z]{1,4}\\]\\[[a-z]{1,4}\\]",
        "\"[ -!#-\\[\\]-~]{0,6}\"",
        "'[ -&(-\\[\\]-~]{0,6}'",
        (-500_i32..500).prop_map(|number| number.to_string()),
        (-500_i32..500).prop_map(|number| format!("{number}.5")),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (operand(), "==|!=|<|>|<=|>=", operand()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        (operand(), "=~|!~", "[a-z0-9.]{1,6}")
            .prop_map(|(a, op, pattern)| format!("{a} {op} /{pattern}/")),
        (operand(), "in|not in", "\"[a-z]{0,3}\", [0-9]{1,3}")
            .prop_map(|(a, op, list)| format!("{a} {op} [{list}]")),
        (operand(), "in|not in", "\\[[a-z]{1,4}\\]").prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        operand(),
        "!\\[[a-z]{1,4}\\]",
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), "and|or|xor|nand", inner.clone())
                .prop_map(|(a, op, b)| format!("(({a}) {op} ({b}))")),
            (inner.clone(), "and|or", inner.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

fn filter() -> impl Strategy<Value = Value> {
    let text = "[a-zA-Z%{} .]{0,8}";
    prop_oneof![
        (field(), "integer|float|string|boolean")
            .prop_map(|(field, kind)| json!({"mutate": {"convert": {field: kind}}})),
        (field(), prop::collection::vec("[a-z]{1,4}", 0..3))
            .prop_map(|(f, tags)| json!({"json": {"source": f, "add_tag": tags}})),
        (field(), text).prop_map(
            |(field, value)| json!({"mutate": {"strip": field, "replace": {"x": value}}})
        ),
        field().prop_map(|field| json!({"date": {"match": [field, "ISO8601", "dd/MM/yyyy"]}})),
        (0..100).prop_map(|percentage| json!({"drop": {"percentage": percentage}})),
        any::<bool>().prop_map(|skip| json!({"csv": {"columns": ["a", "b"], "skip_header": skip}})),
    ]
}

fn spec() -> impl Strategy<Value = Value> {
    let steps = prop::collection::vec(filter(), 0..4).prop_map(Value::Array);
    steps.prop_recursive(3, 24, 3, |inner| {
        let conditional = (condition(), inner.clone(), condition(), inner.clone(), inner.clone()).prop_map(
            |(first, then, second, elif, otherwise)| {
                json!({"if": first, "then": then, "elif": [{"if": second, "then": elif}], "else": otherwise})
            },
        );
        prop::collection::vec(prop_oneof![filter(), conditional], 0..4).prop_map(Value::Array)
    })
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same(spec in spec()) {
        if let Ok(body) = steps::parse(&spec) {
            let printed = steps::print(&body).unwrap();
            prop_assert_eq!(steps::parse(&printed).unwrap(), body);
        }
    }

    #[test]
    fn conditions_of_the_grammar_parse(text in condition()) {
        let spec = json!([{"if": text, "then": []}]);
        if let Err(violations) = steps::parse(&spec) {
            prop_assert!(violations.iter().all(|v| v.code != "invalid_condition" || v.message.contains("contains nothing")), "{}: {:?}", text, violations);
        }
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in ".{0,40}", noise in "[\\[\\](){}\"'/!=~<>, a-z0-9\\\\#-]{0,40}") {
        let _ = logstash::parse(&text);
        let _ = logstash::parse(&noise);
        let _ = steps::parse(&json!([{"if": noise, "then": []}]));
    }
}
