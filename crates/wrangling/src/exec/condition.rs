//! Compiled conditions with Logstash's meaning of comparisons.

use std::cmp::Ordering;

use super::event::{Event, FieldPath};
use crate::ast::{CompareOp, LogicOp};
use crate::regexes::Regex;
use crate::value::Value;

/// A compiled condition.
#[derive(Debug)]
pub(crate) enum Condition {
    Constant(bool),
    Not(Box<Condition>),
    Logic(LogicOp, Box<Condition>, Box<Condition>),
    Compare(CompareOp, Operand, Operand),
    Match {
        subject: Operand,
        regex: Regex,
        negated: bool,
    },
    In {
        needle: Operand,
        haystack: Haystack,
        negated: bool,
    },
    Truthy(FieldPath),
}

/// A side of a comparison.
#[derive(Debug)]
pub(crate) enum Operand {
    Field(FieldPath),
    Text(Box<str>),
    Int(i64),
    /// A float literal with its value.
    Float(f64),
}

/// Where `in` looks.
#[derive(Debug)]
pub(crate) enum Haystack {
    Field(FieldPath),
    Text(Box<str>),
    /// Literals by their texts.
    List(Vec<Box<str>>),
}

/// A comparison that has no answer, such as of a number with a text.
#[derive(Debug)]
pub(crate) struct ConditionError {
    pub(crate) field: String,
    pub(crate) message: String,
}

impl Condition {
    pub(crate) fn holds<'a>(&'a self, event: &Event<'a>) -> Result<bool, ConditionError> {
        Ok(match self {
            Self::Constant(value) => *value,
            Self::Not(inner) => !inner.holds(event)?,
            Self::Logic(op, left, right) => {
                let left = left.holds(event)?;
                match (op, left) {
                    (LogicOp::And, false) => false,
                    (LogicOp::Or, true) | (LogicOp::Nand, false) => true,
                    (LogicOp::And | LogicOp::Or, _) => right.holds(event)?,
                    (LogicOp::Nand, true) => !right.holds(event)?,
                    (LogicOp::Xor, left) => left != right.holds(event)?,
                }
            }
            Self::Compare(op, left, right) => compare(*op, left, right, event)?,
            Self::Match {
                subject,
                regex,
                negated,
            } => {
                let value = subject.value(event);
                let matches = !value.is_nil()
                    && regex
                        .is_match(value.text(event.bump))
                        .map_err(|error| ConditionError {
                            field: subject.name().unwrap_or_default(),
                            message: error.to_string(),
                        })?;
                matches != *negated
            }
            Self::In {
                needle,
                haystack,
                negated,
            } => contains(needle.value(event), haystack, event) != *negated,
            Self::Truthy(path) => truthy(event.get(path)),
        })
    }
}

impl Operand {
    #[inline]
    fn value<'a>(&'a self, event: &Event<'a>) -> Value<'a> {
        match self {
            Self::Field(path) => event.get(path),
            Self::Text(text) => Value::Str(text),
            Self::Int(number) => Value::Int(*number),
            Self::Float(number) => Value::Float(*number),
        }
    }

    fn name(&self) -> Option<String> {
        match self {
            Self::Field(path) => Some(path.field.to_string()),
            _ => None,
        }
    }
}

/// Present, and neither false, empty, nor the text `false`.
fn truthy(value: Value<'_>) -> bool {
    match value {
        Value::Absent | Value::Null | Value::Bool(false) => false,
        Value::Str(text) => !text.is_empty() && text != "false",
        _ => true,
    }
}

fn compare<'a>(
    op: CompareOp,
    left: &'a Operand,
    right: &'a Operand,
    event: &Event<'a>,
) -> Result<bool, ConditionError> {
    let (a, b) = (left.value(event), right.value(event));
    let accept: fn(Ordering) -> bool = match op {
        CompareOp::Eq => return Ok(same(a, b)),
        CompareOp::Ne => return Ok(!same(a, b)),
        CompareOp::Lt => Ordering::is_lt,
        CompareOp::Gt => Ordering::is_gt,
        CompareOp::Le => Ordering::is_le,
        CompareOp::Ge => Ordering::is_ge,
    };
    order(a, b).map(accept).ok_or_else(|| ConditionError {
        field: left.name().or_else(|| right.name()).unwrap_or_default(),
        message: format!(
            "{} cannot be compared with {} by `{}`",
            kind(a),
            kind(b),
            op.symbol()
        ),
    })
}

fn kind(value: Value<'_>) -> &'static str {
    match value {
        Value::Absent => "a missing field",
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Int(_) | Value::BigInt(_) | Value::Float(_) | Value::Decimal(_) => "a number",
        Value::Str(_) => "a text",
        Value::Time(_) => "a timestamp",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Equality by `==`: same kind and value. An integer never equals a float.
fn same(a: Value<'_>, b: Value<'_>) -> bool {
    match (a, b) {
        (Value::Absent | Value::Null, Value::Absent | Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) | (Value::Time(a), Value::Time(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Str(a), Value::Str(b)) | (Value::BigInt(a), Value::BigInt(b)) => a == b,
        (Value::Decimal(_), Value::Decimal(_)) => number(a) == number(b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(*a, *b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let in_b = |name: &str| {
                b.iter()
                    .find(|(other, _)| *other == name)
                    .map(|(_, value)| *value)
            };
            a.len() == b.len()
                && a.iter()
                    .all(|(name, value)| in_b(name).is_some_and(|other| same(*value, other)))
        }
        _ => false,
    }
}

/// Equality inside a list: numbers compare by value.
fn equal_in_list(a: Value<'_>, b: Value<'_>) -> bool {
    same(a, b) || number(a).zip(number(b)).is_some_and(|(a, b)| a == b)
}

fn number(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Int(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        Value::BigInt(text) | Value::Decimal(text) => text.parse().ok(),
        _ => None,
    }
}

/// Order of two numbers, two texts or two times; `None` for anything else.
fn order(a: Value<'_>, b: Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) | (Value::Time(a), Value::Time(b)) => Some(a.cmp(&b)),
        (Value::Str(a), Value::Str(b)) => Some(a.cmp(b)),
        _ => number(a)?.partial_cmp(&number(b)?),
    }
}

fn contains<'a>(needle: Value<'a>, haystack: &'a Haystack, event: &Event<'a>) -> bool {
    match haystack {
        Haystack::List(texts) => match needle {
            Value::Absent | Value::Null | Value::Array(_) | Value::Object(_) => false,
            Value::Str(needle) => texts.iter().any(|text| **text == *needle),
            other => {
                let needle = other.ruby_text(event.bump);
                texts.iter().any(|text| **text == *needle)
            }
        },
        Haystack::Text(text) => matches!(needle, Value::Str(needle) if text.contains(needle)),
        Haystack::Field(path) => match (needle, event.get(path)) {
            (Value::Absent, _) => false,
            (Value::Array(_), Value::Array(_)) => false,
            (needle, Value::Array(items)) => items.iter().any(|item| equal_in_list(needle, *item)),
            (Value::Str(needle), Value::Str(text)) => text.contains(needle),
            _ => false,
        },
    }
}
