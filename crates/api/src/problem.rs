//! The problem document (RFC 9457): the one shape of every error answer.

use domain::Violation;
use domain::plan::Refusal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Code;

/// Content type of problem documents.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What went wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{detail} ({code})")]
pub struct Problem {
    /// Address of the code's explanation, relative to the manager's.
    #[serde(rename = "type")]
    pub kind: String,
    /// The code's summary.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, in this case.
    pub detail: String,
    /// The path that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Stable, for programs; see [`Code`]. A newer manager may send codes that this version does not know.
    pub code: String,
    /// The request's id, as in the manager's log and in the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Everything that is wrong with what was sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
    /// The constraints of the client's plan that forbid it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refusals: Vec<Refusal>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
}

impl Problem {
    /// A problem of this code, with what happened.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: code.type_uri(),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            instance: None,
            code: code.as_str().to_owned(),
            request_id: None,
            violations: Vec::new(),
            refusals: Vec::new(),
            next_step: None,
        }
    }

    /// With everything that is wrong.
    #[must_use]
    pub fn with_violations(mut self, violations: Vec<Violation>) -> Self {
        self.violations = violations;
        self
    }

    /// With what to do next.
    #[must_use]
    pub fn with_next_step(mut self, next_step: impl Into<String>) -> Self {
        self.next_step = Some(next_step.into());
        self
    }

    /// The client's plan forbids it.
    pub fn refused(refusals: Vec<Refusal>) -> Self {
        let detail = refusals
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ");
        Self {
            refusals,
            ..Self::new(Code::RefusedByPlan, detail)
        }
    }

    /// The code, if this version knows it.
    pub fn known_code(&self) -> Option<Code> {
        Code::parse(&self.code)
    }

    /// Whether the same request may succeed later without anybody's change.
    pub fn retryable(&self) -> bool {
        matches!(self.status, 408 | 429 | 500 | 502 | 503 | 504)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_carries_its_codes_status_and_leaves_out_what_it_does_not_have() {
        let problem = Problem::new(Code::JobNotFound, "acme has no job \"x\"");
        let json = serde_json::to_value(&problem).unwrap();
        let expected = serde_json::json!({
            "type": "/v1/errors#job_not_found", "title": "There is no such job", "status": 404,
            "detail": "acme has no job \"x\"", "code": "job_not_found",
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<Problem>(json).unwrap(), problem);
    }
}
