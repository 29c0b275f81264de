//! `grok`: finds named patterns in a field's text; what they match becomes fields.

mod expand;
mod library;
mod objects;
mod pattern;

use bumpalo::Bump;
use pattern::{Capture, Pattern};

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::environment::EcsCompatibility;
use crate::exec::{Event, FieldPath};
use crate::field_ref::FieldRef;
use crate::options::Options;
use crate::regexes::{GaveUp, Groups};
use crate::value::Value;

/// A compiled grok filter.
#[derive(Debug)]
pub(crate) struct Grok {
    /// Each field with the patterns that are tried on it.
    matches: Vec<(FieldPath, Vec<Pattern>)>,
    break_on_match: bool,
    keep_empty: bool,
    timeout_tag: Box<str>,
}

impl Grok {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let files = Files::read(options, compiler);
        let target = match options.text("target") {
            Some(target) => Some(compiler.field(target, &options.at("target"))?.field),
            None => None,
        };
        let timeout_tag = options.text("tag_on_timeout").unwrap_or("_groktimeout");
        compiler.failure_tag(timeout_tag);
        let mut matches = Vec::new();
        for (field, sources) in options.pairs("match") {
            let patterns = sources
                .into_iter()
                .filter_map(|source| pattern(source, options, &files, target.as_ref(), compiler))
                .collect();
            let path = compiler.field(field, &options.at("match"))?;
            matches.push((path, patterns));
        }
        Some(Self {
            matches,
            break_on_match: options.flag("break_on_match", true),
            keep_empty: options.flag("keep_empty_captures", false),
            timeout_tag: timeout_tag.into(),
        })
    }

    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>) -> Applied<'a> {
        match self.try_apply(event) {
            Ok(Some(true)) => Applied::Matched,
            Ok(Some(false)) => self.failure(event),
            Ok(None) => {
                event.tag(&self.timeout_tag);
                Applied::Tagged {
                    message: "matching took too many steps",
                }
            }
            Err(error) => Applied::failed(&error, event),
        }
    }

    /// Whether anything matched; `None` if a pattern gave up.
    fn try_apply<'a>(&'a self, event: &mut Event<'a>) -> Result<Option<bool>, FilterError> {
        let mut matched = false;
        for (path, patterns) in &self.matches {
            let value = event.get(path);
            let single = [value];
            let items: &[Value<'a>] = match value {
                Value::Array(items) => items,
                _ => &single,
            };
            for item in items {
                match self.try_patterns(item.ruby_text(event.bump), patterns, event)? {
                    Some(success) => matched |= success,
                    None => return Ok(None),
                }
            }
            if matched && self.break_on_match {
                break;
            }
        }
        Ok(Some(matched))
    }

    fn try_patterns<'a>(
        &'a self,
        text: &'a str,
        patterns: &'a [Pattern],
        event: &mut Event<'a>,
    ) -> Result<Option<bool>, FilterError> {
        let mut matched = false;
        for pattern in patterns {
            match pattern.search(text, event.bump) {
                Ok(None) => continue,
                Err(GaveUp) => return Ok(None),
                Ok(Some(groups)) => {
                    let captures = &pattern.captures;
                    for object in &captures.objects {
                        let bump = event.bump;
                        let is_set = object.set(event, |capture, known| {
                            self.value(capture, groups.get(capture.group), known, bump)
                        });
                        if !is_set {
                            self.store_all(&object.captures, &groups, event)?;
                        }
                    }
                    self.store_all(&captures.single, &groups, event)?;
                }
            }
            matched = true;
            if self.break_on_match {
                break;
            }
        }
        Ok(Some(matched))
    }

    #[inline]
    fn store_all<'a>(
        &'a self,
        captures: &'a [Capture],
        groups: &Groups<'a>,
        event: &mut Event<'a>,
    ) -> Result<(), FilterError> {
        for capture in captures {
            let present = event.get(&capture.path);
            let text = groups.get(capture.group);
            if let Some(value) = self.value(capture, text, present, event.bump) {
                event.set(&capture.path, value)?;
            }
        }
        Ok(())
    }

    /// What a field becomes, of which `present` is the value; a text or list grows. `None` if it stays.
    #[inline]
    fn value<'a>(
        &'a self,
        capture: &'a Capture,
        text: Option<&'a str>,
        present: Value<'a>,
        bump: &'a Bump,
    ) -> Option<Value<'a>> {
        let value = match text {
            None | Some("") if !self.keep_empty => return None,
            None => Value::Null,
            Some(text) => capture.coercion.apply(text, bump),
        };
        match present {
            _ if capture.overwrite || present.is_nil() => Some(value),
            Value::Str(_) => Some(Value::Array(bump.alloc_slice_copy(&[present, value]))),
            Value::Array(items) => {
                let all = items.iter().copied().chain([value]);
                let all = bumpalo::collections::Vec::from_iter_in(all, bump);
                Some(Value::Array(all.into_bump_slice()))
            }
            _ => None,
        }
    }

    #[cold]
    fn failure<'a>(&'a self, event: &Event<'a>) -> Applied<'a> {
        let field = self
            .matches
            .first()
            .map_or_else(String::new, |(path, _)| path.field.to_string());
        Applied::Failed {
            field: event.bump.alloc_str(&field),
            message: "no pattern matches",
        }
    }
}

/// The pattern files of `patterns_dir`.
#[derive(Default)]
struct Files {
    texts: Vec<String>,
    /// There are files that were not read.
    unread: bool,
}

impl Files {
    fn read(options: Options<'_>, compiler: &mut Compiler<'_>) -> Self {
        let at = options.at("patterns_dir");
        let glob = options.text("patterns_files_glob").unwrap_or("*");
        let mut files = Self::default();
        for folder in options.list("patterns_dir").unwrap_or_default() {
            match compiler.read_all(folder, glob, at.clone()) {
                Some(found) => files.texts.extend(
                    found
                        .iter()
                        .map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
                ),
                None => files.unread = true,
            }
        }
        files
    }
}

/// A grok pattern that only tells whether it is found in a text.
#[derive(Debug)]
pub(crate) struct LinePattern(Pattern);

impl LinePattern {
    /// Compiles a pattern with definitions besides those that come with the filter.
    pub(crate) fn compile(
        source: &str,
        definitions: &[(String, String)],
        ecs: EcsCompatibility,
    ) -> Result<Self, String> {
        let mut library = library::Library::new(ecs);
        for (name, definition) in definitions {
            library.define(name, definition);
        }
        let expanded = expand::expand(source, &mut library, true)?;
        let field = |name: &str| {
            let field = FieldRef::parse(name).map_err(|error| error.to_string())?;
            Ok((FieldPath::new(0, field), false))
        };
        Pattern::compile(&expanded, field).map(Self)
    }

    pub(crate) fn is_match(&self, text: &str, bump: &Bump) -> bool {
        matches!(self.0.search(text, bump), Ok(Some(_)))
    }
}

/// Compiles one pattern; what is wrong with it becomes a violation.
fn pattern(
    source: &str,
    options: Options<'_>,
    files: &Files,
    target: Option<&FieldRef>,
    compiler: &mut Compiler<'_>,
) -> Option<Pattern> {
    let at = options.at("match");
    let mut library = library::Library::new(options.ecs(compiler.environment));
    for text in &files.texts {
        library.define_all(text);
    }
    if files.unread {
        library.accept_unknown();
    }
    for (name, definition) in options.text_pairs("pattern_definitions") {
        library.define(name, definition);
    }
    let named_only = options.flag("named_captures_only", true);
    let overwrite = options.list("overwrite").unwrap_or_default();
    let compiled = expand::expand(source, &mut library, named_only)
        .map_err(|reason| ("unknown_pattern", reason))
        .and_then(|expanded| {
            Pattern::compile(&expanded, |name| {
                let field = super::below(target, FieldRef::parse(name).map_err(|e| e.to_string())?);
                Ok((compiler.path(field), overwrite.contains(&name)))
            })
            .map_err(|reason| ("invalid_regex", format!("`{source}`: {reason}")))
        });
    match compiled {
        Ok(pattern) => Some(pattern),
        Err((code, message)) => {
            compiler.violation(at, code, message);
            None
        }
    }
}
