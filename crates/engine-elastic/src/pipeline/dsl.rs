//! Short names for the parts of a configuration.

use wrangling::ast::{
    At, Branch, CompareOp, Expr, If, Literal, LogicOp, Operand, Plugin, Statement,
};
use wrangling::field_ref::FieldRef;

/// Where it is noted why an event is rejected.
pub(crate) const REJECT: &str = "[@metadata][ingest][reject]";

/// A field of the platform's own.
pub(crate) fn ingest(name: &str) -> String {
    format!("[@metadata][ingest][{name}]")
}

pub(crate) fn text(value: impl Into<String>) -> Literal {
    Literal::String(value.into())
}

pub(crate) fn list<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Literal {
    Literal::Array(values.into_iter().map(text).collect())
}

pub(crate) fn hash(entries: Vec<(&str, Literal)>) -> Literal {
    Literal::Hash(owned(entries))
}

fn owned(entries: Vec<(&str, Literal)>) -> Vec<(String, Literal)> {
    let own = |(name, value): (&str, Literal)| (name.to_owned(), value);
    entries.into_iter().map(own).collect()
}

pub(crate) fn plugin(name: &str, options: Vec<(&str, Literal)>) -> Plugin {
    Plugin {
        name: name.to_owned(),
        options: owned(options),
        at: At::default(),
    }
}

pub(crate) fn when(condition: Expr, body: Vec<Statement>) -> Statement {
    choose(condition, body, Vec::new())
}

pub(crate) fn choose(
    condition: Expr,
    body: Vec<Statement>,
    otherwise: Vec<Statement>,
) -> Statement {
    let at = At::default();
    Statement::If(If {
        branches: vec![Branch {
            condition,
            body,
            at,
        }],
        otherwise,
    })
}

/// A field as an operand. The reference is one that the platform or a compiled program has parsed before; another is taken
/// for a name.
fn field(reference: &str) -> Operand {
    Operand::Field(FieldRef::parse(reference).unwrap_or_else(|_| FieldRef::top(reference)))
}

pub(crate) fn truthy(reference: &str) -> Expr {
    Expr::Truthy(field(reference))
}

pub(crate) fn not(condition: Expr) -> Expr {
    Expr::Not(Box::new(condition))
}

pub(crate) fn both(left: Expr, right: Expr) -> Expr {
    Expr::Logic(LogicOp::And, Box::new(left), Box::new(right))
}

pub(crate) fn either(left: Expr, right: Expr) -> Expr {
    Expr::Logic(LogicOp::Or, Box::new(left), Box::new(right))
}

/// The field has this text.
pub(crate) fn is(reference: &str, value: &str) -> Expr {
    Expr::Compare(
        CompareOp::Eq,
        field(reference),
        Operand::String(value.to_owned()),
    )
}

/// Two fields are equal.
pub(crate) fn same(left: &str, right: &str) -> Expr {
    Expr::Compare(CompareOp::Eq, field(left), field(right))
}

pub(crate) fn matches(reference: &str, pattern: &str) -> Expr {
    Expr::Match {
        subject: field(reference),
        pattern: pattern.to_owned(),
        negated: false,
    }
}

pub(crate) fn tagged(tag: &str) -> Expr {
    Expr::In {
        needle: Operand::String(tag.to_owned()),
        haystack: field("tags"),
        negated: false,
    }
}

/// Notes why an event is rejected. The message may hold sprintf references.
pub(crate) fn reject(code: &str, step: &str, field: &str, message: &str) -> Statement {
    let at = |name: &str| format!("{REJECT}[{name}]");
    let names = ["code", "step", "field", "message"].map(at);
    let values = [code, step, field, message].map(text);
    let entries = names.iter().map(String::as_str).zip(values);
    Statement::Plugin(plugin(
        "mutate",
        vec![("add_field", hash(entries.collect()))],
    ))
}
