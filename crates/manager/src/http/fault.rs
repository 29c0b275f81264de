//! A refused request: a problem document, and how the platform's errors become one.

use std::io;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use api::problem::PROBLEM_JSON;
use api::{Code, Problem};
use domain::error::{Culprit, Failure};
use domain::ids::InvalidId;
use domain::staging::StagingError;
use domain::store::StoreError;
use supervisor::rejects::RejectsError;

/// Why a request was refused. Causes that are not the client's are logged where they become one.
#[derive(Debug)]
pub(crate) struct Fault(pub(crate) Box<Problem>);

impl Fault {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Problem::new(code, detail).into()
    }

    /// The platform failed: the particulars are for its log only.
    pub(crate) fn internal(reason: impl std::fmt::Display) -> Self {
        tracing::error!(%reason, "a request failed");
        Self::new(Code::Unexpected, "the platform failed to carry this out")
    }

    /// As it is sent.
    pub(crate) fn response(&self) -> HttpResponse {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        HttpResponse::build(status)
            .content_type(PROBLEM_JSON)
            .json(&*self.0)
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Exists { .. } | StoreError::Stale { .. } => {
                Self::new(Code::Conflict, "somebody else changed it at the same time")
            }
            StoreError::Unavailable(reason) => {
                tracing::warn!(reason, "the metadata store does not answer");
                Self::new(
                    Code::MetadataStoreUnavailable,
                    "the metadata store does not answer",
                )
            }
            StoreError::Corrupt { .. } | StoreError::Refused(_) => Self::internal(error),
        }
    }
}

impl From<InvalidId> for Fault {
    fn from(error: InvalidId) -> Self {
        Self::new(Code::InvalidId, error.to_string())
    }
}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        let code = match (failure.culprit, failure.retryable) {
            (Culprit::Client, _) => Code::InvalidParameter,
            (Culprit::CoreDms, true) => Code::CoreDmsUnavailable,
            (Culprit::CoreDms, false) => Code::QueryRefused,
            (Culprit::MetadataStore, _) => Code::MetadataStoreUnavailable,
            (Culprit::Platform, _) => Code::Storage,
        };
        if failure.culprit != Culprit::Client {
            tracing::warn!(
                code = failure.code,
                message = failure.message,
                "a request could not be carried out"
            );
        }
        Problem::new(code, failure.message)
            .with_next_step(failure.next_step)
            .into()
    }
}

impl From<StagingError> for Fault {
    fn from(error: StagingError) -> Self {
        let detail = error.to_string();
        match error {
            StagingError::InvalidName { .. } => Self::new(Code::InvalidFileName, detail),
            StagingError::Exists(_) => Self::new(Code::FileExists, detail),
            StagingError::NotFound(_) => Self::new(Code::FileNotFound, detail),
            StagingError::Refused(refusal) => Problem::refused(vec![refusal]).into(),
            StagingError::ChecksumMismatch { .. } => Self::new(Code::ChecksumMismatch, detail),
            StagingError::WrongOffset { .. } => Self::new(Code::WrongOffset, detail),
            StagingError::UnderWay(_) => Self::new(Code::UploadUnderWay, detail),
            StagingError::Interrupted(_) => Self::new(Code::BrokenUpload, detail),
            StagingError::Failed(failure) => failure.into(),
        }
    }
}

impl From<RejectsError> for Fault {
    fn from(error: RejectsError) -> Self {
        match error {
            RejectsError::Cursor(_) => Self::new(Code::InvalidParameter, format!("after: {error}")),
            RejectsError::Damaged { .. } => Self::internal(error),
            RejectsError::Io(error) => error.into(),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "the disk failed a request");
        Self::new(Code::Storage, "the platform's disk failed")
    }
}
