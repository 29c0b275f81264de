//! The dictionary of a translate filter and how a text is looked up in it.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, MatchKind};
use bumpalo::Bump;

use super::entry::Entry;
use super::file;
use crate::ast::Literal;
use crate::compile::Compiler;
use crate::layout::NameHash;
use crate::options::Options;
use crate::regexes::{GaveUp, Regex};
use crate::value::Value;

/// Keys with their values, in the order in which they are tried.
pub(super) type Entries = Vec<(Box<str>, Entry)>;

/// How a text is looked up.
#[derive(Debug)]
pub(super) enum Dictionary {
    /// The whole text is a key.
    Exact(HashMap<Box<str>, Entry, NameHash>),
    /// A key is a regular expression that matches; the first one counts.
    Matching(Vec<(Regex, Entry)>),
    /// Every key that is found in the text is replaced.
    Replacing {
        keys: AhoCorasick,
        /// The text that replaces each key.
        values: Vec<Box<str>>,
    },
}

impl Dictionary {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let inline = inline(options);
        let (option, entries) = match options.text("dictionary_path") {
            Some(_) if !inline.is_empty() => {
                let message = "give the entries in `dictionary` or in a file, not both".to_owned();
                compiler.violation(
                    options.at("dictionary_path"),
                    "conflicting_options",
                    message,
                );
                return None;
            }
            Some(path) => ("dictionary_path", file::read(path, options, compiler)?),
            None => ("dictionary", inline),
        };
        let at = options.at(option);
        match (options.flag("exact", true), options.flag("regex", false)) {
            (true, false) => Some(Self::Exact(entries.into_iter().collect())),
            (true, true) => {
                let mut matching = Vec::new();
                for (key, value) in unique(entries) {
                    matching.push((compiler.regex(&key, &at)?, value));
                }
                Some(Self::Matching(matching))
            }
            (false, _) => {
                let replacing = Self::replacing(&unique(entries));
                if let Err(reason) = &replacing {
                    compiler.violation(at, "dictionary_too_large", reason.clone());
                }
                replacing.ok()
            }
        }
    }

    fn replacing(entries: &Entries) -> Result<Self, String> {
        let keys = entries.iter().map(|(key, _)| key.as_bytes());
        // of several keys at the same place the one that was written first counts
        let keys = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .build(keys)
            .map_err(|error| format!("the dictionary cannot be searched for: {error}"))?;
        let bump = Bump::new();
        let values = entries
            .iter()
            .map(|(_, value)| value.value(&bump).ruby_text(&bump).into());
        Ok(Self::Replacing {
            keys,
            values: values.collect(),
        })
    }

    /// What the dictionary has for a text.
    pub(super) fn look_up<'a>(
        &'a self,
        text: &str,
        bump: &'a Bump,
    ) -> Result<Option<Value<'a>>, GaveUp> {
        Ok(match self {
            Self::Exact(entries) => entries.get(text).map(|found| found.value(bump)),
            Self::Matching(entries) => {
                for (key, found) in entries {
                    if key.is_match(text)? {
                        return Ok(Some(found.value(bump)));
                    }
                }
                None
            }
            Self::Replacing { keys, .. } if !keys.is_match(text) => None,
            Self::Replacing { keys, values } => {
                let replaced = keys.replace_all(text, values);
                (replaced != text).then(|| Value::Str(bump.alloc_str(&replaced)))
            }
        })
    }
}

/// The entries of `dictionary`; their values keep their types.
fn inline(options: Options<'_>) -> Entries {
    match options.get("dictionary") {
        Some(Literal::Hash(members)) => {
            let members = members
                .iter()
                .map(|(key, value)| (key.as_str(), value))
                .collect();
            let entry = |(key, value): (&str, &Literal)| (key.into(), value.into());
            crate::options::java_hash_order(members)
                .into_iter()
                .map(entry)
                .collect()
        }
        Some(Literal::Array(items)) => {
            let (pairs, _) = items.as_chunks::<2>();
            let entry =
                |[key, value]: &[Literal; 2]| Some((key.text()?.into(), Entry::from(value)));
            pairs.iter().filter_map(entry).collect()
        }
        _ => Vec::new(),
    }
}

/// As a Ruby hash keeps them: a key that comes again replaces the value, not the place.
fn unique(entries: Entries) -> Entries {
    let mut places: HashMap<Box<str>, usize> = HashMap::new();
    let mut all: Entries = Vec::new();
    for (key, value) in entries {
        let known = places.get(&key).and_then(|place| all.get_mut(*place));
        match known {
            Some(entry) => entry.1 = value,
            None => {
                places.insert(key.clone(), all.len());
                all.push((key, value));
            }
        }
    }
    all
}
