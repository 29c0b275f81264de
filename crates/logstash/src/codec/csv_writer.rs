//! `csv` for outputs: a line of values an event.

use std::sync::atomic::{AtomicBool, Ordering};

use wrangling::field_ref::FieldRef;
use wrangling::{Delivery, Violation};

use crate::options::Options;

/// Writes events as lines of values, as Ruby's CSV does.
#[derive(Debug)]
pub struct CsvWriter {
    /// The fields, with their names as they were given; all of the event's if there are none.
    columns: Vec<(String, FieldRef)>,
    separator: String,
    quote: String,
    /// Whether a line of names has still to be written.
    headers: AtomicBool,
}

impl CsvWriter {
    pub fn compile(options: Options<'_>) -> Result<Self, Violation> {
        let columns = options.list("columns")?.into_iter().map(|name| {
            let wrong = |error: String| options.wrong("columns", "invalid_field", error);
            let field = FieldRef::parse(name).map_err(|error| wrong(error.to_string()))?;
            Ok((name.to_owned(), field))
        });
        Ok(Self {
            columns: columns.collect::<Result<_, Violation>>()?,
            separator: options.text("separator")?.unwrap_or(",").to_owned(),
            quote: options.text("quote_char")?.unwrap_or("\"").to_owned(),
            headers: AtomicBool::new(options.flag("include_headers", false)?),
        })
    }

    /// Appends an event, after the line of names if it is the first one.
    pub fn write(&self, delivery: &Delivery<'_>, out: &mut Vec<u8>) {
        let (names, values): (Vec<&str>, Vec<Option<String>>) = match self.columns.as_slice() {
            [] => delivery.values().unzip(),
            columns => columns
                .iter()
                .map(|(name, field)| (name.as_str(), delivery.value(field)))
                .unzip(),
        };
        if self.headers.swap(false, Ordering::Relaxed) {
            self.line(names.into_iter().map(Some), out);
        }
        self.line(values.iter().map(Option::as_deref), out);
    }

    fn line<'v>(&self, values: impl Iterator<Item = Option<&'v str>>, out: &mut Vec<u8>) {
        for (index, value) in values.enumerate() {
            if index > 0 {
                out.extend_from_slice(self.separator.as_bytes());
            }
            if let Some(value) = value {
                out.extend_from_slice(self.quoted(value).as_bytes());
            }
        }
        out.push(b'\n');
    }

    /// A value in quotes if it could be taken for something else without them.
    fn quoted(&self, value: &str) -> String {
        let special = value.is_empty()
            || value.starts_with([' ', '\t'])
            || value.contains(['\r', '\n'])
            || value.contains(&self.separator)
            || (!self.quote.is_empty() && value.contains(&self.quote));
        if !special {
            return value.to_owned();
        }
        let quote = &self.quote;
        let doubled = match quote.is_empty() {
            true => value.to_owned(),
            false => value.replace(quote, &quote.repeat(2)),
        };
        format!("{quote}{doubled}{quote}")
    }
}
