//! `kv`: finds keys with their values in a field's text.

use bumpalo::collections::Vec as BumpVec;

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::exec::{Event, FieldPath};
use crate::field_ref::FieldRef;
use crate::options::Options;
use crate::regexes::{GaveUp, Regex};
use crate::template::Template;
use crate::value::{Member, Value};

/// A compiled kv filter.
#[derive(Debug)]
pub(crate) struct Kv {
    source: FieldPath,
    target: Option<FieldPath>,
    /// Group 1 is the key; the first other group that took part is the value.
    pair: Regex,
    /// What a text must hold to be looked into at all.
    value_split: Regex,
    key: Cleaning,
    value: Cleaning,
    prefix: Template,
    include: Vec<Template>,
    exclude: Vec<Template>,
    defaults: Vec<(Box<str>, Box<str>)>,
    duplicates: bool,
    empty_values: bool,
    recursive: bool,
    timeout_tag: Box<str>,
}

/// What is done with each key or each value.
#[derive(Debug)]
struct Cleaning {
    trim: Option<Regex>,
    remove: Option<Regex>,
    case: Option<Case>,
}

#[derive(Debug, Clone, Copy)]
enum Case {
    Lower,
    Upper,
    Capital,
}

/// Nesting beyond this is left as text.
const MAX_DEPTH: usize = 20;

impl Kv {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let source = compiler.field(
            options.text("source").unwrap_or("message"),
            &options.at("source"),
        )?;
        let target = match options.text("target") {
            Some(target) => Some(compiler.field(target, &options.at("target"))?),
            None => None,
        };
        let defaults = options.get("default_keys").map_or(Vec::new(), |_| {
            let pairs = options.text_pairs("default_keys").into_iter();
            pairs
                .map(|(key, value)| (key.into(), value.into()))
                .collect()
        });
        let mut templates = |option: &str| -> Vec<Template> {
            let names = options.list(option).unwrap_or_default();
            let at = options.at(option);
            names
                .into_iter()
                .filter_map(|name| compiler.template(name, &at))
                .collect()
        };
        let (include, exclude) = (templates("include_keys"), templates("exclude_keys"));
        let prefix = compiler.template(
            options.text("prefix").unwrap_or_default(),
            &options.at("prefix"),
        )?;
        for option in ["value_split", "field_split_pattern", "value_split_pattern"] {
            if options.text(option) == Some("") {
                let message = format!("`{option}` is empty, so that nothing would be split");
                compiler.violation(options.at(option), "invalid_value", message);
                return None;
            }
        }
        let timeout_tag = options
            .text("tag_on_timeout")
            .unwrap_or("_kv_filter_timeout");
        compiler.failure_tag(timeout_tag);
        let split = value_split(options);
        Some(Self {
            source,
            target,
            pair: compiler.regex(&pair(options), &options.at("field_split"))?,
            value_split: compiler.regex(&split, &options.at("value_split"))?,
            key: Cleaning::compile("key", options, compiler)?,
            value: Cleaning::compile("value", options, compiler)?,
            prefix,
            include,
            exclude,
            defaults,
            duplicates: options.flag("allow_duplicate_values", true),
            empty_values: options.flag("allow_empty_values", false),
            recursive: options.flag("recursive", false),
            timeout_tag: timeout_tag.into(),
        })
    }

    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>) -> Applied<'a> {
        match self.try_apply(event) {
            Ok(applied) => applied,
            Err(error) if error.is_timeout() => {
                event.tag(&self.timeout_tag);
                Applied::Tagged {
                    message: "matching took too many steps",
                }
            }
            Err(error) => Applied::failed(&error, event),
        }
    }

    fn try_apply<'a>(&'a self, event: &mut Event<'a>) -> Result<Applied<'a>, FilterError> {
        let mut found = BumpVec::new_in(event.bump);
        match event.get(&self.source) {
            Value::Str(text) => self.find(text, event, 0, &mut found)?,
            Value::Array(items) => {
                for item in items {
                    if let Value::Str(text) = item {
                        self.find(text, event, 0, &mut found)?;
                    }
                }
            }
            _ => {}
        }
        for (key, value) in &self.defaults {
            if !found.iter().any(|(known, _)| *known == &**key) {
                found.push((&**key, Value::Str(value)));
            }
        }
        if found.is_empty() {
            return Ok(Applied::Skipped);
        }
        match &self.target {
            Some(target) => event.set(target, Value::Object(found.into_bump_slice()))?,
            None => {
                for (key, value) in found {
                    let path = FieldPath::dynamic(FieldRef::parse(key)?, event.layout);
                    event.set(&path, value)?;
                }
            }
        }
        Ok(Applied::Matched)
    }

    /// Adds the pairs of a text.
    fn find<'a>(
        &'a self,
        text: &'a str,
        event: &Event<'a>,
        depth: usize,
        found: &mut BumpVec<'a, Member<'a>>,
    ) -> Result<(), FilterError> {
        if !self.value_split.is_match(text)? {
            return Ok(());
        }
        self.pair.each(text, event.bump, |pair| {
            let value = (2..pair.len()).find_map(|group| pair.get(group));
            let value = value.unwrap_or_default();
            let Some(key) = pair
                .get(1)
                .filter(|_| self.empty_values || !value.is_empty())
            else {
                return Ok(());
            };
            let key = self.key.apply(key, event)?;
            if !self.wants(key, event)? {
                return Ok(());
            }
            let prefix = self.prefix.render(event)?;
            let key = match prefix {
                "" => key,
                prefix => &*event.bump.alloc_str(&format!("{prefix}{key}")),
            };
            let text = self.value.apply(value, event)?;
            let mut value = Value::Str(text);
            if self.recursive && depth < MAX_DEPTH {
                let mut inner = BumpVec::new_in(event.bump);
                self.find(text, event, depth + 1, &mut inner)?;
                if !inner.is_empty() {
                    value = Value::Object(inner.into_bump_slice());
                }
            }
            self.add(key, value, event, found);
            Ok(())
        })
    }

    fn wants<'a>(&'a self, key: &str, event: &Event<'a>) -> Result<bool, FilterError> {
        let mut named = self.include.is_empty();
        for name in &self.include {
            named |= name.render(event)? == key;
        }
        for name in &self.exclude {
            named &= name.render(event)? != key;
        }
        Ok(named && !key.is_empty())
    }

    /// Adds a pair; a second value of a key makes a list.
    fn add<'a>(
        &self,
        key: &'a str,
        value: Value<'a>,
        event: &Event<'a>,
        found: &mut BumpVec<'a, Member<'a>>,
    ) {
        let Some((_, present)) = found.iter_mut().find(|(known, _)| *known == key) else {
            found.push((key, value));
            return;
        };
        let single = [*present];
        let items = match present {
            Value::Array(items) => items,
            _ => &single[..],
        };
        if !self.duplicates && holds(*present, value) {
            return;
        }
        let all = items.iter().copied().chain([value]);
        *present = Value::Array(BumpVec::from_iter_in(all, event.bump).into_bump_slice());
    }
}

/// Ruby's `include?` of what a key has: a list holds the same text, a text a part of it, an object a key.
fn holds(present: Value<'_>, value: Value<'_>) -> bool {
    let Value::Str(text) = value else {
        return false;
    };
    match present {
        Value::Array(items) => items
            .iter()
            .any(|item| matches!(item, Value::Str(known) if *known == text)),
        Value::Str(known) => known.contains(text),
        Value::Object(members) => members.iter().any(|(key, _)| *key == text),
        _ => false,
    }
}

impl Cleaning {
    /// The options `trim_…`, `remove_char_…` and `transform_…` of keys or values.
    fn compile(of: &str, options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let mut class = |option: String, shape: fn(&str) -> String| match options.text(&option) {
            Some(chars) => compiler
                .regex(&shape(chars), &options.at(&option))
                .map(Some),
            None => Some(None),
        };
        let trim = class(format!("trim_{of}"), |chars| {
            format!("^[{chars}]+|[{chars}]+$")
        })?;
        let remove = class(format!("remove_char_{of}"), |chars| format!("[{chars}]"))?;
        let transform = format!("transform_{of}");
        let case = match options.text(&transform) {
            None => None,
            Some("lowercase") => Some(Case::Lower),
            Some("uppercase") => Some(Case::Upper),
            Some("capitalize") => Some(Case::Capital),
            Some(other) => {
                let message = format!("`{other}` is none of lowercase, uppercase, capitalize");
                compiler.violation(options.at(&transform), "invalid_value", message);
                return None;
            }
        };
        Some(Self { trim, remove, case })
    }

    fn apply<'a>(&self, text: &'a str, event: &Event<'a>) -> Result<&'a str, GaveUp> {
        let mut text = text;
        for class in [&self.trim, &self.remove].into_iter().flatten() {
            if let Some(cleaned) =
                class.replace_all(text, event.bump, |_, _| Ok::<(), GaveUp>(()))?
            {
                text = event.bump.alloc_str(&cleaned);
            }
        }
        let changed: String = match self.case {
            None => return Ok(text),
            Some(Case::Lower) => text.to_lowercase(),
            Some(Case::Upper) => text.to_uppercase(),
            Some(Case::Capital) => {
                let mut chars = text.chars();
                let first = chars.next().map(char::to_uppercase).into_iter().flatten();
                first.chain(chars.flat_map(char::to_lowercase)).collect()
            }
        };
        Ok(event.bump.alloc_str(&changed))
    }
}

/// What separates a key from its value.
fn value_split(options: Options<'_>) -> String {
    let split = match options.text("value_split_pattern") {
        Some(pattern) => format!("(?:{pattern})"),
        None => format!("[{}]", options.text("value_split").unwrap_or("=")),
    };
    match options.text("whitespace") {
        Some("strict") => split,
        _ => format!(" *{split} *"),
    }
}

/// The expression of one pair, up to the end of its field.
fn pair(options: Options<'_>) -> String {
    let fields = options.text("field_split").unwrap_or(" ");
    let values = options.text("value_split").unwrap_or("=");
    let field_pattern = options.text("field_split_pattern");
    let field_split =
        field_pattern.map_or_else(|| format!("[{fields}]"), |own| format!("(?:{own})"));
    let value_split = value_split(options);
    let key = match (field_pattern, options.text("value_split_pattern")) {
        (None, None) => none_of(&format!("{values}{fields}")),
        _ => until(&format!("{value_split}|{field_split}")),
    };
    let bare = match field_pattern {
        None => none_of(fields),
        Some(_) => until(&field_split),
    };
    let mut forms = vec![quoted("\"", "\""), quoted("'", "'")];
    if options.flag("include_brackets", true) {
        forms.extend([quoted(r"\(", r"\)"), quoted(r"\[", r"\]"), quoted("<", ">")]);
    }
    forms.push(bare);
    format!(
        "{key}{value_split}(?:{})?(?:{field_split}|$)",
        forms.join("|")
    )
}

/// A group of characters that are not of the class, or have a backslash before them.
fn none_of(class: &str) -> String {
    format!(r"((?:\\.|[^{class}])+)")
}

/// A group of characters at which the pattern does not match, or that have a backslash before them.
fn until(pattern: &str) -> String {
    format!(r"((?:\\.|(?!{pattern}).)+)")
}

fn quoted(open: &str, close: &str) -> String {
    format!("{open}{}?{close}", none_of(close))
}
