//! Takes a csv text apart into rows and values.

use bumpalo::Bump;
use bumpalo::collections::String as BumpString;

use super::marks::Marks;
use super::{Dialect, Flaw, Span, trim_cr};

/// The rows of a text of whole records; blank lines are passed over.
///
/// Values are slices of the text, except those with escaped quotes, which are written anew into the arena.
#[derive(Debug)]
pub struct Rows<'t> {
    text: &'t str,
    dialect: Dialect,
    arena: &'t Bump,
    marks: Marks<'t>,
    at: usize,
}

/// What came after a value.
enum After {
    /// A delimiter: there is another value.
    Value,
    /// A line end, at this offset, or the end of the text.
    Record(usize),
}

impl<'t> Rows<'t> {
    /// The rows of `text`.
    pub fn new(text: &'t str, dialect: Dialect, arena: &'t Bump) -> Self {
        Self {
            text,
            dialect,
            arena,
            marks: Marks::new(text.as_bytes(), dialect),
            at: 0,
        }
    }

    /// The next row; its values replace those in `values`. A row with a flaw has no meaningful values.
    pub fn next(&mut self, values: &mut Vec<&'t str>) -> Option<Span> {
        let bytes = self.text.as_bytes();
        loop {
            let start = self.at;
            if start >= bytes.len() {
                return None;
            }
            values.clear();
            let mut flaw = None;
            let end = loop {
                let value_start = self.at;
                let after = match self.marks.next() {
                    Some(at) if at == value_start && bytes.get(at) == Some(&self.dialect.quote) => {
                        self.quoted(values, &mut flaw)
                    }
                    mark => self.unquoted(value_start, mark, values),
                };
                match after {
                    After::Value => {}
                    After::Record(end) => break end,
                }
            };
            if end > start {
                return Some(Span { start, end, flaw });
            }
        }
    }

    /// A value from `start`, of which `mark` is the first structural byte.
    #[inline]
    fn unquoted(
        &mut self,
        start: usize,
        mut mark: Option<usize>,
        values: &mut Vec<&'t str>,
    ) -> After {
        let bytes = self.text.as_bytes();
        loop {
            let Some(at) = mark else {
                self.at = bytes.len();
                values.push(self.slice(start, self.at));
                return After::Record(self.at);
            };
            match bytes.get(at) {
                Some(&b) if b == self.dialect.delimiter => {
                    self.at = at + 1;
                    values.push(self.slice(start, at));
                    return After::Value;
                }
                Some(b'\n') => {
                    self.at = at + 1;
                    let end = trim_cr(bytes, start, at);
                    values.push(self.slice(start, end));
                    return After::Record(end);
                }
                _ => mark = self.marks.next(),
            }
        }
    }

    /// A value whose opening quote stands at `self.at`.
    fn quoted(&mut self, values: &mut Vec<&'t str>, flaw: &mut Option<Flaw>) -> After {
        let bytes = self.text.as_bytes();
        let start = self.at + 1;
        let mut escapes = 0_usize;
        let close = loop {
            let Some(at) = self.marks.next() else {
                *flaw = Some(Flaw::UnterminatedQuote);
                self.at = bytes.len();
                return After::Record(self.at);
            };
            if bytes.get(at) != Some(&self.dialect.quote) {
                continue;
            }
            if bytes.get(at + 1) != Some(&self.dialect.quote) {
                break at;
            }
            self.marks.next();
            escapes += 1;
        };
        values.push(if escapes == 0 {
            self.slice(start, close)
        } else {
            self.unescape(start, close, escapes)
        });
        self.after_quote(close + 1, flaw)
    }

    /// What stands at `from`, right after a closing quote.
    fn after_quote(&mut self, from: usize, flaw: &mut Option<Flaw>) -> After {
        let bytes = self.text.as_bytes();
        loop {
            let Some(at) = self.marks.next() else {
                if from < bytes.len() {
                    *flaw = Some(Flaw::TextAfterQuote);
                }
                self.at = bytes.len();
                return After::Record(self.at);
            };
            match bytes.get(at) {
                Some(&b) if b == self.dialect.delimiter => {
                    if at > from {
                        *flaw = Some(Flaw::TextAfterQuote);
                    }
                    self.at = at + 1;
                    return After::Value;
                }
                Some(b'\n') => {
                    let end = trim_cr(bytes, from, at);
                    if end > from {
                        *flaw = Some(Flaw::TextAfterQuote);
                    }
                    self.at = at + 1;
                    return After::Record(end);
                }
                _ => {}
            }
        }
    }

    fn unescape(&self, start: usize, end: usize, escapes: usize) -> &'t str {
        let quote = char::from(self.dialect.quote);
        let mut value = BumpString::with_capacity_in(end - start - escapes, self.arena);
        let mut parts = self.slice(start, end).split(quote);
        value.push_str(parts.next().unwrap_or_default());
        // between the two halves of an escaped quote there is an empty part
        while let (Some(_), Some(part)) = (parts.next(), parts.next()) {
            value.push(quote);
            value.push_str(part);
        }
        value.into_bump_str()
    }

    #[inline]
    fn slice(&self, start: usize, end: usize) -> &'t str {
        self.text.get(start..end).unwrap_or_default()
    }
}
