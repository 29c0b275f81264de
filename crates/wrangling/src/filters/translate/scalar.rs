//! Types of YAML's plain scalars: those that Ruby's Psych gives them, which are those of YAML 1.1.

use regex::RegexSet;

use super::entry::Entry;
use crate::date::{DateContext, DateFormats, Zone};

/// How plain scalars get their types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalars {
    /// As Psych does for `yaml_load_strategy => one_shot`.
    Psych,
    /// As the streaming loader does: only what JSON has; no aliases; the first mapping alone.
    Streaming,
}

/// What plain scalars look like, in the order in which Psych asks; the first that matches counts.
const SHAPES: [(&str, Shape); 10] = [
    (
        r"^[^0-9.:\-]?[\p{Alphabetic}_\s!@#$%\^&*(){}<>|/~;=]|\n",
        Shape::Word,
    ),
    (
        r"^-?\d{4}-\d{1,2}-\d{1,2}(?:[Tt]|\s+)\d{1,2}:\d\d:\d\d(?:\.\d*)?(?:\s*(?:Z|[-+]\d{1,2}:?(?:\d\d)?))?$",
        Shape::Time,
    ),
    (r"(?i)^\+?\.inf$", Shape::Constant("Infinity")),
    (r"(?i)^-\.inf$", Shape::Constant("-Infinity")),
    (r"(?i)^\.nan$", Shape::Constant("NaN")),
    ("^:.", Shape::Symbol),
    (
        r"^[-+]?[0-9][0-9_]*(:[0-5]?[0-9]){1,2}$",
        Shape::Sexagesimal,
    ),
    (
        r"^[-+]?[0-9][0-9_]*(:[0-5]?[0-9]){1,2}\.[0-9_]*$",
        Shape::SexagesimalFloat,
    ),
    (
        r"^(?:[-+]?(?:[0-9][0-9_,]*\.[0-9]*|\.[0-9]+)(?:[eE][+-][0-9]+)?)$",
        Shape::Float,
    ),
    (
        r"^(?:[-+]?0b_*[01][01_]*|[-+]?0_*[0-7][0-7_]*|[-+]?(?:0|[1-9](?:[0-9]|,[0-9]|_[0-9])*)|[-+]?0x_*[0-9a-fA-F][0-9a-fA-F_]*)$",
        Shape::Integer,
    ),
];

#[derive(Debug, Clone, Copy)]
enum Shape {
    /// A text, unless it is one of the words for booleans and null.
    Word,
    Time,
    Constant(&'static str),
    Symbol,
    /// Digits in base 60: `1:30`.
    Sexagesimal,
    SexagesimalFloat,
    Float,
    Integer,
}

/// Gives plain scalars their types.
pub(super) struct Resolver {
    scalars: Scalars,
    shapes: RegexSet,
    times: Option<DateFormats>,
}

impl Resolver {
    pub(super) fn new(scalars: Scalars) -> Self {
        Self {
            scalars,
            shapes: RegexSet::new(SHAPES.map(|(pattern, _)| pattern)).unwrap_or_default(),
            times: DateFormats::compile(&["ISO8601".to_owned()]).ok(),
        }
    }

    /// The value of a plain scalar.
    pub(super) fn resolve(&self, text: &str) -> Entry {
        match self.scalars {
            Scalars::Psych => self.psych(text),
            Scalars::Streaming => streaming(text),
        }
    }

    fn psych(&self, text: &str) -> Entry {
        if text.is_empty() {
            return Entry::Null;
        }
        let shape = self.shapes.matches(text).iter().next();
        let typed = match shape.and_then(|index| SHAPES.get(index)) {
            Some((_, Shape::Word)) => word(text),
            Some((_, Shape::Time)) => self.time(text),
            Some((_, Shape::Constant(name))) => Some(Entry::Text((*name).into())),
            Some((_, Shape::Symbol)) => text
                .get(1..)
                .map(|name| Entry::Text(name.trim_matches(['"', '\'']).into())),
            Some((_, Shape::Sexagesimal)) => {
                sexagesimal(text).map(|number| Entry::Int(number as i64))
            }
            Some((_, Shape::SexagesimalFloat)) => sexagesimal(text).map(Entry::Float),
            Some((_, Shape::Float)) => text.replace([',', '_'], "").parse().ok().map(Entry::Float),
            Some((_, Shape::Integer)) => Entry::integer(&text.replace([',', '_'], "")),
            None => None,
        };
        typed.unwrap_or_else(|| Entry::Text(text.into()))
    }

    fn time(&self, text: &str) -> Option<Entry> {
        let context = DateContext {
            zone: &Zone::Utc,
            clock_ms: 0,
        };
        let text = text.replace([' ', 't'], "T").replace("TZ", "Z");
        let ms = self.times.as_ref()?.parse(&text, &context)?;
        Some(Entry::Time(ms))
    }
}

/// A boolean or null by its name.
fn word(text: &str) -> Option<Entry> {
    Some(match text.to_ascii_lowercase().as_str() {
        "~" | "null" => Entry::Null,
        "yes" | "true" | "on" => Entry::Bool(true),
        "no" | "false" | "off" => Entry::Bool(false),
        _ => return None,
    })
}

/// A number in base 60; its first part counts as hours, as in Ruby, whether there are two parts or three.
fn sexagesimal(text: &str) -> Option<f64> {
    let mut number = 0.0;
    for (part, weight) in text.split(':').zip([3600.0, 60.0, 1.0]) {
        number += part.replace('_', "").parse::<f64>().ok()? * weight;
    }
    Some(number)
}

fn streaming(text: &str) -> Entry {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let typed = match text {
        "null" | "" | "~" => Some(Entry::Null),
        "true" => Some(Entry::Bool(true)),
        "false" => Some(Entry::Bool(false)),
        _ if all_digits(digits) => Some(match text.parse() {
            Ok(number) => Entry::Int(number),
            Err(_) => Entry::BigInt(text.into()),
        }),
        _ => digits
            .split_once('.')
            .filter(|(whole, fraction)| all_digits(whole) && all_digits(fraction))
            .and_then(|_| text.parse().ok().map(Entry::Float)),
    };
    typed.unwrap_or_else(|| Entry::Text(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Entry {
        Entry::Text(text.into())
    }

    #[test]
    fn plain_scalars_have_the_types_of_psych() {
        let resolver = Resolver::new(Scalars::Psych);
        for (plain, entry) in [
            ("", Entry::Null),
            ("~", Entry::Null),
            ("Null", Entry::Null),
            ("yes", Entry::Bool(true)),
            ("NO", Entry::Bool(false)),
            ("off", Entry::Bool(false)),
            ("y", text("y")),
            ("online", text("online")),
            ("42", Entry::Int(42)),
            ("-1_000", Entry::Int(-1000)),
            ("1,234", Entry::Int(1234)),
            ("010", Entry::Int(8)),
            ("08", text("08")),
            ("0x1F", Entry::Int(31)),
            (
                "18446744073709551616",
                Entry::BigInt("18446744073709551616".into()),
            ),
            ("1.5", Entry::Float(1.5)),
            (".5", Entry::Float(0.5)),
            ("1.", Entry::Float(1.0)),
            ("1.5e+3", Entry::Float(1500.0)),
            ("1e3", text("1e3")),
            (".", text(".")),
            ("1:30", Entry::Int(5400)),
            (":symbol", text("symbol")),
            ("10.0.0.1", text("10.0.0.1")),
            ("-", text("-")),
            ("2024-01-15", text("2024-01-15")),
            ("2024-01-15T12:00:00Z", Entry::Time(1_705_320_000_000)),
            ("2024-01-15 12:00:00", Entry::Time(1_705_320_000_000)),
        ] {
            assert_eq!(resolver.psych(plain), entry, "{plain}");
        }
    }
}
