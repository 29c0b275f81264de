//! Previews of jobs: what the pipeline makes of the first records of a sample.

use domain::error::Failure;
use domain::preview::{CauseCount, Counts, SampledRecord};
use domain::reject::RawEncoding;
use domain::spec::TestOutcome;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many records a preview takes unless it is told.
pub const DEFAULT_PREVIEW_RECORDS: u32 = 10;
/// How many it takes at most.
pub const MAX_PREVIEW_RECORDS: u32 = 1000;
/// How many bytes the content of a request's own sample may have.
pub const MAX_SAMPLE_BYTES: usize = 512 << 10;

/// What to preview. Nothing is stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PreviewRequest {
    /// The job's spec. Default: the stored one.
    pub spec: Option<Value>,
    /// The name of a staged file. Default: the first that a run would take, unless `sample` is given.
    pub staged: Option<String>,
    /// The content itself.
    pub sample: Option<SampleContent>,
    /// At most so many records, 1 to 1000. Default 10.
    pub records: Option<u32>,
    /// What else to look at.
    pub check: Option<PreviewCheck>,
}

/// What else a preview looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PreviewCheck {
    /// Whether the documents fit into the indices that are there.
    CoreDms,
}

/// The content of a file, or its beginning; at most 512 KiB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleContent {
    /// The file's name.
    #[serde(default = "SampleContent::unnamed")]
    pub name: String,
    /// Its bytes as they are in the file, compressed or not.
    pub content: String,
    /// How `content` is written.
    #[serde(default)]
    pub encoding: RawEncoding,
    /// Whether it is but the beginning: what it ends in the middle of is no record.
    #[serde(default)]
    pub cut: bool,
}

impl SampleContent {
    fn unnamed() -> String {
        "sample".into()
    }
}

/// What the pipeline makes of the first records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Preview {
    /// The file's name.
    pub file: String,
    /// Whether the ids are those that a run would give: the file was seen as a whole.
    pub ids_are_final: bool,
    /// Whether that are all records of the file.
    pub complete: bool,
    /// Why the file cannot be read on, if so.
    pub failure: Option<Failure>,
    /// The sums of these records.
    pub counts: Counts,
    /// Rejects by cause, the commonest first.
    pub causes: Vec<CauseCount>,
    /// The records, in order.
    pub records: Vec<SampledRecord>,
    /// The index template that would be put in place, in Elasticsearch's form.
    pub index_template: Option<Value>,
    /// Where the documents do not fit the indices that are there; none if that was not asked for.
    pub conflicts: Option<Vec<Conflict>>,
}

/// How the tests of a spec went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestReport {
    /// Whether all of them passed.
    pub passed: bool,
    /// Each of them, in the spec's order.
    pub tests: Vec<TestOutcome>,
}

impl TestReport {
    /// Of these outcomes.
    pub fn of(tests: Vec<TestOutcome>) -> Self {
        Self {
            passed: tests.iter().all(|test| test.passed),
            tests,
        }
    }
}

/// A field that the index has otherwise than the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conflict {
    /// The index.
    pub index: String,
    /// The field, with dots.
    pub field: String,
    /// Its type there; `object` for an object.
    pub there: String,
    /// Its type here: the schema's, else what the values are.
    pub here: String,
    /// What would happen.
    pub effect: ConflictEffect,
    /// How many of the documents are concerned.
    pub documents: u64,
    /// In words: the refusal's reason, or what it means.
    pub message: String,
}

/// What becomes of documents with a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConflictEffect {
    /// They are refused: rejects of the run.
    Refused,
    /// They are stored; the field keeps the type that it has there.
    KeepsType,
    /// It cannot be told from here: the type is not known.
    Unknown,
}
