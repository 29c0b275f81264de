//! A job: a spec under a name, with all its revisions.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::EpochMs;
use crate::ids::{ClientId, JobId, JobRef};
use crate::spec::JobSpec;

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Whose.
    pub client: ClientId,
    /// Its id.
    pub id: JobId,
    /// Number of the newest revision, from 1.
    pub revision: u32,
    /// Digest of the newest spec; see [`spec_digest`].
    pub spec_digest: String,
    /// The newest spec.
    pub spec: JobSpec,
    /// When the job was made.
    pub created_ms: EpochMs,
    /// When the newest revision came.
    pub updated_ms: EpochMs,
    /// Whether its removal has begun: no run of it starts any more.
    #[serde(default)]
    pub removing: bool,
}

impl Job {
    /// Its full name.
    pub fn job_ref(&self) -> JobRef {
        JobRef {
            client: self.client.clone(),
            job: self.id.clone(),
        }
    }
}

/// One revision of a job's spec. Never changed, never removed before its job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    /// Whose.
    pub client: ClientId,
    /// Of which job.
    pub job: JobId,
    /// From 1.
    pub number: u32,
    /// Digest of `spec`.
    pub spec_digest: String,
    /// The spec, with its defaults filled in.
    pub spec: JobSpec,
    /// When it came.
    pub created_ms: EpochMs,
}

impl Revision {
    /// The newest revision of a job.
    pub fn newest(job: &Job) -> Self {
        Self {
            client: job.client.clone(),
            job: job.id.clone(),
            number: job.revision,
            spec_digest: job.spec_digest.clone(),
            spec: job.spec.clone(),
            created_ms: job.updated_ms,
        }
    }
}

/// SHA-256 of a spec as JSON with its defaults filled in, hexadecimal. Two specs of one meaning have one digest.
pub fn spec_digest(spec: &JobSpec) -> Result<String, serde_json::Error> {
    Ok(hex::encode(Sha256::digest(serde_json::to_vec(spec)?)))
}
