//! `range`, and exact numbers and dates, which are ranges of one value.

use super::{Context, Parameters, constant, keyword_term, leaf::plain};
use crate::server::{
    error::{EsError, EsResult},
    mapping::{DateFormat, Field, Kind, Rounding, ip_key},
    store::FIELDS,
};
use serde_json::Value;
use std::ops::Bound;
use tantivy::{
    Term,
    query::{EmptyQuery, ExistsQuery, FastFieldRangeQuery, Query},
};

/// One end of a range.
#[derive(Clone, Copy)]
pub struct Limit<'a> {
    pub value: &'a Value,
    pub including: bool,
}

pub fn range(context: Context<'_>, body: &Value) -> EsResult<Box<dyn Query>> {
    let (name, mut parameters) = Parameters::of_field("range", body, "value")?;
    let boost = parameters.boost()?;
    let mut limit = |including: &str, excluding: &str| match (
        parameters.take(including),
        parameters.take(excluding),
    ) {
        (Some(_), Some(_)) => Err(EsError::illegal(format!(
            "[range] with both [{including}] and [{excluding}]"
        ))),
        (Some(value), None) => Ok(Some((value, true))),
        (None, Some(value)) => Ok(Some((value, false))),
        (None, None) => Ok(None),
    };
    let (lower, upper) = (limit("gte", "gt")?, limit("lte", "lt")?);
    let format = match parameters.take("format") {
        None => None,
        Some(text) => {
            let text = text.as_str().unwrap_or_default().to_owned();
            Some(
                DateFormat::new(&text)
                    .ok_or_else(|| EsError::unsupported(format!("the date format [{text}]")))?,
            )
        }
    };
    match parameters.take("time_zone") {
        None => {}
        Some(zone) if zone == "UTC" || zone == "Z" || zone == "+00:00" => {}
        Some(zone) => {
            return Err(EsError::unsupported(format!(
                "[time_zone: {zone}] of a range"
            )));
        }
    }
    parameters.end()?;
    let Some(field) = context.field(&name) else {
        return Ok(Box::new(EmptyQuery));
    };
    fn end(limit: &Option<(Value, bool)>) -> Option<Limit<'_>> {
        limit
            .as_ref()
            .filter(|(value, _)| !value.is_null())
            .map(|(value, including)| Limit {
                value,
                including: *including,
            })
    }
    let query = between(context, field, end(&lower), end(&upper), format.as_ref())?;
    Ok(constant(query, boost))
}

/// Documents with a value between the limits.
pub fn between(
    context: Context<'_>,
    field: &Field,
    lower: Option<Limit<'_>>,
    upper: Option<Limit<'_>>,
    format: Option<&DateFormat>,
) -> EsResult<Box<dyn Query>> {
    if lower.is_none() && upper.is_none() {
        return Ok(Box::new(ExistsQuery::new(field.column(), false)));
    }
    match &field.kind {
        Kind::Keyword { .. } => {
            let end = |limit: Option<Limit<'_>>| -> EsResult<Option<(String, bool)>> {
                limit
                    .map(|l| Ok((plain(l.value)?, l.including)))
                    .transpose()
            };
            Ok(strings(field, end(lower)?, end(upper)?))
        }
        Kind::Ip => {
            let end = |limit: Option<Limit<'_>>| -> EsResult<Option<(String, bool)>> {
                limit
                    .map(|l| {
                        let text = plain(l.value)?;
                        let key = ip_key(&text).ok_or_else(|| {
                            EsError::illegal(format!("'{text}' is not an IP string literal."))
                                .in_search()
                        })?;
                        Ok((key, l.including))
                    })
                    .transpose()
            };
            Ok(strings(field, end(lower)?, end(upper)?))
        }
        Kind::Integer { .. } | Kind::Boolean => {
            let low = lower
                .map(|l| whole(field, l, true))
                .transpose()?
                .unwrap_or(i128::MIN);
            let high = upper
                .map(|l| whole(field, l, false))
                .transpose()?
                .unwrap_or(i128::MAX);
            Ok(integers(field, low, high))
        }
        Kind::Date(own) => {
            // A bare number is milliseconds, and then both ends are read so.
            let numeric = [lower, upper]
                .into_iter()
                .flatten()
                .any(|limit| limit.value.is_number());
            let millis = DateFormat::new("epoch_millis").filter(|_| numeric);
            let format = format.or(millis.as_ref()).unwrap_or(own);
            // An excluded lower end excludes all of the day, month, … it names, and so on.
            let low = lower
                .map(|l| -> EsResult<i128> {
                    let rounding = if l.including {
                        Rounding::Down
                    } else {
                        Rounding::Up
                    };
                    Ok(date(context, format, l.value, rounding)? + i128::from(!l.including))
                })
                .transpose()?
                .unwrap_or(i128::MIN);
            let high = upper
                .map(|l| -> EsResult<i128> {
                    let rounding = if l.including {
                        Rounding::Up
                    } else {
                        Rounding::Down
                    };
                    Ok(date(context, format, l.value, rounding)? - i128::from(!l.including))
                })
                .transpose()?
                .unwrap_or(i128::MAX);
            Ok(integers(field, low, high))
        }
        Kind::Float | Kind::Double => {
            let end = |limit: Option<Limit<'_>>| -> EsResult<Option<(f64, bool)>> {
                limit
                    .map(|l| {
                        let value = decimal(field, l.value)?;
                        let value = if field.kind == Kind::Float {
                            f64::from(value as f32)
                        } else {
                            value
                        };
                        Ok((value, l.including))
                    })
                    .transpose()
            };
            Ok(floats(field, end(lower)?, end(upper)?))
        }
        Kind::Text | Kind::GeoPoint => Err(EsError::unsupported(format!(
            "[range] on [{}] of type [{}]",
            field.name,
            field.kind.name()
        ))),
    }
}

/// The addresses of a network like `10.0.0.0/8`.
pub fn network(field: &Field, network: &str, bits: &str) -> EsResult<Box<dyn Query>> {
    let wrong =
        || EsError::illegal(format!("'{network}/{bits}' is not an IP string literal.")).in_search();
    let key = ip_key(network).ok_or_else(wrong)?;
    let base = u128::from_str_radix(&key, 16).map_err(|_| wrong())?;
    let wide = if network.contains(':') { 128 } else { 32 };
    let bits: u32 = bits
        .parse()
        .ok()
        .filter(|bits| *bits <= wide)
        .ok_or_else(wrong)?;
    let free = wide - bits;
    let mask = if free == 128 {
        u128::MAX
    } else {
        (1 << free) - 1
    };
    let end = |value: u128| Some((format!("{value:032x}"), true));
    Ok(strings(field, end(base & !mask), end(base | mask)))
}

fn date(
    context: Context<'_>,
    format: &DateFormat,
    value: &Value,
    rounding: Rounding,
) -> EsResult<i128> {
    let text = plain(value)?;
    format
        .parse_math(&text, context.now_ms, rounding)
        .map(i128::from)
        .ok_or_else(|| {
            EsError::new(
                400,
                "parse_exception",
                format!(
                    "failed to parse date field [{text}] with format [{}]",
                    format.text()
                ),
            )
            .in_search()
        })
}

fn decimal(field: &Field, value: &Value) -> EsResult<f64> {
    let text = plain(value)?;
    text.parse()
        .ok()
        .filter(|v: &f64| v.is_finite())
        .ok_or_else(|| {
            EsError::new(
                400,
                "query_shard_exception",
                format!("failed to create query: For input string: \"{text}\""),
            )
            .because(
                "number_format_exception",
                format!("For input string: \"{text}\" for field [{}]", field.name),
            )
            .in_search()
        })
}

/// The first (lower) or last whole number within the limit.
fn whole(field: &Field, limit: Limit<'_>, lower: bool) -> EsResult<i128> {
    if field.kind == Kind::Boolean {
        let text = plain(limit.value)?;
        return match text.as_str() {
            "true" => Ok(1),
            "false" | "" => Ok(0),
            _ => Err(EsError::illegal(format!(
                "Can't parse boolean value [{text}], expected [true] or [false]"
            ))
            .in_search()),
        };
    }
    let step = i128::from(!limit.including) * if lower { 1 } else { -1 };
    if let Ok(number) = plain(limit.value)?.parse::<i128>() {
        return Ok(number + step);
    }
    let number = decimal(field, limit.value)?;
    if number.fract() == 0.0 {
        return Ok(number as i128 + step);
    }
    Ok(if lower { number.ceil() } else { number.floor() } as i128)
}

fn integers(field: &Field, low: i128, high: i128) -> Box<dyn Query> {
    let low = low.max(i64::MIN.into());
    let high = high.min(i64::MAX.into());
    let (Ok(low), Ok(high)) = (i64::try_from(low), i64::try_from(high)) else {
        return Box::new(EmptyQuery);
    };
    if low > high {
        return Box::new(EmptyQuery);
    }
    let term = |value: i64| {
        let mut term = Term::from_field_json_path(FIELDS.number(), &field.key, false);
        term.append_type_and_fast_value(value);
        Bound::Included(term)
    };
    Box::new(FastFieldRangeQuery::new(term(low), term(high)))
}

fn floats(field: &Field, lower: Option<(f64, bool)>, upper: Option<(f64, bool)>) -> Box<dyn Query> {
    if let (Some((low, with_low)), Some((high, with_high))) = (lower, upper)
        && (low > high || (low == high && !(with_low && with_high)))
    {
        return Box::new(EmptyQuery);
    }
    let bound = |limit: Option<(f64, bool)>| match limit {
        None => Bound::Unbounded,
        Some((value, including)) => {
            let mut term = Term::from_field_json_path(FIELDS.number(), &field.key, false);
            // -0.0 and 0.0 are equal, but not as the column sorts them.
            term.append_type_and_fast_value(if value == 0.0 { 0.0 } else { value });
            if including {
                Bound::Included(term)
            } else {
                Bound::Excluded(term)
            }
        }
    };
    Box::new(FastFieldRangeQuery::new(bound(lower), bound(upper)))
}

fn strings(
    field: &Field,
    lower: Option<(String, bool)>,
    upper: Option<(String, bool)>,
) -> Box<dyn Query> {
    if let (Some((low, with_low)), Some((high, with_high))) = (&lower, &upper)
        && (low > high || (low == high && !(*with_low && *with_high)))
    {
        return Box::new(EmptyQuery);
    }
    let bound = |limit: Option<(String, bool)>| match limit {
        None => Bound::Unbounded,
        Some((value, true)) => Bound::Included(keyword_term(field, &value)),
        Some((value, false)) => Bound::Excluded(keyword_term(field, &value)),
    };
    Box::new(FastFieldRangeQuery::new(bound(lower), bound(upper)))
}
