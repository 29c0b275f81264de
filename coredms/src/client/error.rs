//! What can go wrong in a call, who is to blame, and whether trying again makes sense.

use std::time::Duration;

/// A failed call. [`ClientError::is_retryable`] says whether the same call may succeed later.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The client cannot be built from its options.
    #[error("core DMS client options: {reason}")]
    Options {
        /// What is wrong.
        reason: String,
    },
    /// No answer: the connection could not be made or broke. The request may have been carried out.
    #[error("{operation}: the core DMS at {address} cannot be reached: {reason}")]
    Unreachable {
        /// The call.
        operation: &'static str,
        /// The addresses tried.
        address: String,
        /// What the transport reported.
        reason: String,
    },
    /// No answer within the limit. The request may have been carried out.
    #[error("{operation}: no answer from the core DMS within {limit:?}")]
    TimedOut {
        /// The call.
        operation: &'static str,
        /// The limit that passed.
        limit: Duration,
    },
    /// 429, 502, 503 or 504: the server has too much to do or is not ready.
    #[error("{operation}: the core DMS is busy or not ready ({status}): {reason}")]
    Busy {
        /// The call.
        operation: &'static str,
        /// HTTP status.
        status: u16,
        /// What the server asked for in `Retry-After`.
        retry_after: Option<Duration>,
        /// The server's reason.
        reason: String,
    },
    /// 401 or 403: the credentials are missing, wrong, or lack a privilege.
    #[error("{operation}: the core DMS refuses the credentials ({status}): {reason}")]
    Denied {
        /// The call.
        operation: &'static str,
        /// HTTP status.
        status: u16,
        /// The server's reason.
        reason: String,
    },
    /// Any other status that is not success.
    #[error("{operation}: the core DMS answered {status} {kind}: {reason}")]
    Status {
        /// The call.
        operation: &'static str,
        /// HTTP status.
        status: u16,
        /// Elasticsearch's `error.type`, empty when the answer has none.
        kind: String,
        /// Elasticsearch's `error.reason`, or the start of the answer's text.
        reason: String,
    },
    /// Some shards did not answer, so the result is not complete.
    #[error("{operation}: {failed} of {total} shards failed: {reason}")]
    ShardsFailed {
        /// The call.
        operation: &'static str,
        /// Shards that failed.
        failed: u64,
        /// Shards asked.
        total: u64,
        /// The first failure's reason.
        reason: String,
    },
    /// The answer is not what Elasticsearch would send.
    #[error("{operation}: the answer is not Elasticsearch's: {reason}")]
    Protocol {
        /// The call.
        operation: &'static str,
        /// What was expected.
        reason: String,
    },
}

impl ClientError {
    /// Whether the same call may succeed later without anybody changing anything.
    /// After [`Self::Unreachable`] and [`Self::TimedOut`] the first attempt may have had its effect.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Busy { .. }
            | Self::ShardsFailed { .. } => true,
            Self::Status { status, .. } => *status >= 500 && *status != 501,
            Self::Options { .. } | Self::Denied { .. } | Self::Protocol { .. } => false,
        }
    }

    /// How long the server asked to wait, if it did.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The HTTP status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Busy { status, .. }
            | Self::Denied { status, .. }
            | Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}
