//! The bulk body in the making, and what is known of its records.

use domain::ledger::Ledger;
use wrangling::{Document, Output, Reject, write_json_str};

use crate::batch::{Cut, FileContext, Item, Mark, RejectLines, Segment, Traced};
use crate::rejects::{Cause, LineCounter, Place};

/// Takes the documents and rejects of a batch's records.
#[derive(Debug)]
pub struct Page<'b> {
    body: Vec<u8>,
    items: Vec<Item>,
    rejects: RejectLines,
    indices: Vec<String>,
    /// The beginning of an action line up to the id, for the index of the document before.
    action: Vec<u8>,
    action_index: String,
    // of the segment
    segment: Option<Open<'b>>,
    ledger: Ledger,
    /// The position of the block's first byte, were it all of the same file.
    origin: u64,
    // of the record
    start: usize,
    end: usize,
    documents: u32,
    refused: u32,
    /// Where the records stand, if that is to be known.
    trace: Option<Trace>,
}

/// Notes where records stand.
#[derive(Debug)]
struct Trace {
    limit: usize,
    records: Vec<Traced>,
}

#[derive(Debug)]
struct Open<'b> {
    number: u32,
    file: &'b FileContext,
    from: Mark,
    block: &'b [u8],
    lines: LineCounter<'b>,
}

impl<'b> Page<'b> {
    /// An empty page that is written into `body`.
    pub fn new(body: Vec<u8>) -> Self {
        Self {
            body,
            items: Vec::new(),
            rejects: RejectLines::default(),
            indices: Vec::new(),
            action: Vec::new(),
            action_index: String::new(),
            segment: None,
            ledger: Ledger::default(),
            origin: 0,
            start: 0,
            end: 0,
            documents: 0,
            refused: 0,
            trace: None,
        }
    }

    /// The same, noting where records stand, up to so many.
    pub fn traced(mut self, limit: Option<usize>) -> Self {
        self.trace = limit.map(|limit| Trace {
            limit,
            records: Vec::new(),
        });
        self
    }

    /// Whether no more records are wanted.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.trace
            .as_ref()
            .is_some_and(|trace| trace.records.len() >= trace.limit)
    }

    /// Begins a segment.
    pub fn begin(&mut self, number: usize, segment: &'b Segment, block: &'b [u8]) {
        let base = segment.start();
        self.origin = segment.from.position.wrapping_sub(base as u64);
        self.ledger = Ledger::default();
        self.segment = Some(Open {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            file: &segment.file,
            from: segment.from,
            block,
            lines: LineCounter::new(block, base, segment.from.line),
        });
    }

    /// Goes on to a record that was found in a text.
    pub fn at(&mut self, cut: &Cut) {
        self.origin = cut.position.wrapping_sub(cut.start as u64);
    }

    /// The segment's sums so far.
    pub fn ledger(&self) -> Ledger {
        self.ledger
    }

    /// Begins a record, which stands there in the block.
    #[inline]
    pub fn record(&mut self, start: usize, end: usize) {
        (self.start, self.end, self.documents, self.refused) = (start, end, 0, 0);
        self.ledger.read += 1;
        let position = self.position();
        if let Some(trace) = &mut self.trace {
            trace.records.push(Traced {
                position,
                start,
                end,
                segment: self.segment.as_ref().map_or(0, |open| open.number),
            });
        }
    }

    /// The record's position in its file.
    #[inline]
    pub fn position(&self) -> u64 {
        self.origin.wrapping_add(self.start as u64)
    }

    /// Ends a record that was run.
    #[inline]
    pub fn finish(&mut self) {
        match self.documents + self.refused {
            0 => self.ledger.filtered += 1,
            outcomes => self.ledger.added += u64::from(outcomes - 1),
        }
    }

    /// Rejects the record.
    pub fn refuse(&mut self, cause: Cause<'_>) {
        let position = self.position();
        let Some(open) = &mut self.segment else {
            return;
        };
        let raw = open.block.get(self.start..self.end).unwrap_or_default();
        let place = Place {
            file: open.file,
            position,
            line: open.lines.line(self.start),
            ordinal: self.documents + self.refused,
            raw,
            raw_bytes: raw.len() as u64,
        };
        self.rejects.push(cause, place);
        self.refused += 1;
        self.ledger.rejected += 1;
    }

    /// Rejects the one record of this segment, which is not in the block.
    pub fn refuse_unseen<'p>(
        &mut self,
        cause: Cause<'_>,
        place: impl FnOnce(&'b FileContext, Mark) -> Place<'p>,
    ) where
        'b: 'p,
    {
        let Some(open) = &self.segment else { return };
        self.rejects.push(cause, place(open.file, open.from));
        self.ledger.read += 1;
        self.ledger.rejected += 1;
    }

    /// Where the records stand that were traced.
    pub fn take_trace(&mut self) -> Vec<Traced> {
        self.trace
            .take()
            .map(|trace| trace.records)
            .unwrap_or_default()
    }

    /// Body, items, rejects and indices.
    pub fn into_parts(self) -> (Vec<u8>, Vec<Item>, RejectLines, Vec<String>) {
        (self.body, self.items, self.rejects, self.indices)
    }

    fn change_index(&mut self, index: &str) {
        self.action_index.clear();
        self.action_index.push_str(index);
        self.action.clear();
        self.action.extend_from_slice(b"{\"create\":{\"_index\":");
        write_json_str(index, &mut self.action);
        self.action.extend_from_slice(b",\"_id\":");
        if !self.indices.iter().any(|known| known == index) {
            self.indices.push(index.to_owned());
        }
    }
}

/// A place in a block or body; they are far smaller than 4 GiB.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Output for Page<'_> {
    #[inline]
    fn document(&mut self, document: &Document<'_>) {
        if self.action_index != document.index {
            self.change_index(document.index);
        }
        self.items.push(Item {
            body_at: offset(self.body.len()),
            record_at: offset(self.start),
            record_len: offset(self.end - self.start),
            segment: self.segment.as_ref().map_or(0, |open| open.number),
            ordinal: document.ordinal,
        });
        self.body.extend_from_slice(&self.action);
        write_json_str(document.id, &mut self.body);
        self.body.extend_from_slice(b"}}\n");
        document.encode(&mut self.body);
        self.body.push(b'\n');
        self.documents += 1;
    }

    fn reject(&mut self, reject: &Reject<'_>) {
        let field = (!reject.field.is_empty()).then_some(reject.field);
        self.refuse(Cause {
            code: reject.code,
            step: reject.step,
            field,
            message: reject.message,
        });
    }
}
