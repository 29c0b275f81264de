//! Bodies as JSON text: written exactly, and only if they can be read again.

use domain::audit::AuditEntry;
use domain::store::{Document, Kind, StoreError};
use serde_json::Value;

/// Deepest body that is stored. The parser refuses 128 levels and more; what cannot be read again is not written.
const MAX_DEPTH: usize = 120;

/// A body as text.
pub fn encode(kind: Kind, document: &Document) -> Result<String, StoreError> {
    let refused = |reason: String| {
        StoreError::Refused(format!(
            "{} {:?}: {reason}",
            kind.collection(),
            document.key
        ))
    };
    if deeper_than(&document.body, MAX_DEPTH) {
        return Err(refused(format!(
            "it is nested deeper than {MAX_DEPTH} levels"
        )));
    }
    serde_json::to_string(&document.body).map_err(|e| refused(e.to_string()))
}

/// A body from its text.
pub fn decode(kind: &'static str, key: &str, text: &str) -> Result<Value, StoreError> {
    serde_json::from_str(text).map_err(|e| corrupt(kind, key, e))
}

/// An audit entry as text.
pub fn encode_audit(entry: &AuditEntry) -> Result<String, StoreError> {
    if deeper_than(&entry.detail, MAX_DEPTH) {
        return Err(StoreError::Refused(format!(
            "audit entry {:?}: it is nested deeper than {MAX_DEPTH} levels",
            entry.id
        )));
    }
    serde_json::to_string(entry)
        .map_err(|e| StoreError::Refused(format!("audit entry {:?}: {e}", entry.id)))
}

/// An audit entry from its text.
pub fn decode_audit(id: &str, text: &str) -> Result<AuditEntry, StoreError> {
    serde_json::from_str(text).map_err(|e| corrupt("audit", id, e))
}

/// The error for what does not have the shape that it should have.
pub fn corrupt(kind: &'static str, key: &str, reason: impl ToString) -> StoreError {
    StoreError::Corrupt {
        kind,
        key: key.to_owned(),
        reason: reason.to_string(),
    }
}

fn deeper_than(value: &Value, levels: usize) -> bool {
    let below = |inner: &Value| levels == 0 || deeper_than(inner, levels - 1);
    match value {
        Value::Array(items) => items.iter().any(below),
        Value::Object(fields) => fields.values().any(below),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
