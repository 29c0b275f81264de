//! Field values: small copies that borrow their text from the input buffer, the program or the record's arena.

use std::fmt::Write as _;

use bumpalo::Bump;
use bumpalo::collections::String as BumpString;

use crate::date::write_iso8601;
use crate::inspect::{Members, inspect};
use crate::number::{Integer, java_double, ruby_decimal, ruby_double};

/// A value of a field. Containers are immutable: a change builds a new one, so that copies may share.
#[derive(Debug, Clone, Copy, Default)]
#[repr(u64)]
pub(crate) enum Value<'a> {
    /// No such field.
    #[default]
    Absent,
    Null,
    Bool(bool),
    Int(i64),
    /// An integer beyond 64 bits, as its canonical text.
    BigInt(&'a str),
    /// The result of a conversion: a double.
    Float(f64),
    /// A fraction from JSON: exact, as the text that Java's `BigDecimal` has for it.
    Decimal(&'a str),
    Str(&'a str),
    /// A timestamp in milliseconds since 1970.
    Time(i64),
    Array(&'a [Value<'a>]),
    Object(&'a [Member<'a>]),
}

/// One member of an object.
pub(crate) type Member<'a> = (&'a str, Value<'a>);

impl<'a> Value<'a> {
    /// A whole number of any size.
    pub(crate) fn integer(number: Integer, bump: &'a Bump) -> Self {
        match number {
            Integer::Small(number) => Self::Int(number),
            Integer::Big(digits) => Self::BigInt(bump.alloc_str(&digits)),
        }
    }

    pub(crate) fn is_absent(self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Absent or null: what Ruby sees as nil.
    pub(crate) fn is_nil(self) -> bool {
        matches!(self, Self::Absent | Self::Null)
    }

    /// What kind of value this is, for messages.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Absent => "missing",
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::BigInt(_) | Self::Float(_) | Self::Decimal(_) => "a number",
            Self::Str(_) => "a text",
            Self::Time(_) => "a timestamp",
            Self::Array(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// The member `key` of a container; array indices may count from the end.
    pub(crate) fn member(self, key: &str) -> Value<'a> {
        match self {
            Self::Object(members) => members
                .iter()
                .find(|(name, _)| *name == key)
                .map_or(Value::Absent, |(_, value)| *value),
            Self::Array(items) => array_index(key, items.len())
                .and_then(|index| items.get(index))
                .map_or(Value::Absent, |value| *value),
            _ => Value::Absent,
        }
    }

    /// The value below `self` at `path`.
    pub(crate) fn at(self, path: &[String]) -> Value<'a> {
        path.iter().fold(self, |value, key| value.member(key))
    }

    /// The text that sprintf inserts; nil is an empty text.
    pub(crate) fn text(self, bump: &'a Bump) -> &'a str {
        self.render(bump, java_double)
    }

    /// The text that Ruby's `to_s` gives: JSON fractions in `BigDecimal`'s notation (`0.25e1`), lists and objects in Ruby's.
    pub(crate) fn ruby_text(self, bump: &'a Bump) -> &'a str {
        match self {
            Self::Decimal(text) => bump.alloc_str(&ruby_decimal(text)),
            Self::Float(number) => bump.alloc_str(&ruby_double(number)),
            Self::Array(_) | Self::Object(_) => {
                let mut text = String::new();
                inspect(self, Members::AsTheyStand, bump, &mut text);
                bump.alloc_str(&text)
            }
            other => other.text(bump),
        }
    }

    fn render(self, bump: &'a Bump, double: fn(f64, &mut String)) -> &'a str {
        match self {
            Self::Str(text) | Self::BigInt(text) | Self::Decimal(text) => text,
            Self::Absent | Self::Null => "",
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
            Self::Int(number) => bump.alloc_str(itoa::Buffer::new().format(number)),
            Self::Float(number) => {
                let mut text = String::new();
                double(number, &mut text);
                bump.alloc_str(&text)
            }
            Self::Time(ms) => {
                let mut text = Vec::new();
                write_iso8601(ms, &mut text);
                bump.alloc_str(&String::from_utf8_lossy(&text))
            }
            Self::Array(items) => {
                let mut text = BumpString::new_in(bump);
                join_java(items, &mut text, bump);
                text.into_bump_str()
            }
            Self::Object(_) => {
                let mut text = Vec::new();
                crate::json::write_sorted(self, &mut text);
                bump.alloc_str(&String::from_utf8_lossy(&text))
            }
        }
    }
}

/// Where `key` points in an array of `len` items; `None` if it is no index or outside.
pub(crate) fn array_index(key: &str, len: usize) -> Option<usize> {
    let index: i64 = key.parse().ok()?;
    let index = if index < 0 {
        index.checked_add(i64::try_from(len).ok()?)?
    } else {
        index
    };
    usize::try_from(index).ok().filter(|index| *index < len)
}

/// Items joined by commas, nested lists flattened, objects in Java's `{k=v}` notation, nil as nothing.
fn join_java<'a>(items: &[Value<'a>], text: &mut BumpString<'a>, bump: &'a Bump) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        match item {
            Value::Array(inner) => join_java(inner, text, bump),
            other => java_text(*other, text, bump),
        }
    }
}

fn java_text<'a>(value: Value<'a>, text: &mut BumpString<'a>, bump: &'a Bump) {
    match value {
        Value::Object(members) => {
            text.push('{');
            for (index, (name, value)) in members.iter().enumerate() {
                let _infallible = write!(text, "{}{name}=", if index > 0 { ", " } else { "" });
                java_text(*value, text, bump);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                java_text(*item, text, bump);
            }
            text.push(']');
        }
        other => text.push_str(other.text(bump)),
    }
}
