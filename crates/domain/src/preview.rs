//! Previews: what a job's pipeline makes of the first records of some files, without a run and without storing anything.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Failure;
use crate::reject::RawEncoding;
use crate::worker::RunFolder;

/// How much of the files is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Take {
    /// At most so many records of all files together.
    pub records: usize,
    /// Whether the files are but the beginnings of longer ones: what they end in the middle of is no record.
    pub cut: bool,
}

impl Take {
    /// Everything.
    pub const ALL: Self = Self {
        records: usize::MAX,
        cut: false,
    };
}

/// What became of the records of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampledFile {
    /// Its records, in order.
    pub records: Vec<SampledRecord>,
    /// Whether that are all of them.
    pub ended: bool,
    /// Why it cannot be read on, if so.
    pub failure: Option<Failure>,
}

/// What became of a record: documents, rejects, or, if there is neither, it was filtered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SampledRecord {
    /// Offset of its first byte in the uncompressed file.
    pub position: u64,
    /// Number of the line that it begins on, from 1.
    pub line: u64,
    /// The record as it was read, at most the first 2 KiB.
    pub raw: String,
    /// How `raw` is written.
    pub raw_encoding: RawEncoding,
    /// Its length in bytes.
    pub raw_bytes: u64,
    /// What would be stored of it.
    pub documents: Vec<SampledDocument>,
    /// What would be refused of it.
    pub rejects: Vec<SampledReject>,
}

impl SampledRecord {
    /// Whether the pipeline dropped it.
    pub fn is_filtered(&self) -> bool {
        self.documents.is_empty() && self.rejects.is_empty()
    }
}

/// A document as it would be stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SampledDocument {
    /// Its index.
    pub index: String,
    /// Its id.
    pub id: String,
    /// Its content.
    pub document: Value,
}

/// Why a record, or one document of it, would be rejected; see [`crate::reject::Reject`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SampledReject {
    /// Which document of the record, from 0.
    pub ordinal: u32,
    /// Stable cause.
    pub code: String,
    /// What refuses it.
    pub step: String,
    /// The field concerned, if one is.
    pub field: Option<String>,
    /// In words.
    pub message: String,
}

/// What became of some records, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Records.
    pub records: u64,
    /// Documents that they would become.
    pub documents: u64,
    /// Rejects.
    pub rejected: u64,
    /// Records that the pipeline dropped.
    pub filtered: u64,
}

/// Rejects of one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CauseCount {
    /// How many.
    pub count: u64,
    /// The line of the first one.
    pub line: u64,
    /// The first one.
    pub first: SampledReject,
}

impl Counts {
    /// Of these records.
    pub fn of(records: &[SampledRecord]) -> Self {
        records.iter().fold(Self::default(), |sums, record| Self {
            records: sums.records + 1,
            documents: sums.documents + record.documents.len() as u64,
            rejected: sums.rejected + record.rejects.len() as u64,
            filtered: sums.filtered + u64::from(record.is_filtered()),
        })
    }
}

/// The rejects of these records by cause, the commonest first.
pub fn causes(records: &[SampledRecord]) -> Vec<CauseCount> {
    let mut causes: Vec<CauseCount> = Vec::new();
    for record in records {
        for reject in &record.rejects {
            let same = |cause: &&mut CauseCount| {
                let first = &cause.first;
                (&first.code, &first.step, &first.field)
                    == (&reject.code, &reject.step, &reject.field)
            };
            match causes.iter_mut().find(same) {
                Some(cause) => cause.count += 1,
                None => causes.push(CauseCount {
                    count: 1,
                    line: record.line,
                    first: reject.clone(),
                }),
            }
        }
    }
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.count));
    causes
}

/// Carries files through pipelines. Pipelines may come from anybody: whatever they do, it harms nobody else, and ends.
#[async_trait]
pub trait Previewer: Send + Sync {
    /// What becomes of the files of a folder that holds a work order, a manifest, claimed files and a [`Take`].
    async fn preview(&self, folder: &RunFolder) -> Result<Vec<SampledFile>, Failure>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(line: u64, codes: &[&str]) -> SampledRecord {
        let reject = |code: &&str| SampledReject {
            ordinal: 0,
            code: (*code).into(),
            step: "schema".into(),
            field: None,
            message: String::new(),
        };
        SampledRecord {
            position: 0,
            line,
            raw: String::new(),
            raw_encoding: RawEncoding::Utf8,
            raw_bytes: 0,
            documents: Vec::new(),
            rejects: codes.iter().map(reject).collect(),
        }
    }

    #[test]
    fn the_commonest_cause_comes_first_with_its_first_line() {
        let records = [
            record(1, &["a"]),
            record(2, &["b"]),
            record(3, &["b"]),
            record(4, &[]),
        ];
        let causes: Vec<_> = causes(&records)
            .into_iter()
            .map(|cause| (cause.count, cause.line, cause.first.code))
            .collect();
        assert_eq!(causes, [(2, 2, "b".to_owned()), (1, 1, "a".to_owned())]);
        let counts = Counts::of(&records);
        assert_eq!(
            (counts.records, counts.rejected, counts.filtered),
            (4, 3, 1)
        );
    }
}
