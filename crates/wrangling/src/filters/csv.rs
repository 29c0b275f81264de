//! `csv`: splits a field's text into columns, as Ruby's CSV reads one line.

use std::sync::OnceLock;

use bumpalo::Bump;
use bumpalo::collections::{String as BumpString, Vec as BumpVec};

use super::csv_convert::Conversion;
use super::{Applied, FilterError, below};
use crate::compile::Compiler;
use crate::exec::{Event, FieldPath};
use crate::field_ref::FieldRef;
use crate::options::Options;
use crate::value::Value;

/// A compiled csv filter.
#[derive(Debug)]
pub(crate) struct Csv {
    source: FieldPath,
    /// Each column's field and conversion, and its name for `skip_header`.
    columns: Vec<(FieldPath, Option<Conversion>, Box<str>)>,
    /// Conversions by column, for those that are named by their number.
    conversions: Vec<(Box<str>, Conversion)>,
    target: Option<FieldRef>,
    splitter: Splitter,
    skip_empty_columns: bool,
    skip_empty_rows: bool,
    skip_header: bool,
    autogenerate: bool,
    /// The columns that the first record names, if none are given.
    detected: Option<OnceLock<Vec<Option<Detected>>>>,
}

/// A column that a record named; without a name it has its number.
#[derive(Debug)]
struct Detected {
    name: Box<str>,
    field: FieldRef,
    conversion: Option<Conversion>,
}

impl Csv {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let separator = options.text("separator").unwrap_or(",");
        if separator.is_empty() {
            compiler.violation(
                options.at("separator"),
                "invalid_separator",
                "the separator cannot be empty".to_owned(),
            );
        }
        let quote = match options.text("quote_char") {
            Some(r"\x00") => "\0",
            quote => quote.unwrap_or("\""),
        };
        if quote.chars().count() > 1 {
            let message = format!("the quote must be one character, not `{quote}`");
            compiler.violation(options.at("quote_char"), "invalid_quote", message);
        }
        let target = match options.text("target") {
            Some(target) => Some(compiler.field(target, &options.at("target"))?.field),
            None => None,
        };
        let source = compiler.field(
            options.text("source").unwrap_or("message"),
            &options.at("source"),
        )?;
        let conversions = conversions(options, compiler);
        let columns = columns(options, target.as_ref(), &conversions, compiler);
        let detects = columns.is_empty() && options.flag("autodetect_column_names", false);
        // which record is the first one must not depend on threads
        compiler.ordered |= detects;
        Some(Self {
            source,
            columns,
            detected: detects.then(OnceLock::new),
            conversions,
            target,
            splitter: Splitter {
                separator: separator.into(),
                quote: quote.chars().next(),
            },
            skip_empty_columns: options.flag("skip_empty_columns", false),
            skip_empty_rows: options.flag("skip_empty_rows", false),
            skip_header: options.flag("skip_header", false),
            autogenerate: options.flag("autogenerate_column_names", true),
        })
    }

    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>) -> Applied<'a> {
        let text = match event.get(&self.source) {
            Value::Absent | Value::Null | Value::Bool(false) => return Applied::Skipped,
            Value::Str(text) => text,
            other => {
                let message = format!("only a text has columns, and this is {}", other.kind());
                let error = FilterError::value(self.source.field.to_string(), message);
                return Applied::failed(&error, event);
            }
        };
        if text.is_empty() && self.skip_empty_rows {
            return Applied::Dropped;
        }
        let result = self
            .splitter
            .split(text, event.bump)
            .map_err(|reason| FilterError::value(self.source.field.to_string(), reason.to_owned()))
            .and_then(|values| self.store(values, event));
        Applied::from_result(result, event)
    }

    fn store<'a>(
        &'a self,
        values: &'a [Value<'a>],
        event: &mut Event<'a>,
    ) -> Result<Applied<'a>, FilterError> {
        if let Some(detected) = &self.detected {
            return match detected.get() {
                Some(columns) => self.store_detected(columns, values, event),
                None => {
                    detected.get_or_init(|| self.detect(values));
                    Ok(Applied::Dropped)
                }
            };
        }
        if self.skip_header && self.is_header(values) {
            return Ok(Applied::Dropped);
        }
        for (index, value) in values.iter().enumerate() {
            let empty = matches!(value, Value::Null | Value::Str(""));
            if self.skip_empty_columns && empty {
                continue;
            }
            match self.columns.get(index) {
                Some((path, None, _)) => event.set(path, *value)?,
                Some((path, Some(conversion), _)) => {
                    event.set(path, conversion.apply(*value, path, event)?)?
                }
                None if self.autogenerate => self.store_unnamed(index, *value, event)?,
                None => {}
            }
        }
        Ok(Applied::Matched)
    }

    /// The columns that these values name.
    fn detect(&self, values: &[Value<'_>]) -> Vec<Option<Detected>> {
        let column = |value: &Value<'_>| match value {
            Value::Str(name) => {
                let field = FieldRef::parse(&format!("[{name}]"));
                let field = field.unwrap_or_else(|_| FieldRef::top(name));
                let conversion = self.conversions.iter().find(|(known, _)| **known == **name);
                Some(Detected {
                    name: (*name).into(),
                    field: below(self.target.as_ref(), field),
                    conversion: conversion.map(|(_, conversion)| conversion.clone()),
                })
            }
            _ => None,
        };
        values.iter().map(column).collect()
    }

    fn store_detected<'a>(
        &self,
        columns: &[Option<Detected>],
        values: &'a [Value<'a>],
        event: &mut Event<'a>,
    ) -> Result<Applied<'a>, FilterError> {
        let names = |(column, value): (&Option<Detected>, &Value<'_>)| match (column, value) {
            (Some(column), Value::Str(text)) => *column.name == **text,
            (None, value) => value.is_nil(),
            _ => false,
        };
        let is_header = columns.len() == values.len() && columns.iter().zip(values).all(names);
        if self.skip_header && is_header {
            return Ok(Applied::Dropped);
        }
        for (index, value) in values.iter().enumerate() {
            if self.skip_empty_columns && matches!(value, Value::Null | Value::Str("")) {
                continue;
            }
            match columns.get(index).and_then(Option::as_ref) {
                Some(column) => {
                    let path = FieldPath::dynamic(column.field.clone(), event.layout);
                    let value = match &column.conversion {
                        Some(conversion) => conversion.apply(*value, &path, event)?,
                        None => *value,
                    };
                    event.set(&path, value)?;
                }
                None if self.autogenerate => self.store_unnamed(index, *value, event)?,
                None => {}
            }
        }
        Ok(Applied::Matched)
    }

    #[cold]
    fn store_unnamed<'a>(
        &self,
        index: usize,
        value: Value<'a>,
        event: &mut Event<'a>,
    ) -> Result<(), FilterError> {
        let name = format!("column{}", index + 1);
        let field = below(self.target.as_ref(), FieldRef::top(&name));
        let path = FieldPath::dynamic(field, event.layout);
        let conversion = self.conversions.iter().find(|(known, _)| **known == *name);
        let value = match conversion {
            Some((_, conversion)) => conversion.apply(value, &path, event)?,
            None => value,
        };
        Ok(event.set(&path, value)?)
    }

    fn is_header(&self, values: &[Value<'_>]) -> bool {
        let same = |((_, _, name), value): (&(_, _, Box<str>), &Value<'_>)| matches!(value, Value::Str(text) if **text == **name);
        !self.columns.is_empty()
            && self.columns.len() == values.len()
            && self.columns.iter().zip(values).all(same)
    }
}

/// How a line is split into values.
#[derive(Debug)]
pub(crate) struct Splitter {
    pub(crate) separator: Box<str>,
    pub(crate) quote: Option<char>,
}

impl Splitter {
    /// The values of one line: nothing between separators is null, quoted nothing is an empty text.
    pub(crate) fn split<'a>(
        &self,
        text: &'a str,
        bump: &'a Bump,
    ) -> Result<&'a [Value<'a>], &'static str> {
        if text.is_empty() {
            return Err("the line is empty");
        }
        let mut values = BumpVec::with_capacity_in(8, bump);
        let mut rest = text
            .strip_suffix("\r\n")
            .or_else(|| text.strip_suffix('\n'))
            .unwrap_or(text);
        loop {
            let quoted = self.quote.filter(|quote| rest.starts_with(*quote));
            let after = match quoted {
                Some(quote) => {
                    let (value, after) = self
                        .quoted(rest, quote, bump)
                        .ok_or("a quote is not closed")?;
                    values.push(Value::Str(value));
                    after
                }
                None => {
                    let (value, after) = rest.split_at(self.find_separator(rest));
                    if self.quote.is_some_and(|quote| contains(value, quote)) {
                        return Err("a quote stands inside of an unquoted value");
                    }
                    values.push(if value.is_empty() {
                        Value::Null
                    } else {
                        Value::Str(value)
                    });
                    after
                }
            };
            rest = match after.strip_prefix(&*self.separator) {
                Some(rest) => rest,
                None if after.is_empty() => return Ok(values.into_bump_slice()),
                None => return Err("a separator must follow a closing quote"),
            };
        }
    }

    /// Where the next separator is, or the end.
    #[inline]
    fn find_separator(&self, text: &str) -> usize {
        let found = match *self.separator.as_bytes() {
            [byte] => text.bytes().position(|other| other == byte),
            _ => text.find(&*self.separator),
        };
        found.unwrap_or(text.len())
    }

    /// A quoted value and what follows its closing quote.
    fn quoted<'a>(&self, text: &'a str, quote: char, bump: &'a Bump) -> Option<(&'a str, &'a str)> {
        let mut rest = text.strip_prefix(quote)?;
        let end = rest.find(quote)?;
        let after = rest.get(end..)?.strip_prefix(quote)?;
        if !after.starts_with(quote) {
            return Some((rest.get(..end)?, after));
        }
        let mut value = BumpString::new_in(bump);
        loop {
            let end = rest.find(quote)?;
            value.push_str(rest.get(..end)?);
            let after = rest.get(end..)?.strip_prefix(quote)?;
            match after.strip_prefix(quote) {
                Some(more) => {
                    value.push(quote);
                    rest = more;
                }
                None => return Some((value.into_bump_str(), after)),
            }
        }
    }
}

/// Whether a short text holds a character, mostly an ASCII one.
#[inline]
fn contains(text: &str, c: char) -> bool {
    if c.is_ascii() {
        text.bytes().any(|byte| char::from(byte) == c)
    } else {
        text.contains(c)
    }
}

/// The conversions of `convert` by column.
fn conversions(options: Options<'_>, compiler: &mut Compiler<'_>) -> Vec<(Box<str>, Conversion)> {
    let mut known = Vec::new();
    for (column, kind) in options.text_pairs("convert") {
        match Conversion::parse(kind) {
            Some(conversion) => known.push((column.into(), conversion)),
            None => {
                let message = format!(
                    "`{kind}` is no conversion; allowed: integer, float, date, date_time, boolean"
                );
                compiler.violation(options.at("convert"), "invalid_conversion", message);
            }
        }
    }
    known
}

fn columns(
    options: Options<'_>,
    target: Option<&FieldRef>,
    conversions: &[(Box<str>, Conversion)],
    compiler: &mut Compiler<'_>,
) -> Vec<(FieldPath, Option<Conversion>, Box<str>)> {
    let names = options.list("columns").unwrap_or_default();
    names
        .into_iter()
        .filter_map(|name| {
            let field = compiler.field(name, &options.at("columns"))?.field;
            let path = compiler.path(below(target, field));
            let conversion = conversions.iter().find(|(column, _)| **column == *name);
            let conversion = conversion.map(|(_, conversion)| conversion.clone());
            Some((path, conversion, name.into()))
        })
        .collect()
}
