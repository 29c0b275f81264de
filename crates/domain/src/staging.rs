//! The staging area's port: where a batch job's files wait to be claimed, and what the API may do to them.

use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::EpochMs;
use crate::error::Failure;
use crate::ids::{ClientId, JobRef};
use crate::plan::{Plan, Refusal};
use crate::spec::JobSpec;

/// Whether a staged file will be claimed by the job's next run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum StagedState {
    /// It will.
    Ready,
    /// It will not: it stays where it is (rule 25).
    Unclaimed {
        /// Why, for programs: `not_included`, `excluded`, `max_file_bytes`, `max_staging_bytes`, `not_a_file`, …
        code: String,
        /// Why, for people.
        reason: String,
    },
}

/// A file in a job's staging directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StagedFile {
    /// Its name.
    pub name: String,
    /// Its size, in bytes.
    pub bytes: u64,
    /// When it was last written to.
    pub modified_ms: EpochMs,
    /// SHA-256 of its content, hexadecimal; only in the answer to its upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Whether it will be claimed.
    pub state: StagedState,
}

/// The bytes of an upload, as they come in.
#[async_trait]
pub trait UploadBody: Send {
    /// The next bytes; none at the end. The error says why the sender broke off: nothing of the file may become visible.
    async fn chunk(&mut self) -> Result<Option<Bytes>, String>;
}

/// A file on its way into a staging directory.
pub struct Upload<'a> {
    /// Of which job.
    pub job: &'a JobRef,
    /// That job's spec: it says whether the file will be claimed.
    pub spec: &'a JobSpec,
    /// The name that it shall have; not yet checked.
    pub name: &'a str,
    /// What the client may stage. Held to while the bytes come, whatever `declared_bytes` says.
    pub plan: &'a Plan,
    /// Where its bytes begin, if it can be continued: what comes is kept when it breaks off, and the next upload of this
    /// name and checksum goes on behind it. It needs `sha256`.
    pub offset: Option<u64>,
    /// How long it says it is, from its beginning.
    pub declared_bytes: Option<u64>,
    /// What SHA-256 it says it has, hexadecimal; not yet checked.
    pub sha256: Option<&'a str>,
    /// Its bytes.
    pub body: &'a mut dyn UploadBody,
}

/// Why something could not be done to a staging area.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// The name cannot be a staged file's.
    #[error("{name:?} cannot be the name of a staged file: {rule}")]
    InvalidName {
        /// As it was given.
        name: String,
        /// The rule that it breaks.
        rule: String,
    },
    /// A file of this name with other content is staged already; it is not replaced (rule 16).
    #[error(
        "{0:?} is staged already with other content: delete it first, or give this file another name"
    )]
    Exists(String),
    /// There is no such file.
    #[error("there is no file {0:?} in the staging directory")]
    NotFound(String),
    /// The client's plan forbids it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What came is not what was announced.
    #[error("the SHA-256 of what came is {actual}, and {expected} was announced")]
    ChecksumMismatch {
        /// As announced.
        expected: String,
        /// As it came.
        actual: String,
    },
    /// An upload that is continued does not begin where the one before has ended.
    #[error("{received} bytes of it are here, and the upload begins at {offset}")]
    WrongOffset {
        /// Where it begins.
        offset: u64,
        /// What has come before.
        received: u64,
    },
    /// The same upload is under way.
    #[error("an upload of {0:?} with this checksum is under way")]
    UnderWay(String),
    /// The upload ended before its end.
    #[error("the upload broke off: {0}")]
    Interrupted(String),
    /// The disk, or something else of the platform's.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Where batch jobs' files wait. No call leaves half a file visible.
#[async_trait]
pub trait StagingArea: Send + Sync {
    /// Makes a job's staging directory; does nothing if it is there.
    async fn create(&self, job: &JobRef) -> Result<(), Failure>;

    /// Removes a job's staging directory and everything in it; does nothing if there is none.
    async fn remove(&self, job: &JobRef) -> Result<(), Failure>;

    /// The files of a job in the order of their names (byte by byte): those behind `after`, at most `limit`.
    async fn list(
        &self,
        job: &JobRef,
        spec: &JobSpec,
        plan: &Plan,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StagedFile>, Failure>;

    /// Takes a file in. Visible only when it is whole, checked and durable. One of the same name stays as it is: with the
    /// same content that is a success, else the new one is refused.
    async fn put(&self, upload: Upload<'_>) -> Result<StagedFile, StagingError>;

    /// How many bytes have come of an upload that can be continued, and that broke off; 0 if nothing is kept of it.
    async fn received(&self, job: &JobRef, name: &str, sha256: &str) -> Result<u64, Failure>;

    /// Copies the first bytes of a file, at most `limit`, to the new file `to`. Says whether that is all of it.
    async fn sample(
        &self,
        job: &JobRef,
        name: &str,
        limit: u64,
        to: &Path,
    ) -> Result<bool, StagingError>;

    /// Removes a file.
    async fn delete(&self, job: &JobRef, name: &str) -> Result<(), StagingError>;

    /// What a client's staging directories hold together, in bytes.
    async fn usage(&self, client: &ClientId) -> Result<u64, Failure>;
}
