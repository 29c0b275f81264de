//! Records of columns: csv, and lines of fixed widths.

use std::sync::Arc;

use bumpalo::Bump;
use domain::spec::ColumnMismatch;
use wrangling::Payload;

use super::Wrangler;
use super::page::Page;
use crate::batch::{FileContext, Segment};
use crate::decode::{Dialect, Fit, Lines, Rows, Span, Widths};

impl Wrangler {
    pub(super) fn rows(
        &mut self,
        page: &mut Page<'_>,
        segment: &Segment,
        text: &str,
        base: usize,
        dialect: Dialect,
        arena: &Bump,
    ) {
        let Some(columns) = &segment.file.columns else {
            return;
        };
        let exact = self.format.on_column_mismatch.unwrap_or_default() == ColumnMismatch::Reject;
        let mut values = Vec::with_capacity(columns.names.len());
        let mut rows = Rows::new(text, dialect, arena);
        while !page.is_full()
            && let Some(Span { start, end, flaw }) = rows.next(&mut values)
        {
            page.record(base + start, base + end);
            let expected = columns.names.len();
            if end - start > self.max_record {
                page.too_long(self.max_record);
            } else if let Some(flaw) = flaw {
                page.flawed(flaw);
            } else if values.len() == expected || (!exact && values.len() < expected) {
                let raw = text.get(start..end).unwrap_or_default();
                self.run(
                    page,
                    &segment.file,
                    Payload::Row {
                        columns: &columns.bound,
                        values: &values,
                        raw,
                    },
                );
            } else if exact {
                page.wrong_width(values.len(), expected);
            } else {
                self.wide_row(
                    page,
                    &segment.file,
                    &values,
                    text.get(start..end).unwrap_or_default(),
                );
            }
        }
    }

    /// A row with more values than columns, which is accepted: the further ones are named by their place.
    fn wide_row(
        &mut self,
        page: &mut Page<'_>,
        file: &Arc<FileContext>,
        values: &[&str],
        raw: &str,
    ) {
        let known = self
            .wide
            .take()
            .filter(|(of, columns)| Arc::ptr_eq(of, file) && columns.len() >= values.len());
        let names = file
            .columns
            .as_ref()
            .map(|columns| columns.names.clone())
            .unwrap_or_default();
        let (of, columns) = match known {
            Some(known) => known,
            None => match self
                .program
                .bind_columns(&widened(names, values.len().next_power_of_two()))
            {
                Ok(columns) => (Arc::clone(file), columns),
                Err(_) => {
                    return page.wrong_width(
                        values.len(),
                        file.columns.as_ref().map_or(0, |c| c.names.len()),
                    );
                }
            },
        };
        self.run(
            page,
            file,
            Payload::Row {
                columns: &columns,
                values,
                raw,
            },
        );
        self.wide = Some((of, columns));
    }

    /// Lines of fixed widths.
    pub(super) fn fixed(
        &mut self,
        page: &mut Page<'_>,
        segment: &Segment,
        text: &str,
        base: usize,
        widths: &Widths,
    ) {
        let Some(columns) = &segment.file.columns else {
            return;
        };
        let exact = self.format.on_column_mismatch.unwrap_or_default() == ColumnMismatch::Reject;
        let mut values = Vec::with_capacity(columns.names.len() + 1);
        for Span { start, end, .. } in Lines::new(text.as_bytes()) {
            if page.is_full() {
                return;
            }
            let raw = text.get(start..end).unwrap_or_default();
            if !self.begin(page, base + start, raw) {
                continue;
            }
            match widths.split(raw, &mut values) {
                Fit::Short | Fit::Long if exact => {
                    page.wrong_length(raw.chars().count(), widths.total());
                }
                Fit::Long => self.wide_row(page, &segment.file, &values, raw),
                Fit::Exact | Fit::Short => {
                    let payload = Payload::Row {
                        columns: &columns.bound,
                        values: &values,
                        raw,
                    };
                    self.run(page, &segment.file, payload);
                }
            }
        }
    }
}

/// The names and, after them, those of further columns, up to `width`.
fn widened(mut names: Vec<String>, width: usize) -> Vec<String> {
    names.extend((names.len() + 1..=width).map(|number| format!("column{number}")));
    names
}
