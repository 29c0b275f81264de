//! YAML dictionaries: scalars get the types that Ruby's Psych gives them, which are those of YAML 1.1.

use std::collections::HashMap;
use std::iter::Peekable;

use bumpalo::Bump;
use regex::RegexSet;
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput, Tag};

use super::entry::Entry;
use crate::date::{DateContext, DateFormats, Zone};

/// Deeper nesting is refused.
const MAX_DEPTH: usize = 256;
/// Values of a file, with those that aliases repeat.
const MAX_VALUES: usize = 16 << 20;

/// How plain scalars get their types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalars {
    /// As Psych does for `yaml_load_strategy => one_shot`.
    Psych,
    /// As the streaming loader does: only what JSON has; no aliases; the first mapping alone.
    Streaming,
}

/// The keys and values of the mappings at the top of a file.
///
/// # Errors
/// What is wrong with the file, and where.
pub(super) fn parse(text: &str, scalars: Scalars) -> Result<Vec<(Entry, Entry)>, String> {
    let mut loader = Loader {
        events: Parser::new_from_str(text).peekable(),
        anchors: HashMap::new(),
        resolver: Resolver::new(scalars),
        scalars,
        values: 0,
    };
    let mut entries = Vec::new();
    // the mappings of documents and of a list at the top add up
    while let Some(event) = loader.next()? {
        if matches!(event, Event::MappingStart(..)) {
            entries.extend(loader.mapping(0)?);
            if scalars == Scalars::Streaming {
                break;
            }
        }
    }
    Ok(entries)
}

struct Loader<'t> {
    events: Peekable<Parser<'t, StrInput<'t>>>,
    anchors: HashMap<usize, (Entry, usize)>,
    resolver: Resolver,
    scalars: Scalars,
    values: usize,
}

impl<'t> Loader<'t> {
    fn next(&mut self) -> Result<Option<Event<'t>>, String> {
        match self.events.next() {
            Some(Ok((event, _))) => Ok(Some(event)),
            Some(Err(error)) => Err(error.to_string()),
            None => Ok(None),
        }
    }

    /// Whether the container ends here; takes the event that says so.
    fn ends(&mut self) -> bool {
        let end = |event: &Event<'_>| matches!(event, Event::MappingEnd | Event::SequenceEnd);
        self.events
            .next_if(|event| matches!(event, Ok((event, _)) if end(event)))
            .is_some()
    }

    /// The pairs of a mapping that was entered.
    fn mapping(&mut self, depth: usize) -> Result<Vec<(Entry, Entry)>, String> {
        let mut pairs = Vec::new();
        while !self.ends() {
            let key = self.node(depth + 1)?;
            let value = self.node(depth + 1)?;
            match (&key, value) {
                (Entry::Text(merge), Entry::Map(members))
                    if &**merge == "<<" && self.scalars == Scalars::Psych =>
                {
                    let member = |(name, value)| (Entry::Text(name), value);
                    pairs.extend(members.into_iter().map(member));
                }
                (_, value) => pairs.push((key, value)),
            }
        }
        Ok(pairs)
    }

    fn node(&mut self, depth: usize) -> Result<Entry, String> {
        let before = self.values;
        self.count(1, depth)?;
        let (entry, anchor) = match self.next()? {
            Some(Event::Scalar(text, style, anchor, tag)) => {
                let plain = style == ScalarStyle::Plain && !is_text(tag.as_deref());
                let entry = match plain {
                    true => self.resolver.resolve(&text),
                    false => Entry::Text(text.into()),
                };
                (entry, anchor)
            }
            Some(Event::SequenceStart(anchor, _)) => {
                let mut items = Vec::new();
                while !self.ends() {
                    items.push(self.node(depth + 1)?);
                }
                (Entry::List(items), anchor)
            }
            Some(Event::MappingStart(anchor, _)) => {
                (Entry::Map(members(self.mapping(depth)?)), anchor)
            }
            Some(Event::Alias(anchor)) if self.scalars == Scalars::Psych => {
                let (entry, size) = self
                    .anchors
                    .get(&anchor)
                    .cloned()
                    .ok_or("an alias refers to itself")?;
                self.count(size, depth)?;
                return Ok(entry);
            }
            Some(Event::Alias(_)) => return Err("the streaming loader knows no aliases".to_owned()),
            _ => return Err("it ends too early".to_owned()),
        };
        if anchor > 0 {
            self.anchors
                .insert(anchor, (entry.clone(), self.values - before));
        }
        Ok(entry)
    }

    fn count(&mut self, values: usize, depth: usize) -> Result<(), String> {
        self.values = self.values.saturating_add(values);
        match (depth > MAX_DEPTH, self.values > MAX_VALUES) {
            (true, _) => Err("it is nested too deeply".to_owned()),
            (_, true) => Err(format!("it has more than {MAX_VALUES} values")),
            _ => Ok(()),
        }
    }
}

fn is_text(tag: Option<&Tag>) -> bool {
    tag.is_some_and(|tag| {
        tag.suffix == "str" && tag.is_yaml_core_schema()
            || tag.handle == "!" && tag.suffix.is_empty()
    })
}

/// A nested mapping's members: keys by their texts, the last of equal ones.
fn members(pairs: Vec<(Entry, Entry)>) -> Vec<(Box<str>, Entry)> {
    let mut all: Vec<(Box<str>, Entry)> = Vec::with_capacity(pairs.len());
    let mut places: HashMap<Box<str>, usize> = HashMap::new();
    for (key, value) in pairs {
        let key: Box<str> = match key {
            Entry::Text(text) => text,
            other => {
                let bump = Bump::new();
                other.value(&bump).ruby_text(&bump).into()
            }
        };
        match places.get(&key).and_then(|place| all.get_mut(*place)) {
            Some(member) => member.1 = value,
            None => {
                places.insert(key.clone(), all.len());
                all.push((key, value));
            }
        }
    }
    all
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
struct Resolver {
    scalars: Scalars,
    shapes: RegexSet,
    times: Option<DateFormats>,
}

impl Resolver {
    fn new(scalars: Scalars) -> Self {
        Self {
            scalars,
            shapes: RegexSet::new(SHAPES.map(|(pattern, _)| pattern)).unwrap_or_default(),
            times: DateFormats::compile(&["ISO8601".to_owned()]).ok(),
        }
    }

    fn resolve(&self, text: &str) -> Entry {
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

    #[test]
    fn a_file_is_read_with_its_aliases() {
        let file = "--- # codes\n\"100\": Continue\n200: ok\nbase: &base {a: 1}\nmore: {<<: *base, b: [x, \"2\"], 3: no}\n---\nlast: !!str 5\n";
        let map = |pairs: Vec<(&str, Entry)>| {
            Entry::Map(
                pairs
                    .into_iter()
                    .map(|(key, value)| (key.into(), value))
                    .collect(),
            )
        };
        assert_eq!(
            parse(file, Scalars::Psych).unwrap(),
            [
                (text("100"), text("Continue")),
                (Entry::Int(200), text("ok")),
                (text("base"), map(vec![("a", Entry::Int(1))])),
                (
                    text("more"),
                    map(vec![
                        ("a", Entry::Int(1)),
                        ("b", Entry::List(vec![text("x"), text("2")])),
                        ("3", Entry::Bool(false)),
                    ])
                ),
                (text("last"), text("5")),
            ]
        );
        assert_eq!(
            parse("- a: 1\n- b: 2\n", Scalars::Psych).unwrap(),
            [(text("a"), Entry::Int(1)), (text("b"), Entry::Int(2))]
        );
        assert_eq!(
            parse("a: yes\nb: 1.5\n---\nc: 1", Scalars::Streaming).unwrap(),
            [(text("a"), text("yes")), (text("b"), Entry::Float(1.5))]
        );
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let bomb = (0..12).fold(
            "a0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned(),
            |file, level| {
                let alias = format!("*a{level}");
                file + &format!(
                    "a{}: &a{} [{}]\n",
                    level + 1,
                    level + 1,
                    [alias.as_str(); 8].join(", ")
                )
            },
        );
        for file in [
            "a: b: c",
            "a: [",
            "a: &a [*a]",
            "a: *b",
            &bomb,
            &format!("a: {}", "[".repeat(1000)),
        ] {
            assert!(parse(file, Scalars::Psych).is_err(), "{:.40}", file);
        }
        assert!(parse("a: &a 1\nb: *a", Scalars::Streaming).is_err());
    }
}
