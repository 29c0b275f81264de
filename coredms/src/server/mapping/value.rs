//! One JSON value becomes a value of its field's type, or the reason why it cannot.

use super::{
    Field, Kind,
    document::{Num, Text, Values},
};
use std::net::{IpAddr, Ipv6Addr};

/// A scalar as it stands in a document.
#[derive(Debug, Clone)]
pub enum Scalar<'a> {
    Bool(bool),
    I64(i64),
    U64(u64),
    F64(f64),
    /// A string that stands in the source at this offset.
    Borrowed(&'a str, u32),
    /// A string with escapes.
    Owned(&'a str),
}

/// Why a value does not fit: type and reason of the cause.
pub type Misfit = (&'static str, String);

/// Elasticsearch's longest keyword, in bytes.
const MAX_TERM: usize = 32766;

impl Scalar<'_> {
    fn text(&self) -> Text {
        match self {
            Scalar::Borrowed(text, offset) => Text::Span(*offset, text.len() as u32),
            other => Text::Owned(other.to_string().into()),
        }
    }

    fn as_str(&self) -> Option<&str> {
        match self {
            Scalar::Borrowed(text, _) | Scalar::Owned(text) => Some(text),
            _ => None,
        }
    }
}

impl std::fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scalar::Bool(value) => value.fmt(f),
            Scalar::I64(value) => value.fmt(f),
            Scalar::U64(value) => value.fmt(f),
            Scalar::F64(value) => write!(f, "{value:?}"),
            Scalar::Borrowed(text, _) | Scalar::Owned(text) => f.write_str(text),
        }
    }
}

/// Adds `scalar` as a value of `field` (number `id`) to `values`.
pub fn add(values: &mut Values, id: u32, field: &Field, scalar: &Scalar<'_>) -> Result<(), Misfit> {
    let wrong = |reason: String| Err(("illegal_argument_exception", reason));
    match &field.kind {
        Kind::Keyword { ignore_above } => {
            let text = scalar.text();
            let length = scalar.as_str().map_or(0, str::len);
            // A string has at most as many characters as bytes: most need no counting.
            let too_long = |limit: usize| {
                length > limit
                    && scalar
                        .as_str()
                        .is_some_and(|s| s.encode_utf16().count() > limit)
            };
            if ignore_above.is_some_and(too_long) {
                return Ok(());
            }
            if length > MAX_TERM {
                return wrong(format!(
                    "Document contains at least one immense term in field=\"{}\" (whose UTF8 encoding is longer \
                     than the max length {MAX_TERM}), all of which were skipped.",
                    field.name
                ));
            }
            values.keywords.push((id, text));
        }
        Kind::Text => {
            values.present.push(id);
            values.texts.push((id, scalar.text()));
        }
        Kind::Integer { name, min, max } => {
            if let Some(number) = integer(scalar, name, *min, *max)? {
                values.numbers.push((id, Num::I64(number)));
            }
        }
        Kind::Float => match float(scalar)? {
            Some(number) if !(number as f32).is_finite() => {
                return wrong(format!(
                    "[float] supports only finite values, but got [{number:?}]"
                ));
            }
            Some(number) => values
                .numbers
                .push((id, Num::F64(f64::from(number as f32)))),
            None => {}
        },
        Kind::Double => {
            if let Some(number) = float(scalar)? {
                values.numbers.push((id, Num::F64(number)));
            }
        }
        Kind::Boolean => {
            let truth = match (scalar, scalar.as_str()) {
                (Scalar::Bool(value), _) => *value,
                (_, Some("true")) => true,
                (_, Some("false" | "")) => false,
                _ => {
                    return wrong(format!(
                        "Failed to parse value [{scalar}] as only [true] or [false] are allowed."
                    ));
                }
            };
            values.numbers.push((id, Num::I64(truth.into())));
        }
        Kind::Date(format) => {
            let millis = match scalar {
                Scalar::Bool(_) => None,
                other => format.parse(&other.to_string()),
            };
            let Some(millis) = millis else {
                return wrong(format!(
                    "failed to parse date field [{scalar}] with format [{}]",
                    format.text()
                ));
            };
            values.numbers.push((id, Num::I64(millis)));
        }
        Kind::Ip => {
            let Some(ip) = scalar.as_str().and_then(ip_key) else {
                return wrong(format!("'{scalar}' is not an IP string literal."));
            };
            values.keywords.push((id, Text::Owned(ip.into())));
        }
        Kind::GeoPoint => {
            let Some(text) = scalar.as_str() else {
                return Err(("parse_exception", "geo_point expected".into()));
            };
            point_text(text)?;
            values.present.push(id);
        }
    }
    Ok(())
}

fn integer(scalar: &Scalar<'_>, name: &str, min: i64, max: i64) -> Result<Option<i64>, Misfit> {
    let out = |value: &dyn std::fmt::Display| {
        let reason = if name == "long" || name == "integer" {
            format!("Numeric value ({value}) out of range of {name}")
        } else {
            format!("Value [{value}] is out of range for a {name}")
        };
        Err(("illegal_argument_exception", reason))
    };
    let fraction = |value: f64| {
        // Decimals are cut off, as Elasticsearch's `coerce` does. 2^63 is exact in f64.
        let whole = value.trunc();
        let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&whole);
        if fits { Some(whole as i64) } else { None }
    };
    let number = match scalar {
        Scalar::I64(value) => Some(*value),
        Scalar::U64(value) => i64::try_from(*value).ok(),
        Scalar::F64(value) => fraction(*value),
        Scalar::Bool(_) => {
            return Err((
                "illegal_argument_exception",
                "expected a number, got a boolean".into(),
            ));
        }
        Scalar::Borrowed(text, _) | Scalar::Owned(text) => {
            if text.is_empty() {
                return Ok(None);
            }
            match text.parse::<i64>() {
                Ok(value) => Some(value),
                Err(_) => fraction(decimal(text)?),
            }
        }
    };
    match number {
        Some(value) if (min..=max).contains(&value) => Ok(Some(value)),
        _ => out(scalar),
    }
}

fn float(scalar: &Scalar<'_>) -> Result<Option<f64>, Misfit> {
    let value = match scalar {
        Scalar::I64(value) => *value as f64,
        Scalar::U64(value) => *value as f64,
        Scalar::F64(value) => *value,
        Scalar::Bool(_) => {
            return Err((
                "illegal_argument_exception",
                "expected a number, got a boolean".into(),
            ));
        }
        Scalar::Borrowed("", _) | Scalar::Owned("") => return Ok(None),
        Scalar::Borrowed(text, _) | Scalar::Owned(text) => decimal(text)?,
    };
    if value.is_finite() {
        return Ok(Some(value));
    }
    Err((
        "illegal_argument_exception",
        format!("only finite values are supported, but got [{scalar}]"),
    ))
}

fn decimal(text: &str) -> Result<f64, Misfit> {
    // Rust also reads "inf" and "nan", which are no numbers of JSON.
    let plausible = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    match text.parse::<f64>() {
        Ok(value) if plausible => Ok(value),
        _ => Err((
            "number_format_exception",
            format!("For input string: \"{text}\""),
        )),
    }
}

/// "lat,lon" or "POINT (lon lat)", within the globe.
fn point_text(text: &str) -> Result<(), Misfit> {
    let pair = |text: &str, separator: char| {
        let (a, b) = text.trim().split_once(separator)?;
        Some((a.trim().parse().ok()?, b.trim().parse().ok()?))
    };
    let upper = text.trim().to_ascii_uppercase();
    let found = match upper.strip_prefix("POINT") {
        Some(rest) => rest
            .trim()
            .strip_prefix('(')
            .and_then(|r| r.strip_suffix(')'))
            .and_then(|inside| pair(inside, ' '))
            .map(|(lon, lat)| (lat, lon)),
        None => pair(&upper, ','),
    };
    let (lat, lon) = found.ok_or(("parse_exception", format!("unsupported geo_point [{text}]")))?;
    point(lat, lon)
}

/// Whether the coordinates are on the globe.
pub fn point(lat: f64, lon: f64) -> Result<(), Misfit> {
    if !(-90.0..=90.0).contains(&lat) {
        return Err((
            "illegal_argument_exception",
            format!("illegal latitude value [{lat:?}]"),
        ));
    }
    if !(-180.0..=180.0).contains(&lon) {
        return Err((
            "illegal_argument_exception",
            format!("illegal longitude value [{lon:?}]"),
        ));
    }
    Ok(())
}

/// An address as 32 hex digits, which sort as addresses do. IPv4 is mapped into IPv6.
pub fn ip_key(text: &str) -> Option<String> {
    Some(format!("{:032x}", u128::from(to_v6(text.parse().ok()?))))
}

fn to_v6(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

/// The address that [`ip_key`] made the key of.
pub fn ip_text(key: &str) -> String {
    let Ok(bits) = u128::from_str_radix(key, 16) else {
        return key.into();
    };
    let v6 = Ipv6Addr::from(bits);
    v6.to_ipv4_mapped()
        .map_or_else(|| v6.to_string(), |v4| v4.to_string())
}
