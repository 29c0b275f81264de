//! An error in Elasticsearch's shape: status, `type`, `reason`, and what caused it.

use serde_json::{Value, json};
use std::borrow::Cow;

/// A refused or failed request. Rendered as Elasticsearch's error body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EsError {
    /// HTTP status.
    pub status: u16,
    /// Elasticsearch's `error.type`.
    pub kind: Cow<'static, str>,
    /// Elasticsearch's `error.reason`.
    pub reason: String,
    /// `type` and `reason` of the cause.
    pub cause: Option<Box<(Cow<'static, str>, String)>>,
    /// The index the error is about.
    pub index: Option<String>,
    /// Whether it came out of a search, which wraps its errors.
    in_search: bool,
}

/// Result of everything that answers a request.
pub type EsResult<T> = Result<T, EsError>;

impl EsError {
    /// An error with status, type and reason.
    pub fn new(status: u16, kind: impl Into<Cow<'static, str>>, reason: impl Into<String>) -> Self {
        Self {
            status,
            kind: kind.into(),
            reason: reason.into(),
            cause: None,
            index: None,
            in_search: false,
        }
    }

    /// 400 `illegal_argument_exception`.
    pub fn illegal(reason: impl Into<String>) -> Self {
        Self::new(400, "illegal_argument_exception", reason)
    }

    /// 400 `parsing_exception`.
    pub fn parsing(reason: impl Into<String>) -> Self {
        Self::new(400, "parsing_exception", reason)
    }

    /// 501: Elasticsearch can, this server cannot.
    pub fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::new(
            501,
            "unsupported_operation_exception",
            format!("{what} is not supported by the embedded server; use Elasticsearch for it"),
        )
    }

    /// 404 `index_not_found_exception`.
    pub fn no_index(index: &str) -> Self {
        Self::new(
            404,
            "index_not_found_exception",
            format!("no such index [{index}]"),
        )
        .about(index)
    }

    /// 500, for what the disk or the search library reports.
    pub fn internal(what: &str, error: impl std::fmt::Display) -> Self {
        Self::new(500, "exception", format!("{what}: {error}"))
    }

    /// Names the index concerned.
    pub fn about(mut self, index: &str) -> Self {
        self.index = Some(index.into());
        self
    }

    /// Adds the cause.
    pub fn because(
        mut self,
        kind: impl Into<Cow<'static, str>>,
        reason: impl Into<String>,
    ) -> Self {
        self.cause = Some(Box::new((kind.into(), reason.into())));
        self
    }

    /// Marks an error that Elasticsearch's shards would have reported.
    pub fn in_search(mut self) -> Self {
        self.in_search = true;
        self
    }

    /// The object that stands under `error`, also for one item of a bulk.
    pub fn detail(&self) -> Value {
        let mut detail = json!({ "type": self.kind, "reason": self.reason });
        if let Some(index) = &self.index {
            detail["index"] = json!(index);
        }
        if let Some((kind, reason)) = self.cause.as_deref() {
            detail["caused_by"] = json!({ "type": kind, "reason": reason });
        }
        detail
    }

    /// The whole answer.
    pub fn body(&self) -> Value {
        if self.status == 405 {
            return json!({ "error": self.reason, "status": self.status });
        }
        let detail = self.detail();
        let mut error = if self.in_search {
            json!({ "type": "search_phase_execution_exception", "reason": "all shards failed",
                "phase": "query", "grouped": true, "failed_shards": [{ "shard": 0,
                "index": self.index, "reason": detail.clone() }] })
        } else {
            detail.clone()
        };
        error["root_cause"] = json!([detail]);
        json!({ "error": error, "status": self.status })
    }
}

impl From<tantivy::TantivyError> for EsError {
    fn from(error: tantivy::TantivyError) -> Self {
        Self::internal("search library", error)
    }
}

impl From<std::io::Error> for EsError {
    fn from(error: std::io::Error) -> Self {
        Self::internal("disk", error)
    }
}
