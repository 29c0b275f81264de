//! What the core DMS's answers mean: pure decisions, of single items and of whole requests.

use coredms::client::{BulkFailure, ClientError};
use domain::error::{Culprit, Failure};

/// What an item's failure means.
#[derive(Debug, Clone, PartialEq)]
pub enum ItemVerdict {
    /// The id is taken: find out by whom.
    Conflict,
    /// Send it again.
    Again,
    /// It is rejected.
    Refused(Refusal),
    /// Nothing can be sent.
    Fatal(Failure),
}

/// Why the core DMS does not store a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable code.
    pub code: String,
    /// The field concerned, if the reason names one.
    pub field: Option<String>,
    /// The core DMS's own words.
    pub message: String,
}

impl Refusal {
    /// What an error of this type and reason means.
    pub fn of(kind: &str, reason: &str) -> Self {
        Self {
            code: code_of(kind),
            field: field_of(reason),
            message: format!("{kind}: {reason}"),
        }
    }
}

/// What a request's failure means.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestVerdict {
    /// Send it again; `pushed_back` if the core DMS has too much to do.
    Again {
        /// Whether fewer and smaller requests would help.
        pushed_back: bool,
    },
    /// Send it in halves.
    Split,
    /// The answer makes no sense: worth a few attempts.
    Doubtful(Failure),
    /// Nothing can be sent.
    Fatal(Failure),
}

/// Judges an item's failure.
pub fn judge_item(failure: &BulkFailure) -> ItemVerdict {
    let words = || format!("{}: {}", failure.kind, failure.reason);
    match failure.status {
        409 => ItemVerdict::Conflict,
        _ if failure.is_retryable() || failure.kind == "es_rejected_execution_exception" => {
            ItemVerdict::Again
        }
        // the core DMS is at fault, not the document: it may even be stored. 501 says that it never will be
        500.. if failure.status != 501 => ItemVerdict::Again,
        401 | 403 => ItemVerdict::Fatal(denied(&words())),
        _ => ItemVerdict::Refused(Refusal::of(&failure.kind, &failure.reason)),
    }
}

/// Judges a request's failure.
pub fn judge_request(error: &ClientError) -> RequestVerdict {
    if error.is_retryable() {
        let pushed_back = matches!(
            error,
            ClientError::Busy { .. } | ClientError::TimedOut { .. }
        );
        return RequestVerdict::Again { pushed_back };
    }
    let message = error.to_string();
    match error {
        ClientError::Status { status: 413, .. } => RequestVerdict::Split,
        // a key that is void: the next launch comes with a new one
        ClientError::Denied { status: 401, .. } => RequestVerdict::Fatal(Failure {
            retryable: true,
            ..denied(&message)
        }),
        ClientError::Denied { .. } => RequestVerdict::Fatal(denied(&message)),
        ClientError::Protocol { .. } => RequestVerdict::Doubtful(super::nonsense(&message)),
        _ => {
            let next_step = "look at the core DMS's log; the request as a whole was refused";
            RequestVerdict::Fatal(Failure::permanent(
                "dms_refused",
                Culprit::CoreDms,
                message,
                next_step,
            ))
        }
    }
}

fn denied(message: &str) -> Failure {
    let message = format!("the core DMS does not let the worker write: {message}");
    let next_step = "give the platform's credentials the privileges create_doc, create_index and read on the clients' indices";
    Failure::permanent("dms_denied", Culprit::Platform, message, next_step)
}

fn code_of(kind: &str) -> String {
    match kind {
        "mapper_parsing_exception"
        | "document_parsing_exception"
        | "strict_dynamic_mapping_exception" => "mapping_conflict".into(),
        "" => "dms_refused".into(),
        other => other.strip_suffix("_exception").unwrap_or(other).to_owned(),
    }
}

/// The field that a reason of Elasticsearch names: `failed to parse field [x] of type …`.
fn field_of(reason: &str) -> Option<String> {
    let (_, after) = reason.split_once("field [")?;
    after.split_once(']').map(|(field, _)| field.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(status: u16, kind: &str, reason: &str) -> ItemVerdict {
        judge_item(&BulkFailure {
            position: 0,
            status,
            kind: kind.into(),
            reason: reason.into(),
        })
    }

    #[test]
    fn items_are_retried_looked_up_or_rejected_with_the_servers_words() {
        assert_eq!(
            item(409, "version_conflict_engine_exception", ""),
            ItemVerdict::Conflict
        );
        for status in [429, 500, 503] {
            assert_eq!(item(status, "", ""), ItemVerdict::Again);
        }
        assert!(matches!(
            item(501, "unsupported_operation_exception", ""),
            ItemVerdict::Refused(_)
        ));
        let ItemVerdict::Refused(refusal) = item(
            400,
            "document_parsing_exception",
            "failed to parse field [n] of type [long]",
        ) else {
            panic!("a mapping conflict is a reject");
        };
        assert_eq!(
            (refusal.code.as_str(), refusal.field.as_deref()),
            ("mapping_conflict", Some("n"))
        );
        assert!(refusal.message.contains("of type [long]"));
        assert!(
            matches!(item(403, "security_exception", ""), ItemVerdict::Fatal(f) if f.code == "dms_denied" && !f.retryable)
        );
        assert!(
            matches!(item(404, "index_not_found_exception", "x"), ItemVerdict::Refused(r) if r.code == "index_not_found")
        );
    }

    #[test]
    fn requests_are_retried_split_or_given_up() {
        let status = |status| ClientError::Status {
            operation: "bulk",
            status,
            kind: String::new(),
            reason: String::new(),
        };
        let denied = |status| ClientError::Denied {
            operation: "bulk",
            status,
            reason: String::new(),
        };
        let away = ClientError::Unreachable {
            operation: "bulk",
            address: String::new(),
            reason: String::new(),
        };
        assert_eq!(
            judge_request(&status(500)),
            RequestVerdict::Again { pushed_back: false }
        );
        assert_eq!(
            judge_request(&away),
            RequestVerdict::Again { pushed_back: false }
        );
        assert_eq!(judge_request(&status(413)), RequestVerdict::Split);
        assert!(matches!(
            judge_request(&status(400)),
            RequestVerdict::Fatal(_)
        ));
        for (status, retryable) in [(401, true), (403, false)] {
            assert!(
                matches!(judge_request(&denied(status)), RequestVerdict::Fatal(f) if f.code == "dms_denied" && f.retryable == retryable)
            );
        }
    }
}
