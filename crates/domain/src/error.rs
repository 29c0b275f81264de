//! What went wrong, whose doing it is, and whether trying again makes sense.

use serde::{Deserialize, Serialize};

/// Who has to act for a failure to go away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Culprit {
    /// The client: its spec, its files, its request.
    Client,
    /// The platform: the manager, a worker, the machine.
    Platform,
    /// The core DMS.
    CoreDms,
    /// The metadata store.
    MetadataStore,
}

/// A failure that is kept with a run and shown to its client.
#[derive(
    Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema, thiserror::Error,
)]
#[error("{message}")]
pub struct Failure {
    /// Stable, documented, for programs: `snake_case`.
    pub code: String,
    /// Who has to act.
    pub culprit: Culprit,
    /// Whether the same attempt may succeed later without anybody's change.
    pub retryable: bool,
    /// What happened and where, for people.
    pub message: String,
    /// What to do next, for people.
    pub next_step: String,
}

impl Failure {
    /// A failure that only its culprit's action removes.
    pub fn permanent(
        code: &str,
        culprit: Culprit,
        message: impl Into<String>,
        next_step: impl Into<String>,
    ) -> Self {
        Self {
            code: code.into(),
            culprit,
            retryable: false,
            message: message.into(),
            next_step: next_step.into(),
        }
    }

    /// A failure that may pass by itself.
    pub fn transient(
        code: &str,
        culprit: Culprit,
        message: impl Into<String>,
        next_step: impl Into<String>,
    ) -> Self {
        Self {
            retryable: true,
            ..Self::permanent(code, culprit, message, next_step)
        }
    }
}
