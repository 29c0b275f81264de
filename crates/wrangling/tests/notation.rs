//! The notation of whole configurations: parse → print → parse is the identity, and errors say where they are.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

use proptest::collection::vec;
use proptest::prelude::*;
use wrangling::ast::{
    At, Branch, CompareOp, Expr, If, Literal, LogicOp, Number, Operand, Pipeline, Plugin, Statement,
};
use wrangling::field_ref::FieldRef;
use wrangling::logstash;

/// Texts that can be quoted: not both kinds of quotes, no backslash at the end.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z%{}\\[\\]+ #=>,\n\t/é]{0,8}",
        "[a-z']{0,4}",
        "[a-z\"]{0,4}",
        "\\\\[a-z\\\\]{0,3}[a-z]"
    ]
}

fn word() -> impl Strategy<Value = String> {
    "[a-z_][a-z0-9_]{1,6}".prop_filter("a keyword", |word| {
        !["if", "else", "elseif", "true", "false", "not"].contains(&word.as_str())
    })
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        (-999..999, 0..99_u32).prop_map(|(whole, part)| format!("{whole}.{part}")),
    ]
    .prop_map(|text| Number::parse(&text).unwrap())
}

fn field() -> impl Strategy<Value = FieldRef> {
    vec("[a-z@. 0-9'\",]{1,5}", 1..3)
        .prop_map(|path| FieldRef::parse(&format!("[{}]", path.join("]["))).unwrap())
}

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![
        field().prop_map(Operand::Field),
        text().prop_map(Operand::String),
        number().prop_map(Operand::Number),
    ]
}

fn list() -> impl Strategy<Value = Operand> {
    let item = prop_oneof![
        text().prop_map(Operand::String),
        number().prop_map(Operand::Number)
    ];
    vec(item, 0..3).prop_map(Operand::Array)
}

fn condition() -> impl Strategy<Value = Expr> {
    let compare = prop_oneof![
        Just(CompareOp::Eq),
        Just(CompareOp::Ne),
        Just(CompareOp::Le),
        Just(CompareOp::Gt)
    ];
    let haystack = prop_oneof![
        field().prop_map(Operand::Field),
        text().prop_map(Operand::String),
        list()
    ];
    let leaf = prop_oneof![
        field().prop_map(|field| Expr::Truthy(Operand::Field(field))),
        (compare, operand(), operand()).prop_map(|(op, a, b)| Expr::Compare(op, a, b)),
        (operand(), haystack, any::<bool>()).prop_map(|(needle, haystack, negated)| Expr::In {
            needle,
            haystack,
            negated
        }),
        (field(), "[a-z(/ ]{0,5}", any::<bool>()).prop_map(|(field, pattern, negated)| {
            Expr::Match {
                subject: Operand::Field(field),
                pattern,
                negated,
            }
        }),
    ];
    let logic = prop_oneof![
        Just(LogicOp::And),
        Just(LogicOp::Or),
        Just(LogicOp::Xor),
        Just(LogicOp::Nand)
    ];
    leaf.prop_recursive(4, 12, 2, move |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Expr::Not(Box::new(inner))),
            (logic.clone(), inner.clone(), inner).prop_map(|(op, a, b)| Expr::Logic(
                op,
                Box::new(a),
                Box::new(b)
            )),
        ]
    })
}

fn literal() -> impl Strategy<Value = Literal> {
    let leaf = prop_oneof![
        text().prop_map(Literal::String),
        number().prop_map(Literal::Number),
        any::<bool>().prop_map(Literal::Bool),
        word().prop_map(Literal::Bareword),
    ];
    leaf.prop_recursive(3, 10, 3, |inner| {
        let members = vec((text(), inner.clone()), 0..3).boxed();
        prop_oneof![
            vec(inner, 0..3).prop_map(Literal::Array),
            members
                .clone()
                .prop_map(|members| Literal::Hash(once_each(members))),
            (word(), members).prop_map(|(name, members)| Literal::Plugin(Plugin {
                name,
                options: once_each(members),
                at: At::default(),
            })),
        ]
    })
}

/// The first value of each name.
fn once_each(members: Vec<(String, Literal)>) -> Vec<(String, Literal)> {
    let mut kept: Vec<(String, Literal)> = Vec::new();
    for (name, value) in members {
        if !kept.iter().any(|(known, _)| *known == name) {
            kept.push((name, value));
        }
    }
    kept
}

fn statement() -> impl Strategy<Value = Statement> {
    let name = "[a-z][a-z0-9_-]{1,6}".prop_filter("a keyword", |name| {
        !name.starts_with("if") && !name.starts_with("else")
    });
    let plugin = (name, vec((text(), literal()), 0..3)).prop_map(|(name, options)| {
        Statement::Plugin(Plugin {
            name,
            options: once_each(options),
            at: At::default(),
        })
    });
    plugin.prop_recursive(3, 8, 2, |inner| {
        let branch = (condition(), vec(inner.clone(), 0..3)).prop_map(|(condition, body)| Branch {
            condition,
            body,
            at: At::default(),
        });
        (vec(branch, 1..3), vec(inner, 0..2)).prop_map(|(branches, otherwise)| {
            Statement::If(If {
                branches,
                otherwise,
            })
        })
    })
}

proptest! {
    #[test]
    fn a_printed_configuration_is_read_as_the_same(
        inputs in vec(statement(), 0..2),
        filters in vec(statement(), 0..3),
        outputs in vec(statement(), 0..2),
    ) {
        let pipeline = Pipeline { inputs, filters, outputs };
        let text = match logstash::print(&pipeline) {
            Ok(text) => text,
            Err(logstash::PrintError::Unquotable(_)) => return Ok(()),
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
        };
        prop_assert_eq!(logstash::parse_pipeline(&text), Ok(pipeline), "{}", text);
    }

    #[test]
    fn no_text_is_too_much(text in ".{0,60}", noise in "[ifput{}\\[\\]=>\"'/!()a#\n]{0,60}") {
        let _ = logstash::parse_pipeline(&text);
        let _ = logstash::parse_pipeline(&format!("filter {{ {noise} }}"));
    }
}

#[test]
fn errors_say_where_and_what_was_expected() {
    for (text, message) in [
        ("inputs { }", "line 1, column 6: expected `{`, found `s`"),
        (
            "filter {\n  mutate { add_tag = [\"a\"] }\n}",
            "line 2, column 20: expected `=>`, found `=`",
        ),
        (
            "filter { mutate { add_tag => [\"a\"]add_field => { } } }",
            "line 1, column 35: expected white space before an option's name, or `}`, found `add_field`",
        ),
        (
            "filter { mutate { rename => { \"a\" => \"b\" \"a\" => \"c\" } } }",
            "line 1, column 42: expected each key once; `a` is repeated, found a string",
        ),
        (
            "output { stdout { codec => json",
            "line 1, column 32: expected an option's name or `}`, found the end",
        ),
        (
            "filter { drop { } # no end",
            "line 1, column 27: expected a filter, `if` or `}`, found the end",
        ),
    ] {
        let violations = logstash::parse_pipeline(text).unwrap_err();
        assert_eq!(violations[0].message, message, "{text}");
    }
}

#[test]
fn a_repeated_option_adds_to_what_was_given_before() {
    let text = r#"filter { grok {
        match => { "message" => "a" } match => { "message" => "b" "other" => "c" }
        add_tag => "x" add_tag => "y" add_tag => "x" id => "one" id => "one"
    } }"#;
    let merged = r#"filter { grok {
        match => { "message" => ["a", "b"] "other" => "c" } add_tag => ["x", "y", "x"] id => "one"
    } }"#;
    assert_eq!(
        logstash::parse_pipeline(text).unwrap(),
        logstash::parse_pipeline(merged).unwrap()
    );
}
