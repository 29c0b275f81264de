//! Sorts what the wrangler made of a batch by record.

use std::collections::{BTreeMap, BTreeSet};

use domain::error::Failure;
use domain::file::FileState;
use domain::preview::{SampledDocument, SampledFile, SampledRecord, SampledReject, Take};
use domain::reject::{RawEncoding, Reject};
use serde::Deserialize;

use crate::batch::{Item, SegmentKind, Wrangled};
use crate::rejects::{LineCounter, encode};

/// So much of a record is shown.
const RAW_BYTES: usize = 2 << 10;
/// Documents are collected up to this size of all of them.
const MAX_DOCUMENT_BYTES: usize = 4 << 20;
/// What stands behind the code of a failure of a file that ends too early.
const TRUNCATED: &str = "_truncated";

/// What is known of the files so far.
pub struct Collector {
    files: Vec<SampledFile>,
    take: Take,
    /// Of the files, those whose last record may not be whole.
    unterminated: BTreeSet<usize>,
    records: usize,
    bytes: usize,
    ended: usize,
}

/// An action line of a bulk body.
#[derive(Deserialize)]
struct Action {
    create: Target,
}

#[derive(Deserialize)]
struct Target {
    #[serde(rename = "_index")]
    index: String,
    #[serde(rename = "_id")]
    id: String,
}

impl Collector {
    /// Of so many files.
    pub fn new(files: usize, take: Take, unterminated: BTreeSet<usize>) -> Self {
        let empty = SampledFile {
            records: Vec::new(),
            ended: false,
            failure: None,
        };
        Self {
            files: vec![empty; files],
            take,
            unterminated,
            records: 0,
            bytes: 0,
            ended: 0,
        }
    }

    /// Whether there is as much as was asked for.
    pub fn is_full(&self) -> bool {
        self.records >= self.take.records || self.bytes >= MAX_DOCUMENT_BYTES
    }

    /// The files; none if they are neither read to their ends nor enough.
    pub fn finish(self) -> Option<Vec<SampledFile>> {
        (self.is_full() || self.ended == self.files.len()).then_some(self.files)
    }

    /// Takes the records of a batch.
    pub fn add(&mut self, wrangled: &Wrangled) -> Result<(), Failure> {
        let mut records = traced(wrangled);
        for item in &wrangled.items {
            let (Some(segment), Some(document)) = (
                wrangled.batch.segments.get(item.segment as usize),
                document(wrangled, item)?,
            ) else {
                continue;
            };
            let Some(at) = segment.position(item) else {
                continue;
            };
            if let Some(record) = records.get_mut(&(segment.file.manifest.index, at)) {
                record.documents.push(document);
            }
        }
        for line in wrangled.rejects.lines.split(|&b| b == b'\n') {
            if line.is_empty() {
                continue;
            }
            let reject: Reject = serde_json::from_slice(line).map_err(defect)?;
            let key = (reject.file_index, reject.position);
            let record = records.entry(key).or_insert_with(|| unseen(&reject));
            record.rejects.push(SampledReject {
                ordinal: reject.ordinal,
                code: reject.code,
                step: reject.step,
                field: reject.field,
                message: reject.message,
            });
        }
        self.keep(records, wrangled);
        Ok(())
    }

    /// Keeps the records that are wanted, and notes which files have ended.
    fn keep(&mut self, records: BTreeMap<(u32, u64), SampledRecord>, wrangled: &Wrangled) {
        let all = records.len();
        let mut kept = 0;
        for ((file, _), record) in records {
            if self.is_full() {
                break;
            }
            self.bytes += size(&record, wrangled);
            if let Some(file) = self.files.get_mut(file as usize) {
                file.records.push(record);
            }
            self.records += 1;
            kept += 1;
        }
        if kept < all {
            return;
        }
        for segment in &wrangled.batch.segments {
            if let SegmentKind::End(state) = &segment.kind {
                self.end(segment.file.manifest.index as usize, state);
            }
        }
    }

    fn end(&mut self, number: usize, state: &FileState) {
        let Some(file) = self.files.get_mut(number) else {
            return;
        };
        self.ended += 1;
        match state {
            FileState::Quarantined { failure }
                if !(self.take.cut && failure.code.ends_with(TRUNCATED)) =>
            {
                file.failure = Some(failure.clone());
            }
            FileState::Read if self.take.cut && self.unterminated.contains(&number) => {
                file.records.pop();
            }
            _ => {}
        }
        file.ended = !self.take.cut && file.failure.is_none();
    }
}

/// Roughly what a record's documents take.
fn size(record: &SampledRecord, wrangled: &Wrangled) -> usize {
    let mean = wrangled.body.len() / wrangled.items.len().max(1);
    RAW_BYTES.min(record.raw.len()) + record.documents.len() * mean
}

/// The records of a batch by file and position, without what became of them.
fn traced(wrangled: &Wrangled) -> BTreeMap<(u32, u64), SampledRecord> {
    let block = &wrangled.batch.block;
    let mut records = BTreeMap::new();
    let mut lines: Option<(u32, LineCounter<'_>)> = None;
    for traced in &wrangled.trace {
        let Some(segment) = wrangled.batch.segments.get(traced.segment as usize) else {
            continue;
        };
        let (_, counter) = match &mut lines {
            Some(known) if known.0 == traced.segment => known,
            other => other.insert((
                traced.segment,
                LineCounter::new(block, segment.start(), segment.from.line),
            )),
        };
        let bytes = block.get(traced.start..traced.end).unwrap_or_default();
        let shown = bytes.get(..RAW_BYTES).unwrap_or(bytes);
        let (raw, raw_encoding) = encode(shown, shown.len() < bytes.len());
        let at = traced.position;
        let record = SampledRecord {
            position: at,
            line: counter.line(traced.start),
            raw,
            raw_encoding,
            raw_bytes: bytes.len() as u64,
            documents: Vec::new(),
            rejects: Vec::new(),
        };
        records.insert((segment.file.manifest.index, at), record);
    }
    records
}

/// A record that was never held as a whole: only its reject tells of it.
fn unseen(reject: &Reject) -> SampledRecord {
    let shown = match reject.raw_encoding {
        RawEncoding::Utf8 => reject.raw.chars().take(RAW_BYTES / 4).collect(),
        RawEncoding::Base64 => reject.raw.chars().take(RAW_BYTES).collect(),
    };
    SampledRecord {
        position: reject.position,
        line: reject.line,
        raw: shown,
        raw_encoding: reject.raw_encoding,
        raw_bytes: reject.raw_bytes,
        documents: Vec::new(),
        rejects: Vec::new(),
    }
}

/// A document of the bulk body: an action line, then its content.
fn document(wrangled: &Wrangled, item: &Item) -> Result<Option<SampledDocument>, Failure> {
    let body = wrangled.body.get(item.body_at as usize..);
    let mut lines = body.unwrap_or_default().split(|&b| b == b'\n');
    let (Some(action), Some(content)) = (lines.next(), lines.next()) else {
        return Ok(None);
    };
    let Action { create } = serde_json::from_slice(action).map_err(defect)?;
    Ok(Some(SampledDocument {
        index: create.index,
        id: create.id,
        document: serde_json::from_slice(content).map_err(defect)?,
    }))
}

fn defect(error: serde_json::Error) -> Failure {
    crate::worker_defect(&format!("what it has written cannot be read: {error}"))
}
