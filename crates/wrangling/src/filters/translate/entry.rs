//! Values of a dictionary, kept for the run.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use crate::ast::{Literal, Number};
use crate::number::{Integer, ruby_integer};
use crate::value::Value;

/// A value of any type. See [`Value`] for what the numbers are.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Entry {
    Null,
    Bool(bool),
    Int(i64),
    BigInt(Box<str>),
    Float(f64),
    Decimal(Box<str>),
    Text(Box<str>),
    Time(i64),
    List(Vec<Entry>),
    Map(Vec<(Box<str>, Entry)>),
}

impl Entry {
    /// The value for an event; containers are built anew.
    pub(super) fn value<'a>(&'a self, bump: &'a Bump) -> Value<'a> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(number) => Value::Int(*number),
            Self::BigInt(text) => Value::BigInt(text),
            Self::Float(number) => Value::Float(*number),
            Self::Decimal(text) => Value::Decimal(text),
            Self::Text(text) => Value::Str(text),
            Self::Time(ms) => Value::Time(*ms),
            Self::List(items) => {
                let items = items.iter().map(|item| item.value(bump));
                Value::Array(BumpVec::from_iter_in(items, bump).into_bump_slice())
            }
            Self::Map(members) => {
                let members = members
                    .iter()
                    .map(|(name, member)| (&**name, member.value(bump)));
                Value::Object(BumpVec::from_iter_in(members, bump).into_bump_slice())
            }
        }
    }

    /// The number of an integer's text, in Ruby's notation.
    pub(super) fn integer(text: &str) -> Option<Self> {
        Some(match ruby_integer(text)? {
            Integer::Small(number) => Self::Int(number),
            Integer::Big(text) => Self::BigInt(text.into()),
        })
    }
}

impl From<Value<'_>> for Entry {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Absent | Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Int(number) => Self::Int(number),
            Value::BigInt(text) => Self::BigInt(text.into()),
            Value::Float(number) => Self::Float(number),
            Value::Decimal(text) => Self::Decimal(text.into()),
            Value::Str(text) => Self::Text(text.into()),
            Value::Time(ms) => Self::Time(ms),
            Value::Array(items) => Self::List(items.iter().map(|item| (*item).into()).collect()),
            Value::Object(members) => {
                let member = |(name, value): &(&str, Value<'_>)| ((*name).into(), (*value).into());
                Self::Map(members.iter().map(member).collect())
            }
        }
    }
}

impl From<&Literal> for Entry {
    fn from(literal: &Literal) -> Self {
        match literal {
            Literal::String(text) | Literal::Bareword(text) => Self::Text(text.as_str().into()),
            // a bare word of the language, which has no booleans
            Literal::Bool(value) => Self::Text(value.to_string().into()),
            Literal::Number(number) => number.into(),
            Literal::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Literal::Hash(members) => {
                let member =
                    |(name, value): &(String, Literal)| (name.as_str().into(), value.into());
                Self::Map(members.iter().map(member).collect())
            }
            // only a codec is one
            Literal::Plugin(plugin) => Self::Text(plugin.name.as_str().into()),
        }
    }
}

impl From<&Number> for Entry {
    fn from(number: &Number) -> Self {
        let text = number.text();
        match text.parse::<i64>() {
            Ok(whole) => Self::Int(whole),
            Err(_) if number.is_float() => Self::Float(text.parse().unwrap_or(f64::NAN)),
            Err(_) => Self::BigInt(text.into()),
        }
    }
}
