//! Jobs, their revisions, and what validation says of a spec.

use domain::EpochMs;
use domain::Violation;
use domain::ids::{ClientId, JobId};
use domain::plan::Refusal;
use domain::spec::JobSpec;
use domain::trigger::Outlook;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A job in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobSummary {
    /// Whose.
    pub client: ClientId,
    /// Its id.
    pub id: JobId,
    /// Number of the newest revision.
    pub revision: u32,
    /// Digest of the newest spec.
    pub spec_digest: String,
    /// When the job was made.
    pub created_ms: EpochMs,
    /// When the newest revision came.
    pub updated_ms: EpochMs,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobInfo {
    /// What a list shows of it.
    #[serde(flatten)]
    pub summary: JobSummary,
    /// The newest spec, with its defaults filled in.
    pub spec: JobSpec,
    /// The index that its documents go to; holds `%{…}` where the spec names fields.
    pub index: String,
    /// Where its files are dropped, on the manager's machine.
    pub staging_dir: String,
    /// What starts its runs, when the next one is due, and what was decided last; none if only its client starts them.
    #[serde(default)]
    pub start: Option<Outlook>,
}

/// What a `PUT` of a job did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PutOutcome {
    /// The job is new (201).
    Created,
    /// The job has a new revision (200).
    Revised,
    /// The newest revision says the same: nothing changed (200).
    Unchanged,
}

/// The answer to a `PUT` of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PutJob {
    /// What it did.
    pub outcome: PutOutcome,
    /// The job as it stands.
    pub job: JobInfo,
}

/// A revision in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RevisionSummary {
    /// From 1.
    pub number: u32,
    /// Digest of its spec.
    pub spec_digest: String,
    /// When it came.
    pub created_ms: EpochMs,
}

/// A revision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RevisionInfo {
    /// What a list shows of it.
    #[serde(flatten)]
    pub summary: RevisionSummary,
    /// Its spec, with its defaults filled in.
    pub spec: JobSpec,
}

/// What validation says of a spec. Nothing is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Validation {
    /// Whether a `PUT` would be accepted.
    pub valid: bool,
    /// Everything that is wrong with it.
    pub violations: Vec<Violation>,
    /// The constraints of the client's plan that it breaks.
    pub refusals: Vec<Refusal>,
    /// The spec with its defaults filled in; none if it is not valid.
    pub spec: Option<JobSpec>,
    /// The index template that would be put in place, in Elasticsearch's form; none if it is not valid.
    pub index_template: Option<Value>,
}
