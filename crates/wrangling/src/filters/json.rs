//! `json`: parses a field's text; members become fields, or one field (`target`) the whole value.

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::date::parse_timestamp;
use crate::exec::{Context, Event, FieldPath};
use crate::field_ref::FieldRef;
use crate::json::parse;
use crate::layout::TIMESTAMP;
use crate::options::Options;
use crate::value::{Member, Value};

/// Tag of a record whose `@timestamp` is no timestamp.
pub(crate) const INVALID_TIMESTAMP_TAG: &str = "_timestampparsefailure";

/// A compiled json filter.
#[derive(Debug)]
pub(crate) struct Json {
    source: FieldPath,
    target: Option<FieldPath>,
    skip_on_invalid: bool,
}

impl Json {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let Some(source) = options.text("source") else {
            compiler.violation(
                options.at("source"),
                "missing_option",
                "json needs `source`: the field to parse".to_owned(),
            );
            return None;
        };
        let target = match options.text("target") {
            Some(target) => Some(compiler.field(target, &options.at("target"))?),
            None => None,
        };
        let source = compiler.field(source, &options.at("source"))?;
        Some(Self {
            source,
            target,
            skip_on_invalid: options.flag("skip_on_invalid_json", false),
        })
    }

    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>, context: Context<'_>) -> Applied<'a> {
        let text = match event.get(&self.source) {
            Value::Absent | Value::Null | Value::Bool(false) => return Applied::Skipped,
            Value::Str(text) => text,
            _ if self.skip_on_invalid => return Applied::Skipped,
            other => {
                let message = format!("only a text can be parsed, and this is {}", other.kind());
                return Applied::failed(&self.error(message), event);
            }
        };
        match parse(text, event.bump) {
            Ok(value) => {
                let result = self.store(value, event, context).map(|()| Applied::Matched);
                Applied::from_result(result, event)
            }
            Err(_) if self.skip_on_invalid => Applied::Skipped,
            Err(error) => Applied::failed(&self.error(error.to_string()), event),
        }
    }

    fn store<'a>(
        &self,
        value: Value<'a>,
        event: &mut Event<'a>,
        context: Context<'_>,
    ) -> Result<(), FilterError> {
        match (&self.target, value) {
            (Some(target), value) => Ok(event.set(target, value)?),
            (None, Value::Object(members)) => set_members(members, event, context),
            (None, _) => {
                Err(self
                    .error("the text is no JSON object; other values need a `target`".to_owned()))
            }
        }
    }

    fn error(&self, message: String) -> FilterError {
        FilterError::value(self.source.field.to_string(), message)
    }
}

/// Sets an object's members as fields; names in brackets are field references.
fn set_members<'a>(
    members: &'a [Member<'a>],
    event: &mut Event<'a>,
    context: Context<'_>,
) -> Result<(), FilterError> {
    let mut result = Ok(());
    for (name, value) in members {
        if *name == "@timestamp" {
            continue;
        }
        if let Err(error) = set_member(name, *value, event) {
            result = result.and(Err(error));
        }
    }
    result?;
    if let Some((_, value)) = members.iter().find(|(name, _)| *name == "@timestamp") {
        set_timestamp(*value, event, context.clock_ms);
    }
    Ok(())
}

#[inline]
fn set_member<'a>(
    name: &'a str,
    value: Value<'a>,
    event: &mut Event<'a>,
) -> Result<(), FilterError> {
    if name == "tags" || name.contains(['[', ']']) {
        let path = FieldPath::dynamic(FieldRef::parse(name)?, event.layout);
        return Ok(event.set(&path, value)?);
    }
    event.set_named(name, value);
    Ok(())
}

/// Sets `@timestamp` from an ISO 8601 text. Anything else goes to `_@timestamp`, tagged, and the clock's time is taken.
pub(crate) fn set_timestamp<'a>(value: Value<'a>, event: &mut Event<'a>, clock_ms: i64) {
    let parsed = match value {
        Value::Absent | Value::Null => return,
        Value::Str(text) => parse_timestamp(text),
        Value::Time(ms) => Some(ms),
        _ => None,
    };
    event.set_slot(TIMESTAMP, Value::Time(parsed.unwrap_or(clock_ms)));
    if parsed.is_none() {
        let text = value.text(event.bump);
        event.tag(INVALID_TIMESTAMP_TAG);
        event.set_named("_@timestamp", Value::Str(text));
        event.fail(
            "decode",
            "[@timestamp]",
            event
                .bump
                .alloc_str(&format!("`{text}` is no ISO 8601 timestamp")),
        );
    }
}
