//! The wrangling stage: takes batches apart into records, runs the program over each, and encodes the documents into the
//! body of a bulk request.

mod page;

use std::sync::Arc;

use bumpalo::Bump;
use domain::ledger::Ledger;
use domain::spec::{ColumnMismatch, Format, FormatType};
use wrangling::{Columns, Compiled, Payload, Record, Scratch};

use crate::batch::{Batch, FileContext, Segment, SegmentKind, Wrangled};
use crate::decode::{Boundary, Dialect, Flaw, Framing, Lines, Rows, Span};
use crate::rejects::{Cause, Place};
use page::Page;

/// The step that the decoder's rejects name.
const DECODE: &str = "decode";
/// Working memory for unescaped values is kept up to this size.
const MAX_KEPT_BYTES: usize = 1 << 20;

/// One thread's wrangling.
#[derive(Debug)]
pub struct Wrangler {
    program: Arc<Compiled>,
    scratch: Scratch,
    arena: Bump,
    format: Format,
    framing: Framing,
    max_record: usize,
    /// Columns for rows that are wider than their file's header, and of which file.
    wide: Option<(Arc<FileContext>, Columns)>,
}

impl Wrangler {
    /// A wrangler for one thread.
    pub fn new(program: Arc<Compiled>, format: Format, max_record: usize) -> Self {
        let scratch = program.scratch();
        let framing = Framing::of(&format);
        Self {
            program,
            scratch,
            arena: Bump::new(),
            format,
            framing,
            max_record,
            wide: None,
        }
    }

    /// Carries a batch's records through the program; `body` is where their documents go.
    pub fn wrangle(&mut self, batch: Batch, body: Vec<u8>) -> Wrangled {
        let mut page = Page::new(body);
        let mut ledgers = Vec::with_capacity(batch.segments.len());
        for (number, segment) in batch.segments.iter().enumerate() {
            page.begin(number, segment, &batch.block);
            match &segment.kind {
                SegmentKind::Records(range) => {
                    self.records(&mut page, segment, &batch.block, range.start, range.end)
                }
                SegmentKind::Oversized(oversized) => page.oversized(oversized),
                SegmentKind::End(_) => {}
            }
            ledgers.push(Ledger {
                bytes: segment.to.position - segment.from.position,
                ..page.ledger()
            });
        }
        let (body, items, rejects, indices) = page.into_parts();
        Wrangled {
            batch,
            body,
            items,
            ledgers,
            rejects,
            indices,
        }
    }

    fn records(
        &mut self,
        page: &mut Page<'_>,
        segment: &Segment,
        block: &[u8],
        start: usize,
        end: usize,
    ) {
        let bytes = block.get(start..end).unwrap_or_default();
        if let Ok(text) = std::str::from_utf8(bytes) {
            return self.text(page, segment, text, start);
        }
        // somewhere in it is a byte that is no text: only its own record suffers
        let mut at = 0;
        while at < bytes.len() {
            let rest = bytes.get(at..).unwrap_or_default();
            let length = Boundary::new(self.framing)
                .first(rest)
                .unwrap_or(rest.len());
            let record = rest.get(..length).unwrap_or_default();
            match std::str::from_utf8(record) {
                Ok(text) => self.text(page, segment, text, start + at),
                Err(e) => page.undecodable(start + at, trimmed(record), e.valid_up_to()),
            }
            at += length;
        }
    }

    /// Whole records, of which the first byte stands at `base` in the block.
    fn text(&mut self, page: &mut Page<'_>, segment: &Segment, text: &str, base: usize) {
        match self.framing {
            Framing::Lines => self.lines(page, segment, text, base),
            Framing::Csv(dialect) => {
                let mut arena = std::mem::take(&mut self.arena);
                self.rows(page, segment, text, base, dialect, &arena);
                arena.reset();
                if arena.allocated_bytes() <= MAX_KEPT_BYTES {
                    self.arena = arena;
                }
            }
        }
    }

    fn lines(&mut self, page: &mut Page<'_>, segment: &Segment, text: &str, base: usize) {
        let json = self.format.kind == FormatType::Ndjson;
        for span in Lines::new(text.as_bytes()) {
            page.record(base + span.start, base + span.end);
            if span.end - span.start > self.max_record {
                page.too_long(self.max_record);
                continue;
            }
            let line = text.get(span.start..span.end).unwrap_or_default();
            let payload = if json {
                Payload::Json(line)
            } else {
                Payload::Line(line)
            };
            self.run(page, &segment.file, payload);
        }
    }

    fn rows(
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
        while let Some(Span { start, end, flaw }) = rows.next(&mut values) {
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

    #[inline]
    fn run(&mut self, page: &mut Page<'_>, file: &FileContext, payload: Payload<'_>) {
        let record = Record {
            payload,
            position: page.position(),
            file_key: file.manifest.file_key.as_str(),
        };
        self.program.run(&record, &mut self.scratch, page);
        page.finish();
    }
}

/// The names and, after them, those of further columns, up to `width`.
fn widened(mut names: Vec<String>, width: usize) -> Vec<String> {
    names.extend((names.len() + 1..=width).map(|number| format!("column{number}")));
    names
}

fn trimmed(record: &[u8]) -> &[u8] {
    record
        .strip_suffix(b"\n")
        .map_or(record, |line| line.strip_suffix(b"\r").unwrap_or(line))
}

impl Page<'_> {
    fn undecodable(&mut self, at: usize, record: &[u8], good: usize) {
        self.record(at, at + record.len());
        let message = format!("byte {good} of the record is not UTF-8");
        self.refuse(Cause {
            code: "invalid_utf8",
            step: DECODE,
            field: None,
            message: &message,
        });
    }

    fn too_long(&mut self, limit: usize) {
        let message = too_long(limit);
        self.refuse(Cause {
            code: "record_too_large",
            step: DECODE,
            field: None,
            message: &message,
        });
    }

    fn flawed(&mut self, flaw: Flaw) {
        self.refuse(Cause {
            code: flaw.code(),
            step: DECODE,
            field: None,
            message: flaw.message(),
        });
    }

    fn wrong_width(&mut self, found: usize, expected: usize) {
        let message = format!("the record has {found} values, the file has {expected} columns");
        self.refuse(Cause {
            code: "csv_columns",
            step: DECODE,
            field: None,
            message: &message,
        });
    }

    fn oversized(&mut self, record: &crate::batch::Oversized) {
        let message = too_long(record.limit);
        let cause = Cause {
            code: "record_too_large",
            step: DECODE,
            field: None,
            message: &message,
        };
        self.refuse_unseen(cause, |file, from| Place {
            file,
            position: from.position,
            line: from.line,
            ordinal: 0,
            raw: &record.head,
            raw_bytes: record.bytes,
        });
    }
}

fn too_long(limit: usize) -> String {
    format!("the record is longer than {limit} bytes")
}
