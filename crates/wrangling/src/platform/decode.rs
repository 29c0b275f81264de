//! From a payload to the first fields of an event.

use crate::ast::Decode;
use crate::exec::{Event, FieldPath, Refusal};
use crate::field::Field;
use crate::field_ref::FieldRef;
use crate::filters::set_timestamp;
use crate::json::parse;
use crate::layout::{Columns, EVENT, MESSAGE, METADATA, TAGS, TIMESTAMP, Target, VERSION};
use crate::record::Payload;
use crate::value::{Member, Value};

/// Tag of an event whose text should have been JSON.
const INVALID_JSON_TAG: &str = "_jsonparsefailure";
/// Tag of a record whose `tags` are no list of texts; they are kept as `_tags`.
const INVALID_TAGS_TAG: &str = "_tagsparsefailure";

/// A compiled decode statement.
#[derive(Debug)]
pub(crate) struct DecodeNode {
    null_values: Vec<Box<str>>,
    /// A bit for each length that a null value has, so that most values need no comparison.
    null_lengths: u64,
    keep_original: bool,
}

impl DecodeNode {
    pub(crate) fn compile(decode: &Decode) -> Self {
        let null_values: Vec<Box<str>> = decode
            .null_values
            .iter()
            .map(|null| null.as_str().into())
            .collect();
        let null_lengths = null_values
            .iter()
            .fold(0, |lengths, null| lengths | length_bit(null));
        Self {
            null_values,
            null_lengths,
            keep_original: decode.keep_original,
        }
    }

    #[inline]
    fn is_null(&self, value: &str) -> bool {
        self.null_lengths & length_bit(value) != 0
            && self.null_values.iter().any(|null| **null == *value)
    }
}

/// The bit of a text's length; long ones share the last bit.
#[inline]
fn length_bit(text: &str) -> u64 {
    1 << text.len().min(63)
}

/// Sets the fields of a payload.
pub(crate) fn decode<'a>(
    payload: &Payload<'a>,
    options: &DecodeNode,
    clock_ms: i64,
    event: &mut Event<'a>,
) -> Result<(), Refusal<'a>> {
    event.set_slot(TIMESTAMP, Value::Time(clock_ms));
    event.set_slot(VERSION, Value::Str("1"));
    let raw = match *payload {
        Payload::Line(text) => {
            event.set_slot(MESSAGE, Value::Str(text));
            text
        }
        Payload::Json(text) => {
            json(text, clock_ms, event)?;
            text
        }
        Payload::Row {
            columns,
            values,
            raw,
        } => {
            row(columns, values, options, clock_ms, event);
            raw
        }
        Payload::Event {
            fields, defaults, ..
        } => {
            for (name, field) in fields {
                set_field(name, field, event);
            }
            for (name, field) in defaults {
                set_default(name, field, event);
            }
            check_special(clock_ms, event);
            return Ok(());
        }
    };
    if options.keep_original {
        let original: &'a [Member<'a>] = event
            .bump
            .alloc_slice_copy(&[("original", Value::Str(raw))]);
        event.set_slot(EVENT, Value::Object(original));
    }
    Ok(())
}

#[inline]
fn row<'a>(
    columns: &'a Columns,
    values: &'a [&'a str],
    options: &DecodeNode,
    clock_ms: i64,
    event: &mut Event<'a>,
) {
    for (target, value) in columns.targets.iter().zip(values) {
        if options.is_null(value) {
            continue;
        }
        match target {
            Target::Slot(slot) => event.set_slot(*slot, Value::Str(value)),
            Target::Path(field) if field.root() == "@timestamp" => {
                set_timestamp(Value::Str(value), event, clock_ms)
            }
            Target::Path(field) => {
                let path = FieldPath::dynamic(field.clone(), event.layout);
                if let Err(error) = event.set(&path, Value::Str(value)) {
                    let message = event.bump.alloc_str(&error.to_string());
                    event.fail("decode", event.bump.alloc_str(&field.to_string()), message);
                }
            }
        }
    }
}

fn json<'a>(text: &'a str, clock_ms: i64, event: &mut Event<'a>) -> Result<(), Refusal<'a>> {
    let refuse = |message| Refusal {
        code: "json_parse",
        step: "decode",
        field: "",
        message,
    };
    let members = match parse(text, event.bump) {
        Ok(Value::Object(members)) => members,
        Ok(_) => return Err(refuse("the record is JSON, but no object")),
        Err(error) => return Err(refuse(event.bump.alloc_str(&error.to_string()))),
    };
    let mut expected = 0;
    for (name, value) in members {
        expected = event.set_next(expected, name, *value);
    }
    check_special(clock_ms, event);
    Ok(())
}

/// Sets a field of a codec's event. Text that is no JSON becomes the message, tagged.
fn set_field<'a>(name: &'a str, field: &'a Field, event: &mut Event<'a>) {
    let value = match field {
        Field::Json(text) => match parse(text, event.bump) {
            Ok(Value::Object(members)) if name.is_empty() => {
                for (name, value) in members {
                    event.merge_named(name, *value);
                }
                return;
            }
            Ok(value) if !name.is_empty() => value,
            _ => {
                event.set_slot(MESSAGE, Value::Str(text));
                event.tag(INVALID_JSON_TAG);
                return;
            }
        },
        other => other.value(event.bump),
    };
    if !name.contains(['[', ']']) {
        event.set_named(name, value);
        return;
    }
    let set = match FieldRef::parse(name) {
        Ok(field) => {
            let path = FieldPath::dynamic(field, event.layout);
            event.set(&path, value).map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    if let Err(reason) = set {
        event.fail("decode", name, event.bump.alloc_str(&reason));
    }
}

/// Sets a field that is not there.
fn set_default<'a>(name: &'a str, field: &'a Field, event: &mut Event<'a>) {
    if let Ok(reference) = FieldRef::parse(name) {
        let path = FieldPath::dynamic(reference, event.layout);
        if event.get(&path).is_absent() {
            // a scalar stands in the way: the event keeps what it has
            let _kept = event.set(&path, field.value(event.bump));
        }
    }
}

/// Members whose names have a meaning of their own must have the right type.
fn check_special(clock_ms: i64, event: &mut Event<'_>) {
    let timestamp = event.slot(TIMESTAMP);
    if !matches!(timestamp, Value::Time(_)) {
        event.set_slot(TIMESTAMP, Value::Time(clock_ms));
        set_timestamp(timestamp, event, clock_ms);
    }
    if !matches!(event.slot(METADATA), Value::Absent | Value::Object(_)) {
        event.set_slot(METADATA, Value::Absent);
    }
    let tags = event.slot(TAGS);
    let valid = match tags {
        Value::Absent | Value::Str(_) => true,
        Value::Array(items) => items.iter().all(|tag| matches!(tag, Value::Str(_))),
        _ => false,
    };
    if !valid {
        event.set_slot(TAGS, Value::Absent);
        event.set_named("_tags", tags);
        event.tag(INVALID_TAGS_TAG);
    }
}
