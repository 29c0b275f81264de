//! `translate`: looks a field's text up in a dictionary.

use std::collections::HashMap;

use bumpalo::collections::Vec as BumpVec;
use regex::Regex;

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::environment::EcsCompatibility;
use crate::exec::{Event, FieldPath};
use crate::options::Options;
use crate::template::Template;
use crate::value::Value;

/// A compiled translate filter.
#[derive(Debug)]
pub(crate) struct Translate {
    source: FieldPath,
    target: FieldPath,
    iterates: bool,
    overrides: bool,
    fallback: Option<Template>,
    dictionary: Dictionary,
}

/// How a text is looked up.
#[derive(Debug)]
enum Dictionary {
    /// The whole text is a key.
    Exact(HashMap<Box<str>, Box<str>>),
    /// A key is a regular expression that matches; the first one counts.
    Matching(Vec<(Regex, Box<str>)>),
    /// Every key that is found in the text is replaced.
    Replacing(Option<Regex>, HashMap<Box<str>, Box<str>>),
}

impl Translate {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        if options.get("dictionary_path").is_some() {
            let message = "a run reads no files but its own; put the entries into `dictionary`";
            let at = options.at("dictionary_path");
            compiler.violation(at, "unsupported_option", message.to_owned());
            return None;
        }
        let Some(source) = options.text("source").or_else(|| options.text("field")) else {
            let message = "translate needs `source`: the field to look up".to_owned();
            compiler.violation(options.at("source"), "missing_option", message);
            return None;
        };
        let default = match options.ecs(compiler.environment) {
            EcsCompatibility::V8 => source,
            EcsCompatibility::Disabled => "translation",
        };
        let target = options
            .text("target")
            .or_else(|| options.text("destination"));
        let target = target.unwrap_or(default);
        // `iterate_on` with another source looks into the objects of a list
        let iterate_on = options.text("iterate_on");
        if iterate_on.is_some_and(|list| list != source) {
            let message = "iterate over values: `iterate_on` and `source` must be the same field";
            let at = options.at("iterate_on");
            compiler.violation(at, "unsupported_option", message.to_owned());
            return None;
        }
        let fallback = match options.text("fallback") {
            Some(fallback) => Some(compiler.template(fallback, &options.at("fallback"))?),
            None => None,
        };
        Some(Self {
            overrides: options.flag("override", target == source),
            source: compiler.field(source, &options.at("source"))?,
            target: compiler.field(target, &options.at("target"))?,
            iterates: iterate_on.is_some(),
            fallback,
            dictionary: Dictionary::compile(options, compiler)?,
        })
    }

    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>) -> Applied<'a> {
        let result = self.try_apply(event);
        Applied::from_result(result, event)
    }

    fn try_apply<'a>(&'a self, event: &mut Event<'a>) -> Result<Applied<'a>, FilterError> {
        let source = event.get(&self.source);
        let is_there = !event.get(&self.target).is_absent();
        if source.is_absent() || (is_there && !self.overrides) {
            return Ok(Applied::Skipped);
        }
        let found = if self.iterates {
            let mut all = BumpVec::new_in(event.bump);
            for item in super::common::array_of(source, event) {
                all.push(self.look_up(*item, event)?.unwrap_or(Value::Null));
            }
            Some(Value::Array(all.into_bump_slice())).filter(|_| !source.is_nil())
        } else {
            let first = match source {
                Value::Array(items) => items.first().copied().unwrap_or_default(),
                value => value,
            };
            self.look_up(first, event)?
        };
        match found {
            Some(value) => {
                event.set(&self.target, value)?;
                Ok(Applied::Matched)
            }
            None => Ok(Applied::Skipped),
        }
    }

    fn look_up<'a>(
        &'a self,
        value: Value<'a>,
        event: &Event<'a>,
    ) -> Result<Option<Value<'a>>, FilterError> {
        let text = value.text(event.bump);
        let found = match &self.dictionary {
            Dictionary::Exact(entries) => entries.get(text).map(|found| Value::Str(found)),
            Dictionary::Matching(entries) => entries
                .iter()
                .find(|(key, _)| key.is_match(text))
                .map(|(_, found)| Value::Str(found)),
            Dictionary::Replacing(keys, entries) => keys
                .as_ref()
                .filter(|keys| keys.is_match(text))
                .map(|keys| {
                    let replaced = keys.replace_all(text, |found: &regex::Captures<'_>| {
                        entries.get(&found[0]).map_or("", |entry| entry)
                    });
                    Value::Str(event.bump.alloc_str(&replaced))
                }),
        };
        match (found, &self.fallback) {
            (None, Some(fallback)) => Ok(Some(Value::Str(fallback.render(event)?))),
            (found, _) => Ok(found),
        }
    }
}

impl Dictionary {
    fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let pairs = options.text_pairs("dictionary");
        let entries = || {
            let pairs = pairs.iter();
            pairs
                .map(|(key, value)| ((*key).into(), (*value).into()))
                .collect()
        };
        let exact = options.flag("exact", true);
        if exact && options.flag("regex", false) {
            let mut matching = Vec::new();
            for (key, value) in &pairs {
                let key = compiler.regex(key, &options.at("dictionary"))?;
                matching.push((key, (*value).into()));
            }
            return Some(Self::Matching(matching));
        }
        if exact {
            return Some(Self::Exact(entries()));
        }
        let keys: Vec<String> = pairs.iter().map(|(key, _)| regex::escape(key)).collect();
        let keys = Some(keys.join("|")).filter(|keys| !keys.is_empty());
        Some(Self::Replacing(
            keys.and_then(|keys| Regex::new(&keys).ok()),
            entries(),
        ))
    }
}
