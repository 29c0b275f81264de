//! The platform's statements: decoding, failures, clock, schema, provenance, id and index.

mod decode;
mod document;
mod schema;
mod schema_types;

pub(crate) use decode::{DecodeNode, decode};
pub(crate) use document::DocumentNode;
pub(crate) use schema::SchemaNode;

use crate::environment::Environment;
use crate::exec::{Event, Flow, Refusal, Run};
use crate::filters::INVALID_TIMESTAMP_TAG;
use crate::json::write_json_str;
use crate::layout::{PROVENANCE, TIMESTAMP};
use crate::value::Value;

/// Rejects an event that a failed filter tagged; says what the first failure was.
pub(crate) fn reject_failures<'a>(tags: &'a [Box<str>], event: &Event<'a>) -> Flow<'a> {
    let Some(failure) = event.failure else {
        return Flow::Next;
    };
    let is_failure =
        |tag: &str| tag == INVALID_TIMESTAMP_TAG || tags.iter().any(|known| **known == *tag);
    let tagged = event
        .tags()
        .iter()
        .any(|tag| matches!(tag, Value::Str(text) if is_failure(text)));
    if !tagged {
        return Flow::Next;
    }
    Flow::Reject(Refusal {
        code: "filter_failure",
        step: failure.step,
        field: failure.field,
        message: failure.message,
    })
}

/// Gives an event without a timestamp the clock's.
pub(crate) fn default_timestamp(event: &mut Event<'_>, clock_ms: i64) {
    if event.slot(TIMESTAMP).is_nil() {
        event.set_slot(TIMESTAMP, Value::Time(clock_ms));
    }
}

/// The part of the provenance object that is the same for a whole run.
pub(crate) fn provenance_prefix(environment: &Environment) -> Box<[u8]> {
    let mut prefix = b",\"provenance\":{\"client\":".to_vec();
    write_json_str(&environment.client, &mut prefix);
    prefix.extend_from_slice(b",\"job\":");
    write_json_str(&environment.job, &mut prefix);
    prefix.extend_from_slice(b",\"run\":");
    write_json_str(&environment.run, &mut prefix);
    prefix.extend_from_slice(b",\"revision\":");
    prefix.extend_from_slice(environment.revision.to_string().as_bytes());
    prefix.extend_from_slice(b",\"file\":\"");
    prefix.into_boxed_slice()
}

/// Appends the provenance object; the name is the platform's.
pub(crate) fn provenance<'a>(prefix: &'a [u8], event: &Event<'a>, run: &mut Run<'a>) -> Flow<'a> {
    if !event.slot(PROVENANCE).is_absent() {
        let message =
            "the record has a field `provenance`, which the platform sets; rename or remove it";
        return Flow::Reject(Refusal {
            code: "reserved_field",
            step: "provenance",
            field: "[provenance]",
            message,
        });
    }
    run.provenance = Some(prefix);
    Flow::Next
}
