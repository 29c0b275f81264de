//! The wrangling stage: takes batches apart into records, runs the program over each, and encodes the documents into the
//! body of a bulk request.

mod page;
mod refusals;
mod rows;

use std::borrow::Cow;
use std::sync::Arc;

use bumpalo::Bump;
use domain::ledger::Ledger;
use domain::spec::{Format, FormatType};
use memchr::memchr_iter;
use wrangling::{Columns, Compiled, Payload, Record, Scratch};

use crate::batch::{Batch, FileContext, Segment, SegmentKind, Wrangled};
use crate::decode::{Boundary, Framing, Lines, Widths};
use page::Page;

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
    /// fixed: the widths of a line's values.
    widths: Option<Widths>,
    /// Of each batch at most so many records are wrangled, and where they stand is noted.
    trace: Option<usize>,
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
            widths: (format.kind == FormatType::Fixed).then(|| Widths::of(&format)),
            format,
            framing,
            max_record,
            wide: None,
            trace: None,
        }
    }

    /// From now on, of each batch at most so many records are wrangled, and where they stand is noted.
    pub fn trace(&mut self, limit: usize) {
        self.trace = Some(limit);
    }

    /// Carries a batch's records through the program; `body` is where their documents go.
    pub fn wrangle(&mut self, batch: Batch, body: Vec<u8>) -> Wrangled {
        let mut page = Page::new(body).traced(self.trace);
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
        let trace = page.take_trace();
        let (body, items, rejects, indices) = page.into_parts();
        Wrangled {
            batch,
            body,
            items,
            ledgers,
            rejects,
            indices,
            trace,
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
        if let Some(cuts) = &segment.cuts {
            for cut in cuts {
                if page.is_full() {
                    return;
                }
                page.at(cut);
                let record = block.get(cut.start..cut.end).unwrap_or_default();
                self.record(page, segment, record, cut.start);
            }
            return;
        }
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
            self.record(page, segment, record, start + at);
            at += length;
        }
    }

    /// One record with its line end.
    fn record(&mut self, page: &mut Page<'_>, segment: &Segment, record: &[u8], base: usize) {
        match std::str::from_utf8(record) {
            Ok(text) => self.text(page, segment, text, base),
            Err(_) => page.undecodable(base, record, segment.file.charset),
        }
    }

    /// Whole records, of which the first byte stands at `base` in the block; one where they are found one by one.
    fn text(&mut self, page: &mut Page<'_>, segment: &Segment, text: &str, base: usize) {
        match self.framing {
            Framing::Lines => self.lines(page, segment, text, base),
            Framing::Multiline => self.joined(page, segment, text, base),
            Framing::Json => {
                if self.begin(page, base, text) {
                    self.run(page, &segment.file, Payload::Json(text));
                }
            }
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

    /// Begins a record; false if it is too long.
    #[inline]
    fn begin(&self, page: &mut Page<'_>, at: usize, record: &str) -> bool {
        page.record(at, at + record.len());
        let fits = record.len() <= self.max_record;
        if !fits {
            page.too_long(self.max_record);
        }
        fits
    }

    fn lines(&mut self, page: &mut Page<'_>, segment: &Segment, text: &str, base: usize) {
        if let Some(widths) = self.widths.take() {
            self.fixed(page, segment, text, base, &widths);
            self.widths = Some(widths);
            return;
        }
        let json = self.format.kind == FormatType::Ndjson;
        for span in Lines::new(text.as_bytes()) {
            let line = text.get(span.start..span.end).unwrap_or_default();
            if page.is_full() {
                return;
            }
            if !self.begin(page, base + span.start, line) {
                continue;
            }
            let payload = if json {
                Payload::Json(line)
            } else {
                Payload::Line(line)
            };
            self.run(page, &segment.file, payload);
        }
    }

    /// Lines that are one record together.
    fn joined(&mut self, page: &mut Page<'_>, segment: &Segment, text: &str, base: usize) {
        let record = text.strip_suffix('\n').unwrap_or(text);
        let record = record.strip_suffix('\r').unwrap_or(record);
        let message = match record.contains("\r\n") {
            true => Cow::Owned(record.replace("\r\n", "\n")),
            false => Cow::Borrowed(record),
        };
        // blank lines alone are none
        if message.bytes().all(|byte| byte == b'\n') || !self.begin(page, base, record) {
            return;
        }
        let limit = self.format.multiline.as_ref().map(|lines| lines.max_lines);
        let lines = 1 + memchr_iter(b'\n', record.as_bytes()).count();
        match limit.filter(|&limit| lines > limit as usize) {
            Some(limit) => page.too_many_lines(lines, limit),
            None => self.run(page, &segment.file, Payload::Line(&message)),
        }
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
