//! YAML dictionaries.

use std::collections::HashMap;
use std::iter::Peekable;

use bumpalo::Bump;
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput, Tag};

use super::entry::Entry;
use super::scalar::{Resolver, Scalars};

/// Deeper nesting is refused.
const MAX_DEPTH: usize = 256;
/// Values of a file, with those that aliases repeat.
const MAX_VALUES: usize = 16 << 20;

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

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Entry {
        Entry::Text(text.into())
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
