//! What goes through the stages: a batch of whole records, then its documents, then its outcome.
//!
//! A batch is the unit of everything: one block of raw bytes, one bulk request, one step of the checkpoint. Small files share one.

use std::ops::Range;
use std::sync::Arc;

use domain::error::Failure;
use domain::file::{FileState, ManifestFile};
use domain::ledger::Ledger;
use wrangling::Columns;

use crate::decode::Charset;

/// A file while it is ingested.
#[derive(Debug)]
pub struct FileContext {
    /// What the manifest says of it.
    pub manifest: ManifestFile,
    /// How its bytes are text.
    pub charset: Charset,
    /// csv, fixed: its columns.
    pub columns: Option<Arc<FileColumns>>,
}

/// The columns of a file.
#[derive(Debug)]
pub struct FileColumns {
    /// Their names.
    pub names: Vec<String>,
    /// The same, bound to the program.
    pub bound: Columns,
}

/// A place between two records of an uncompressed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Offset of the next byte.
    pub position: u64,
    /// Number of its line, from 1.
    pub line: u64,
}

impl Mark {
    /// The beginning of a file.
    pub const START: Self = Self {
        position: 0,
        line: 1,
    };
}

/// A part of a batch: what stands between two marks of one file.
#[derive(Debug)]
pub struct Segment {
    /// Which file.
    pub file: Arc<FileContext>,
    /// Where it begins.
    pub from: Mark,
    /// Where it ends.
    pub to: Mark,
    /// What it is.
    pub kind: SegmentKind,
    /// Its records, where they were found one by one; else they are told by their line ends, and offsets in the block are
    /// offsets in the file.
    pub cuts: Option<Vec<Cut>>,
}

/// A record that was found in a file's text, with its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Its first byte in the block.
    pub start: usize,
    /// After its last byte in the block.
    pub end: usize,
    /// Its first byte in the file.
    pub position: u64,
}

impl Segment {
    /// Where its records begin in the block.
    pub fn start(&self) -> usize {
        match &self.kind {
            SegmentKind::Records(range) => range.start,
            SegmentKind::Oversized(_) | SegmentKind::End(_) => 0,
        }
    }

    /// The position of an item's record; none if the segment holds none.
    pub fn position(&self, item: &Item) -> Option<u64> {
        let SegmentKind::Records(range) = &self.kind else {
            return None;
        };
        let at = item.record_at as usize;
        let Some(cuts) = &self.cuts else {
            return Some(self.from.position + (at - range.start) as u64);
        };
        let cut = cuts.partition_point(|cut| cut.start <= at);
        Some(cuts.get(cut.checked_sub(1)?)?.position)
    }
}

/// What a segment is.
#[derive(Debug)]
pub enum SegmentKind {
    /// Whole records: this part of the batch's block, which is text in UTF-8, but for bytes that are none.
    Records(Range<usize>),
    /// One record that is longer than the limit.
    Oversized(Oversized),
    /// The end of the file.
    End(FileState),
}

/// A record that is longer than the limit; it was never held as a whole.
#[derive(Debug)]
pub struct Oversized {
    /// Its beginning, as much as a reject keeps.
    pub head: Vec<u8>,
    /// Its length in bytes.
    pub bytes: u64,
    /// The limit.
    pub limit: usize,
}

/// Whole records of one or several files, in order.
#[derive(Debug)]
pub struct Batch {
    /// Its place in the order of the run, from 0.
    pub seq: u64,
    /// The bytes of its records.
    pub block: Vec<u8>,
    /// Its parts.
    pub segments: Vec<Segment>,
    /// What it took from the budget.
    pub cost: usize,
}

/// Where a document of a bulk body comes from.
#[derive(Debug, Clone, Copy)]
pub struct Item {
    /// Offset of its action line in the body.
    pub body_at: u32,
    /// Offset of its record in the block.
    pub record_at: u32,
    /// The record's length.
    pub record_len: u32,
    /// Which segment.
    pub segment: u32,
    /// Which document of the record.
    pub ordinal: u32,
}

/// Where a record stands.
#[derive(Debug, Clone, Copy)]
pub struct Traced {
    /// Its position in its file.
    pub position: u64,
    /// Offset of its first byte in the block.
    pub start: usize,
    /// Offset after its last byte.
    pub end: usize,
    /// Which segment.
    pub segment: u32,
}

/// Reject log lines, and how many there are of each cause.
#[derive(Debug, Default)]
pub struct RejectLines {
    /// The lines, NDJSON.
    pub lines: Vec<u8>,
    /// Causes and their counts.
    pub causes: Vec<(String, u64)>,
}

/// A batch whose records were carried through the program.
#[derive(Debug)]
pub struct Wrangled {
    /// The batch.
    pub batch: Batch,
    /// The body of its bulk request.
    pub body: Vec<u8>,
    /// Its documents, in the body's order.
    pub items: Vec<Item>,
    /// For each segment what is known so far: all but what the sink decides.
    pub ledgers: Vec<Ledger>,
    /// What was rejected so far.
    pub rejects: RejectLines,
    /// The indices that its documents go to.
    pub indices: Vec<String>,
    /// Where its records stand; only if the wrangler traces them.
    pub trace: Vec<Traced>,
}

/// A batch whose every record has an outcome.
#[derive(Debug)]
pub struct Settled {
    /// Its place in the order of the run.
    pub seq: u64,
    /// What it took from the budget.
    pub cost: usize,
    /// Its parts.
    pub segments: Vec<SettledSegment>,
    /// Everything that was rejected.
    pub rejects: RejectLines,
    /// Duplicates by the run that wrote them first.
    pub owners: Vec<(String, u64)>,
}

/// A segment whose every record has an outcome.
#[derive(Debug)]
pub struct SettledSegment {
    /// Which file.
    pub file: Arc<FileContext>,
    /// Where the segment ends.
    pub to: Mark,
    /// Its own sums.
    pub ledger: Ledger,
    /// What became of the file, if this is its end.
    pub end: Option<FileState>,
}

/// A quarantined file's state.
pub fn quarantined(failure: Failure) -> FileState {
    FileState::Quarantined { failure }
}

/// Adds to a small list of counts.
pub fn count(counts: &mut Vec<(String, u64)>, key: &str, by: u64) {
    match counts.iter_mut().find(|(known, _)| known == key) {
        Some((_, n)) => *n += by,
        None => counts.push((key.to_owned(), by)),
    }
}
