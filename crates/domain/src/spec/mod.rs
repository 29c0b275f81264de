//! The job spec: what a client writes to say what is to be ingested, how, and to where.
//!
//! Everything here is the notation (what YAML or JSON may hold); [`parse`] is the one way from a text to a [`JobSpec`],
//! and reports all violations at once. [`JobSpec::program`] lowers a spec to the pipeline language's AST, which is the one source
//! of its meaning for every engine.

mod cases;
mod format;
mod nearest;
mod parse;
mod program;
mod start;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::units::{Bytes, Span};

pub use cases::{Difference, Expect, ExpectedReject, SpecTest, TEST_CLOCK_MS, TestOutcome};
pub use format::{ColumnMismatch, FixedField, Format, FormatType, Multiline, Neighbour, encoding};
pub use parse::{json_schema, parse, parse_in};
pub use start::{CompleteWhen, Missed, Start, StartOn};
pub use wrangling::schema::Schema;

/// Batch or stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Files in a staging directory.
    Batch,
    /// A Kafka topic. Not offered yet: a spec that asks for it is refused.
    Stream,
}

/// Which engine runs the job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EngineKind {
    /// The platform's own worker.
    #[default]
    Native,
    /// Filebeat and Logstash in containers.
    Elastic,
}

/// A job spec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    /// Batch or stream.
    pub mode: Mode,
    /// Which records.
    #[serde(default)]
    pub source: Source,
    /// How the bytes become records.
    pub format: Format,
    /// What is done with each record: a list of steps with the meaning of Logstash's filters of the same names.
    #[serde(default = "JobSpec::no_steps")]
    #[schemars(schema_with = "wrangling::steps::json_schema")]
    pub wrangling: Value,
    /// What becomes of a record in which a step failed.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// What the documents must look like.
    #[serde(default)]
    pub schema: Schema,
    /// Where the documents go.
    pub destination: Destination,
    /// What runs the job.
    #[serde(default)]
    pub engine: EngineKind,
    /// How many rejects are bearable.
    #[serde(default)]
    pub error_budget: ErrorBudget,
    /// What a run may use.
    #[serde(default)]
    pub limits: Limits,
    /// What starts runs.
    #[serde(default, skip_serializing_if = "Start::is_default")]
    pub start: Start,
    /// Inputs and what has to become of them: a spec whose tests fail is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<SpecTest>,
}

impl JobSpec {
    fn no_steps() -> Value {
        Value::Array(Vec::new())
    }
}

/// What becomes of a record in which a step failed (rule 13).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// It is stored with the step's failure tag, as Logstash does.
    #[default]
    Tag,
    /// It is rejected.
    Reject,
}

/// What makes two staged files the same delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Identity {
    /// Their content: a file that comes again under another name gives only duplicates.
    #[default]
    #[serde(rename = "content")]
    Content,
    /// Their name and their content: identical deliveries under different names are legitimate.
    #[serde(rename = "name+content")]
    NameAndContent,
}

/// Whether clients' manifests are looked at: staged files `<name>.manifest.json` that list what a delivery consists of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Manifests {
    /// They are files as others are.
    #[default]
    None,
    /// What a manifest lists is taken together or not at all; what none lists is taken as it is.
    Optional,
    /// What no manifest lists is not taken.
    Required,
}

/// Which staged files are ingested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Source {
    /// Glob patterns; a file is taken if its name matches one.
    pub include: Vec<String>,
    /// Glob patterns; a file is left if its name matches one. So is a member of an archive, by its path in there.
    pub exclude: Vec<String>,
    /// Glob patterns; a member of a staged archive (zip, tar) is taken if its path in there matches one.
    pub members: Vec<String>,
    /// What makes two files the same.
    pub identity: Identity,
    /// Whether clients' manifests are looked at.
    pub manifest: Manifests,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            include: vec!["*".into()],
            exclude: Vec::new(),
            members: vec!["*".into()],
            identity: Identity::default(),
            manifest: Manifests::default(),
        }
    }
}

/// Where the documents go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// The index; the platform puts `<client>.` in front. May name fields: `flights-%{+yyyy.MM}`, `events-%{kind}`.
    pub index: String,
    /// Fields whose values together are the document's id. Default: the file's key and the record's position.
    #[serde(default)]
    pub id_fields: Vec<String>,
    /// At most so many indices may come of one run (they depend on the records if `index` names fields). Default 100.
    #[serde(default = "Destination::default_max_indices")]
    pub max_indices: u32,
    /// How long documents are kept: an index is removed, with all that is in it, when it was made so long ago. `index` must
    /// hold a date then, for example `flights-%{+yyyy.MM}`. At least `1day`. Default: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Span>,
    /// What becomes of a run that finds documents which another run wrote; they stay as they are in any case.
    #[serde(default, skip_serializing_if = "OnExisting::is_default")]
    pub on_existing: OnExisting,
}

/// What becomes of a run that finds some of its documents written already, by another run or another revision (rule 17).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnExisting {
    /// It counts them as duplicates, and says whose they are.
    #[default]
    Keep,
    /// It fails when everything is accounted for, and says whose they are.
    Fail,
}

impl OnExisting {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Destination {
    fn default_max_indices() -> u32 {
        100
    }
}

/// How many rejects are bearable. A run that goes beyond ends early, as failed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "GivenBudget")]
pub struct ErrorBudget {
    /// At most so many rejects; none for no limit.
    pub max_records: Option<u64>,
    /// At most so many percent of the records read; looked at from 1,000 records on, and at the end. None for no limit.
    pub max_percent: Option<f64>,
}

/// An error budget as it is written: what it does not name is at its default, which depends on what it names.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "ErrorBudget")]
struct GivenBudget {
    /// At most so many rejects. Default: no limit.
    max_records: Option<u64>,
    /// At most so many percent of the records read; looked at from 1,000 records on, and at the end. Null for no limit.
    /// Default: 10, or no limit if `max_records` is given.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<f64>")]
    max_percent: Option<Option<f64>>,
}

/// Tells null from absent.
fn given<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(value).map(Some)
}

impl From<GivenBudget> for ErrorBudget {
    fn from(given: GivenBudget) -> Self {
        let by_default = Self::default()
            .max_percent
            .filter(|_| given.max_records.is_none());
        Self {
            max_records: given.max_records,
            max_percent: given.max_percent.unwrap_or(by_default),
        }
    }
}

impl Default for ErrorBudget {
    fn default() -> Self {
        Self {
            max_records: None,
            max_percent: Some(10.0),
        }
    }
}

/// Records from which on a percentage means something while a run is still reading.
const PERCENT_FROM_RECORDS: u64 = 1000;

impl ErrorBudget {
    /// What is exceeded, in words, after `rejected` of `read` records; none if nothing is. `at_end` says that no more come.
    pub fn exceeded(&self, rejected: u64, read: u64, at_end: bool) -> Option<String> {
        if let Some(limit) = self.max_records.filter(|&limit| rejected > limit) {
            return Some(format!(
                "{rejected} of the first {read} records were rejected; the error budget allows {limit}"
            ));
        }
        let percent = rejected as f64 * 100.0 / read.max(1) as f64;
        let limit = self.max_percent.filter(|&limit| percent > limit)?;
        (at_end || read >= PERCENT_FROM_RECORDS)
            .then(|| format!("{rejected} of the first {read} records ({percent:.1} %) were rejected; the error budget allows {limit} %"))
    }
}

/// What a run may use; at most what the client's plan allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Resident memory of the worker. Default: what the plan allows.
    pub memory: Option<Bytes>,
    /// CPU cores, in thousandths. Default: what the plan allows.
    pub cpu_millis: Option<u32>,
}

/// Joins what serde calls the values, for people.
pub(crate) fn names<T: Serialize>(values: &[T]) -> String {
    let name = |v: &T| {
        serde_json::to_value(v)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default()
    };
    values.iter().map(name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_in_records_is_not_cut_short_by_the_default_percentage() {
        let parse = |json| serde_json::from_str::<ErrorBudget>(json).unwrap();
        let budget = |max_records, max_percent| ErrorBudget {
            max_records,
            max_percent,
        };
        assert_eq!(parse("{}"), ErrorBudget::default());
        assert_eq!(parse(r#"{"max_records":1}"#), budget(Some(1), None));
        assert_eq!(parse(r#"{"max_percent":null}"#), budget(None, None));
        assert_eq!(
            parse(r#"{"max_records":1,"max_percent":5}"#),
            budget(Some(1), Some(5.0))
        );
    }

    #[test]
    fn budgets_end_a_hopeless_run_early_and_a_short_one_at_its_end() {
        let by_count = ErrorBudget {
            max_records: Some(2),
            max_percent: None,
        };
        assert_eq!(by_count.exceeded(2, 2, false), None);
        assert!(by_count.exceeded(3, 1_000_000, false).is_some());
        let by_share = ErrorBudget {
            max_records: None,
            max_percent: Some(10.0),
        };
        assert_eq!(
            by_share.exceeded(9, 10, false),
            None,
            "too few records to judge by"
        );
        assert!(by_share.exceeded(9, 10, true).is_some());
        assert!(by_share.exceeded(101, 1000, false).is_some());
        assert_eq!(by_share.exceeded(100, 1000, true), None);
        assert_eq!(
            ErrorBudget {
                max_records: None,
                max_percent: None
            }
            .exceeded(5, 5, true),
            None
        );
    }
}
