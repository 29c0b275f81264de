//! Which values fit which field type.

use std::net::IpAddr;

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use crate::date::{DateContext, DateFormats, Zone};
use crate::exec::Context;
use crate::schema::{Field, FieldType};
use crate::value::Value;

/// The check of one field's type.
#[derive(Debug)]
pub(super) struct Checker {
    kind: FieldType,
    formats: DateFormats,
}

/// What a check finds.
#[derive(Debug)]
pub(super) enum Verdict<'a> {
    Fits,
    /// It spells a value of the type: this one.
    Becomes(Value<'a>),
    /// Why not, as the end of a sentence that begins with the value.
    Mismatch(&'static str),
}

impl Checker {
    /// `None` if the field's formats cannot be used, which validation reports.
    pub(super) fn compile(field: &Field) -> Option<Self> {
        let default = ["ISO8601".to_owned()];
        let formats = if field.formats.is_empty() {
            default.as_slice()
        } else {
            &field.formats
        };
        Some(Self {
            kind: field.kind,
            formats: DateFormats::compile(formats).ok()?,
        })
    }

    /// Elasticsearch takes a list wherever it takes a value: each item is checked.
    #[inline]
    pub(super) fn check<'a>(
        &self,
        value: Value<'a>,
        bump: &'a Bump,
        context: Context<'_>,
    ) -> Verdict<'a> {
        match value {
            Value::Array(items) if self.kind != FieldType::GeoPoint || !is_pair(items) => {
                self.list(items, bump, context)
            }
            scalar => self.scalar(scalar, bump, context),
        }
    }

    #[cold]
    fn list<'a>(&self, items: &[Value<'a>], bump: &'a Bump, context: Context<'_>) -> Verdict<'a> {
        let mut checked = BumpVec::with_capacity_in(items.len(), bump);
        for item in items {
            checked.push(
                match if item.is_nil() {
                    Verdict::Fits
                } else {
                    self.check(*item, bump, context)
                } {
                    Verdict::Fits => *item,
                    Verdict::Becomes(value) => value,
                    mismatch @ Verdict::Mismatch(_) => return mismatch,
                },
            );
        }
        Verdict::Becomes(Value::Array(checked.into_bump_slice()))
    }

    #[inline]
    fn scalar<'a>(&self, value: Value<'a>, bump: &'a Bump, context: Context<'_>) -> Verdict<'a> {
        match self.kind {
            FieldType::Keyword | FieldType::Text => match value {
                Value::Object(_) => Verdict::Mismatch("is an object, not a text"),
                _ => Verdict::Fits,
            },
            FieldType::Integer => whole(
                value,
                i64::from(i32::MIN)..=i64::from(i32::MAX),
                "is no 32-bit integer",
            ),
            FieldType::Long => whole(value, i64::MIN..=i64::MAX, "is no 64-bit integer"),
            FieldType::Float => real(
                value,
                f64::from(f32::MAX),
                "is no 32-bit floating-point number",
            ),
            FieldType::Double => real(value, f64::MAX, "is no 64-bit floating-point number"),
            FieldType::Boolean => match value {
                Value::Bool(_) => Verdict::Fits,
                Value::Str("true") => Verdict::Becomes(Value::Bool(true)),
                Value::Str("false") => Verdict::Becomes(Value::Bool(false)),
                _ => Verdict::Mismatch("is no boolean"),
            },
            FieldType::Date => self.date(value, bump, context),
            FieldType::Ip => match value {
                Value::Str(text) if text.parse::<IpAddr>().is_ok() => Verdict::Fits,
                _ => Verdict::Mismatch("is no IP address"),
            },
            FieldType::GeoPoint if is_geo_point(value) => Verdict::Fits,
            FieldType::GeoPoint => {
                Verdict::Mismatch("is no point: {lat, lon}, \"lat,lon\" or [lon, lat] in degrees")
            }
            FieldType::Object => match value {
                Value::Object(_) => Verdict::Fits,
                _ => Verdict::Mismatch("is no object"),
            },
        }
    }

    fn date<'a>(&self, value: Value<'a>, bump: &'a Bump, context: Context<'_>) -> Verdict<'a> {
        let text = match value {
            Value::Time(_) => return Verdict::Fits,
            Value::Str(text) => text,
            Value::Int(_) | Value::Decimal(_) | Value::Float(_) => value.text(bump),
            _ => return Verdict::Mismatch("is no date"),
        };
        let context = DateContext {
            zone: &Zone::Utc,
            clock_ms: context.clock_ms,
        };
        match self.formats.parse(text, &context) {
            Some(ms) => Verdict::Becomes(Value::Time(ms)),
            None => Verdict::Mismatch("has none of the field's date formats"),
        }
    }
}

#[inline]
fn whole(
    value: Value<'_>,
    range: std::ops::RangeInclusive<i64>,
    reason: &'static str,
) -> Verdict<'static> {
    let (number, fits) = match value {
        Value::Int(number) => (Some(number), true),
        Value::Str(text) => (text.parse().ok(), false),
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 9e18 => {
            (Some(number as i64), false)
        }
        Value::Decimal(text) => (
            text.parse::<f64>()
                .ok()
                .filter(|n| n.fract() == 0.0 && n.abs() < 9e15)
                .map(|n| n as i64),
            false,
        ),
        _ => (None, false),
    };
    match number.filter(|number| range.contains(number)) {
        Some(_) if fits => Verdict::Fits,
        Some(number) => Verdict::Becomes(Value::Int(number)),
        None => Verdict::Mismatch(reason),
    }
}

#[inline]
fn real(value: Value<'_>, max: f64, reason: &'static str) -> Verdict<'static> {
    let in_range = |number: &f64| number.is_finite() && number.abs() <= max;
    let (number, text) = match value {
        Value::Float(number) => (Some(number), false),
        Value::Int(number) => (Some(number as f64), false),
        Value::Decimal(digits) | Value::BigInt(digits) => (digits.parse().ok(), false),
        Value::Str(digits) => (digits.parse().ok(), true),
        _ => (None, false),
    };
    match number.filter(in_range) {
        Some(number) if text => Verdict::Becomes(Value::Float(number)),
        Some(_) => Verdict::Fits,
        None => Verdict::Mismatch(reason),
    }
}

fn is_pair(items: &[Value<'_>]) -> bool {
    matches!(items, [a, b] if degrees(*a, 180.0) && degrees(*b, 90.0))
}

fn is_geo_point(value: Value<'_>) -> bool {
    match value {
        Value::Object(_) => {
            degrees(value.member("lat"), 90.0) && degrees(value.member("lon"), 180.0)
        }
        Value::Array(items) => is_pair(items),
        Value::Str(text) => text.split_once(',').is_some_and(|(lat, lon)| {
            degrees(Value::Str(lat.trim()), 90.0) && degrees(Value::Str(lon.trim()), 180.0)
        }),
        _ => false,
    }
}

fn degrees(value: Value<'_>, max: f64) -> bool {
    let number = match value {
        Value::Float(number) => Some(number),
        Value::Int(number) => Some(number as f64),
        Value::Decimal(text) | Value::Str(text) => text.parse().ok(),
        _ => None,
    };
    number.is_some_and(|number: f64| number.abs() <= max)
}
