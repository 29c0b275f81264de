//! mutate's `convert`.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use super::FilterError;
use crate::exec::{Event, FieldPath};
use crate::number::{ruby_float, ruby_integer};
use crate::value::Value;

/// A type to convert to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conversion {
    Integer,
    /// European notation: `1.234,5`.
    IntegerEu,
    Float,
    FloatEu,
    Text,
    Boolean,
}

impl Conversion {
    pub(super) const NAMES: [&'static str; 6] = [
        "integer",
        "integer_eu",
        "float",
        "float_eu",
        "string",
        "boolean",
    ];

    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "integer" => Self::Integer,
            "integer_eu" => Self::IntegerEu,
            "float" => Self::Float,
            "float_eu" => Self::FloatEu,
            "string" => Self::Text,
            "boolean" => Self::Boolean,
            _ => return None,
        })
    }

    #[inline]
    pub(super) fn apply<'a>(
        self,
        path: &FieldPath,
        event: &mut Event<'a>,
    ) -> Result<(), FilterError> {
        if let Some(place) = event.place(path)
            && let Some(value) = self.common(place)
        {
            *place = value;
            return Ok(());
        }
        let converted = match event.get(path) {
            Value::Absent | Value::Null | Value::Object(_) => return Ok(()),
            Value::Array(items) => self.list(items, event.bump),
            scalar => self.scalar(scalar, event.bump),
        };
        match converted {
            Some(value) => Ok(event.set(path, value)?),
            None => Err(self.error(path, event)),
        }
    }

    /// The common case: a plain decimal text to a number.
    #[inline]
    fn common<'a>(self, value: &Value<'a>) -> Option<Value<'a>> {
        let Value::Str(text) = value else { return None };
        match self {
            Self::Integer => small_integer(text.as_bytes()).map(Value::Int),
            Self::Float => small_integer(text.as_bytes()).map(|number| Value::Float(number as f64)),
            _ => None,
        }
    }

    #[cold]
    fn list<'a>(self, items: &[Value<'a>], bump: &'a Bump) -> Option<Value<'a>> {
        let mut converted = BumpVec::with_capacity_in(items.len(), bump);
        for item in items {
            converted.push(if item.is_nil() {
                *item
            } else {
                self.scalar(*item, bump)?
            });
        }
        Some(Value::Array(converted.into_bump_slice()))
    }

    fn scalar<'a>(self, value: Value<'a>, bump: &'a Bump) -> Option<Value<'a>> {
        match (self, value) {
            (Self::Integer, Value::Str(text)) => integer_of_text(text, bump),
            (Self::Float, Value::Str(text)) => float_of_text(text),
            (Self::IntegerEu, Value::Str(text)) => integer_of_text(&american(text), bump),
            (Self::FloatEu, Value::Str(text)) => float_of_text(&american(text)),
            (Self::Integer | Self::IntegerEu, value) => integer_of_value(value, bump),
            (Self::Float | Self::FloatEu, value) => float_of_value(value).map(Value::Float),
            (Self::Text, value) => Some(Value::Str(value.ruby_text(bump))),
            (Self::Boolean, value) => Some(boolean(value, bump)),
        }
    }

    #[cold]
    fn error(self, path: &FieldPath, event: &Event<'_>) -> FilterError {
        let shown: String = event.get(path).text(event.bump).chars().take(64).collect();
        let kind = if matches!(self, Self::Integer | Self::IntegerEu) {
            "integer"
        } else {
            "float"
        };
        FilterError::value(path.field.to_string(), format!("`{shown}` is no {kind}"))
    }
}

/// A plain decimal number of up to 18 digits; others (octal, signs, separators) take the long way.
#[inline]
fn small_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let well_formed = match digits {
        [] => false,
        [b'0', rest @ ..] => rest.is_empty(),
        _ => digits.len() <= 18,
    };
    if !well_formed {
        return None;
    }
    let mut number = 0_i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + i64::from(digit);
    }
    Some(if negative { -number } else { number })
}

#[cold]
fn integer_of_text<'a>(text: &str, bump: &'a Bump) -> Option<Value<'a>> {
    let plain = text.replace(',', "");
    if plain.contains('.') {
        return truncated(ruby_float(&plain)?, bump);
    }
    Some(Value::integer(ruby_integer(&plain)?, bump))
}

fn float_of_text<'a>(text: &str) -> Option<Value<'a>> {
    let number = if text.contains(',') {
        ruby_float(&text.replace(',', ""))
    } else {
        ruby_float(text)
    };
    number.map(Value::Float)
}

/// European to American notation: points and commas change places.
fn american(text: &str) -> String {
    let swap = |c| match c {
        ',' => '.',
        '.' => ',',
        other => other,
    };
    text.chars().map(swap).collect()
}

fn truncated<'a>(number: f64, bump: &'a Bump) -> Option<Value<'a>> {
    let whole = number.trunc();
    if !whole.is_finite() {
        return None;
    }
    if whole.abs() < 9e18 {
        return Some(Value::Int(whole as i64));
    }
    Some(Value::BigInt(bump.alloc_str(&format!("{whole:.0}"))))
}

fn integer_of_value<'a>(value: Value<'a>, bump: &'a Bump) -> Option<Value<'a>> {
    match value {
        Value::Bool(flag) => Some(Value::Int(i64::from(flag))),
        Value::Int(_) | Value::BigInt(_) => Some(value),
        Value::Float(number) => truncated(number, bump),
        Value::Decimal(text) => truncated(text.parse().ok()?, bump),
        Value::Time(ms) => Some(Value::Int(ms.div_euclid(1000))),
        _ => None,
    }
}

fn float_of_value(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Bool(flag) => Some(f64::from(u8::from(flag))),
        Value::Int(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        Value::BigInt(text) | Value::Decimal(text) => text.parse().ok(),
        Value::Time(ms) => Some(ms as f64 / 1000.0),
        _ => None,
    }
}

/// The boolean that a value, or a line of it, spells; a value that spells none stays.
fn boolean<'a>(value: Value<'a>, bump: &'a Bump) -> Value<'a> {
    let text = value.ruby_text(bump);
    let spells = |words: [&str; 5], digit: char| {
        text.split('\n').any(|line| {
            // the plugin's point is any character
            let mut chars = line.chars();
            let fraction = chars.next() == Some(digit) && chars.nth(1) == Some('0');
            let fraction = fraction && chars.next().is_none();
            fraction || words.iter().any(|word| line.eq_ignore_ascii_case(word))
        })
    };
    if spells(["true", "t", "yes", "y", "1"], '1') {
        Value::Bool(true)
    } else if text.is_empty() || spells(["false", "f", "no", "n", "0"], '0') {
        Value::Bool(false)
    } else {
        value
    }
}
