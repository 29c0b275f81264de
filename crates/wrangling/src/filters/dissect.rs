//! `dissect`: cuts a field's text at fixed delimiters.

use bumpalo::collections::{String as BumpString, Vec as BumpVec};

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::exec::{Event, FieldPath};
use crate::field_ref::FieldRef;
use crate::options::Options;
use crate::value::Value;

/// A compiled dissect filter: each source with its dissection.
#[derive(Debug)]
pub(crate) struct Dissect {
    mappings: Vec<(FieldPath, Dissection)>,
}

/// `prefix%{field}delimiter%{field}delimiter…`
#[derive(Debug)]
struct Dissection {
    prefix: Box<str>,
    parts: Vec<Part>,
}

/// One `%{…}` and the text after it.
#[derive(Debug)]
struct Part {
    kind: Kind,
    /// `->`: the delimiter may be repeated.
    padded: bool,
    delimiter: Box<str>,
}

#[derive(Debug)]
enum Kind {
    Skip,
    Field(FieldPath),
    /// `+name/order`: added to the values of the same name, in order.
    Append(FieldPath, u32),
    /// `?name`: kept for a `&name` only.
    Key(Box<str>),
    /// `&name`: the field is named by the value of `name`.
    Named(Box<str>),
}

impl Dissect {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let at = options.at("mapping");
        if options.get("convert_datatype").is_some() {
            let message = "convert with `mutate { convert => … }` after this filter".to_owned();
            compiler.violation(
                options.at("convert_datatype"),
                "unsupported_option",
                message,
            );
        }
        let mut mappings = Vec::new();
        for (source, pattern) in options.text_pairs("mapping") {
            let source = compiler.field(source, &at)?;
            mappings.push((source, Dissection::compile(pattern, &at, compiler)?));
        }
        Some(Self { mappings })
    }

    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>) -> Applied<'a> {
        let mut applied = Applied::Skipped;
        for (source, dissection) in &self.mappings {
            let text = match event.get(source) {
                Value::Absent | Value::Null => continue,
                value => value.text(event.bump),
            };
            let Some(values) = dissection.cut(text, event) else {
                let message = "the text does not have the delimiters".to_owned();
                let error = FilterError::value(source.field.to_string(), message);
                return Applied::failed(&error, event);
            };
            if let Err(error) = dissection.store(values, event) {
                return Applied::failed(&error, event);
            }
            applied = Applied::Matched;
        }
        applied
    }
}

impl Dissection {
    fn compile(pattern: &str, at: &str, compiler: &mut Compiler<'_>) -> Option<Self> {
        let Some((prefix, mut rest)) = pattern.split_once("%{") else {
            let message = format!("`{pattern}` has no field, such as `%{{name}}`");
            compiler.violation(at.to_owned(), "invalid_mapping", message);
            return None;
        };
        let mut parts = Vec::new();
        while let Some((inside, after)) = rest.split_once('}') {
            let (delimiter, next) = after.split_once("%{").unwrap_or((after, ""));
            let (name, padded) = match inside.strip_suffix("->") {
                Some(name) => (name, true),
                None => (inside, false),
            };
            parts.push(Part {
                kind: Kind::compile(name, at, compiler)?,
                padded,
                delimiter: delimiter.into(),
            });
            rest = next;
        }
        Some(Self {
            prefix: prefix.into(),
            parts,
        })
    }

    /// The values in order; `None` if a delimiter is missing.
    fn cut<'a>(&self, text: &'a str, event: &Event<'a>) -> Option<&'a [&'a str]> {
        let mut rest = text.get(text.find(&*self.prefix)? + self.prefix.len()..)?;
        let mut values = BumpVec::with_capacity_in(self.parts.len(), event.bump);
        if rest.is_empty() {
            return None;
        }
        for part in &self.parts {
            if part.delimiter.is_empty() {
                values.push(rest);
                continue;
            }
            let found = rest.find(&*part.delimiter)?;
            values.push(rest.get(..found)?);
            // a delimiter at the very start of the text is not passed over: so does Logstash
            if found > 0 || rest.len() < text.len() {
                rest = rest.get(found + part.delimiter.len()..)?;
            }
            while part.padded && rest.starts_with(&*part.delimiter) {
                rest = rest.get(part.delimiter.len()..)?;
            }
        }
        Some(values.into_bump_slice())
    }

    fn store<'a>(
        &'a self,
        values: &'a [&'a str],
        event: &mut Event<'a>,
    ) -> Result<(), FilterError> {
        let value = |at: usize| values.get(at).copied().unwrap_or_default();
        for (at, part) in self.parts.iter().enumerate() {
            match &part.kind {
                Kind::Skip | Kind::Key(_) => {}
                Kind::Field(path) => event.set(path, Value::Str(value(at)))?,
                Kind::Append(path, _) => self.append(path, values, event)?,
                Kind::Named(name) => {
                    let is_key = |part: &Part| match &part.kind {
                        Kind::Key(key) => key == name,
                        Kind::Field(path) => path.field == FieldRef::top(name),
                        _ => false,
                    };
                    if let Some(key) = self.parts.iter().position(is_key) {
                        let field = FieldRef::parse(value(key))?;
                        let path = FieldPath::dynamic(field, event.layout);
                        event.set(&path, Value::Str(value(at)))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Joins all values of one name, each after the delimiter in front of it.
    fn append<'a>(
        &self,
        path: &FieldPath,
        values: &[&'a str],
        event: &mut Event<'a>,
    ) -> Result<(), FilterError> {
        let mut pieces: Vec<(u32, &str, &str)> = Vec::new();
        let mut before = &*self.prefix;
        for (part, value) in self.parts.iter().zip(values) {
            match &part.kind {
                Kind::Field(other) if other.field == path.field => pieces.push((0, before, value)),
                Kind::Append(other, order) if other.field == path.field => {
                    pieces.push((*order, before, value));
                }
                _ => {}
            }
            before = &part.delimiter;
        }
        pieces.sort_by_key(|(order, _, _)| *order);
        let mut text = BumpString::new_in(event.bump);
        for (index, (_, before, value)) in pieces.into_iter().enumerate() {
            text.push_str(if index > 0 { before } else { "" });
            text.push_str(value);
        }
        Ok(event.set(path, Value::Str(text.into_bump_str()))?)
    }
}

impl Kind {
    fn compile(name: &str, at: &str, compiler: &mut Compiler<'_>) -> Option<Self> {
        if name.is_empty() || name == "?" {
            return Some(Self::Skip);
        }
        if let Some(key) = name.strip_prefix('?') {
            return Some(Self::Key(key.into()));
        }
        if let Some(key) = name.strip_prefix('&') {
            return Some(Self::Named(key.into()));
        }
        let Some(appended) = name.strip_prefix('+') else {
            return compiler.field(name, at).map(Self::Field);
        };
        let (field, order) = match appended.rsplit_once('/') {
            Some((field, order)) => (field, order.parse().unwrap_or(1)),
            None => (appended, 1),
        };
        Some(Self::Append(compiler.field(field, at)?, order))
    }
}
