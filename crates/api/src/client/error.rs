//! What a call of the client can fail with.

use std::path::PathBuf;
use std::time::Duration;

use crate::{Code, Problem};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The manager refused, and said why.
    #[error(transparent)]
    Problem(Box<Problem>),
    /// The manager cannot be reached, or the connection broke.
    #[error("the manager at {url} cannot be reached: {reason}")]
    Unreachable {
        /// Its address.
        url: String,
        /// What happened, down to the cause.
        reason: String,
    },
    /// The manager did not answer, or nothing moved, for too long.
    #[error("the manager at {url} did not answer within {limit:?}")]
    TimedOut {
        /// Its address.
        url: String,
        /// The limit.
        limit: Duration,
    },
    /// What answered is no manager, or one of another version.
    #[error("the answer of {url} (status {status}) cannot be understood: {reason}")]
    NotUnderstood {
        /// The address that was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        reason: String,
    },
    /// A file on this side cannot be read.
    #[error("{path} cannot be read: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The address or the token cannot be used.
    #[error("{0}")]
    Misconfigured(String),
}

impl ClientError {
    /// The problem document, if the manager sent one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::NotUnderstood { .. }
            | Self::File { .. }
            | Self::Misconfigured(_) => None,
        }
    }

    /// Whether an upload may have broken off, so that it can be gone on with.
    pub fn broke_off(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::TimedOut { .. })
            || [Code::BrokenUpload, Code::UploadUnderWay, Code::WrongOffset]
                .into_iter()
                .any(|code| self.is(code))
    }

    /// Whether the manager refused with this code.
    pub fn is(&self, code: Code) -> bool {
        self.problem()
            .is_some_and(|problem| problem.code == code.as_str())
    }

    /// Whether the same call may succeed later without anybody's change.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Problem(problem) => problem.retryable(),
            Self::Unreachable { .. } | Self::TimedOut { .. } => true,
            Self::NotUnderstood { .. } | Self::File { .. } | Self::Misconfigured(_) => false,
        }
    }
}
