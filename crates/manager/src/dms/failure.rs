//! The core DMS's errors in the words that go with a run.

use coredms::client::ClientError;
use domain::error::{Culprit, Failure};

/// What a failed call means for who depends on it.
pub(super) fn failure(error: ClientError) -> Failure {
    let (code, retryable, next_step) = match &error {
        ClientError::Denied { .. } => {
            // somebody has to act, but nothing is lost by waiting for it
            (
                "core_dms_denied",
                true,
                "the operator has to give the platform valid credentials for the core DMS",
            )
        }
        ClientError::Options { .. } | ClientError::Protocol { .. } => (
            "core_dms_not_understood",
            false,
            "the operator has to check what the core DMS's address leads to",
        ),
        _ if error.is_retryable() => (
            "core_dms_unavailable",
            true,
            "the operator has to look at the core DMS; it is asked again",
        ),
        ClientError::Status { .. } => (
            "core_dms_refused",
            false,
            "change what was asked for; the message says why",
        ),
        ClientError::Unreachable { .. }
        | ClientError::TimedOut { .. }
        | ClientError::Busy { .. }
        | ClientError::ShardsFailed { .. } => (
            "core_dms_unavailable",
            true,
            "the operator has to look at the core DMS; it is asked again",
        ),
    };
    Failure {
        retryable,
        ..Failure::permanent(code, Culprit::CoreDms, error.to_string(), next_step)
    }
}
