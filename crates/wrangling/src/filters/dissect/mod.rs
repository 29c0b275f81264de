//! `dissect`: cuts a field's text at fixed delimiters.

mod convert;

use bumpalo::collections::Vec as BumpVec;

use convert::Conversion;

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
    conversions: Vec<Conversion>,
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
    Named(FieldPath),
}

impl Dissect {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let at = options.at("mapping");
        let mut conversions = Vec::new();
        for (field, kind) in options.text_pairs("convert_datatype") {
            let path = compiler.field(field, &options.at("convert_datatype"))?;
            let conversion = Conversion::new(path, field, kind);
            for tag in conversion.tags() {
                compiler.failure_tag(&tag);
            }
            conversions.push(conversion);
        }
        let mut mappings = Vec::new();
        for (source, pattern) in options.text_pairs("mapping") {
            let source = compiler.field(source, &at)?;
            if !pattern.is_empty() {
                mappings.push((source, Dissection::compile(pattern, &at, compiler)?));
            }
        }
        Some(Self {
            mappings,
            conversions,
        })
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
        for conversion in &self.conversions {
            if let Err(error) = conversion.apply(event) {
                return Applied::failed(&error, event);
            }
        }
        match self.mappings.is_empty() {
            true => Applied::Matched,
            false => applied,
        }
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

    /// Sets plain fields, then appends in order, then sets fields that are named by a value.
    fn store<'a>(
        &'a self,
        values: &'a [&'a str],
        event: &mut Event<'a>,
    ) -> Result<(), FilterError> {
        let mut appended = Vec::new();
        let mut before = None;
        for (part, value) in self.parts.iter().zip(values) {
            match &part.kind {
                Kind::Field(path) => event.set(path, Value::Str(value))?,
                Kind::Append(path, order) => {
                    appended.push((*order, before.unwrap_or(" "), path, *value))
                }
                Kind::Skip | Kind::Key(_) | Kind::Named(..) => {}
            }
            before = Some(&*part.delimiter);
        }
        appended.sort_by_key(|(order, ..)| *order);
        for (_, before, path, value) in appended {
            let text = match event.get(path) {
                Value::Absent => value,
                present => {
                    let present = present.text(event.bump);
                    &*event.bump.alloc_str(&format!("{present}{before}{value}"))
                }
            };
            event.set(path, Value::Str(text))?;
        }
        for (part, value) in self.parts.iter().zip(values) {
            if let Kind::Named(path) = &part.kind {
                let name = self.name(path, values, event);
                if !name.is_empty() {
                    let path = FieldPath::dynamic(FieldRef::parse(name)?, event.layout);
                    event.set(&path, Value::Str(value))?;
                }
            }
        }
        Ok(())
    }

    /// The name that a `&key` stands for: the event's own field of that name counts before the value of `?key`.
    fn name<'a>(&self, path: &FieldPath, values: &[&'a str], event: &Event<'a>) -> &'a str {
        let present = event.get(path);
        if !present.is_absent() {
            return present.text(event.bump);
        }
        let is_key = |part: &Part| match &part.kind {
            Kind::Key(key) => FieldRef::parse(key).is_ok_and(|key| key == path.field),
            _ => false,
        };
        let key = self.parts.iter().position(is_key);
        key.and_then(|key| values.get(key))
            .copied()
            .unwrap_or_default()
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
        if matches!(name, "+" | "&") || name.starts_with("+&") || name.starts_with("&+") {
            let message = format!("`%{{{name}}}` is no field; write `%{{+name}}` or `%{{&name}}`");
            compiler.violation(at.to_owned(), "invalid_mapping", message);
            return None;
        }
        if let Some(key) = name.strip_prefix('&') {
            return compiler.field(key, at).map(Self::Named);
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
