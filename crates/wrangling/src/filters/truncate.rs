//! `truncate`: cuts texts that are longer than a number of bytes.

use bumpalo::collections::Vec as BumpVec;

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::exec::{Event, FieldPath};
use crate::field_ref::FieldRef;
use crate::options::Options;
use crate::value::{Member, Value};

/// A compiled truncate filter.
#[derive(Debug)]
pub(crate) struct Truncate {
    /// Empty for all fields.
    fields: Vec<FieldPath>,
    length: usize,
}

impl Truncate {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        // Logstash cuts a fraction off, as Ruby does
        let length = options
            .text("length_bytes")
            .and_then(|text| text.split('.').next()?.parse().ok());
        let Some(length) = length else {
            let message =
                "truncate needs `length_bytes`: how many bytes a text may have".to_owned();
            compiler.violation(options.at("length_bytes"), "missing_option", message);
            return None;
        };
        let at = options.at("fields");
        let fields = options.list("fields").unwrap_or_default();
        let fields = fields.into_iter().map(|field| compiler.field(field, &at));
        Some(Self {
            fields: fields.collect::<Option<_>>()?,
            length,
        })
    }

    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>) -> Applied<'a> {
        let result = self.try_apply(event).map(|()| Applied::Matched);
        Applied::from_result(result, event)
    }

    fn try_apply<'a>(&self, event: &mut Event<'a>) -> Result<(), FilterError> {
        for path in &self.fields {
            let value = event.get(path);
            if !value.is_nil() {
                event.set(path, self.cut(value, event))?;
            }
        }
        if self.fields.is_empty() {
            for name in event.names() {
                let path = FieldPath::dynamic(FieldRef::top(name), event.layout);
                let value = event.get(&path);
                if !matches!(value, Value::Time(_)) {
                    event.set(&path, self.cut(value, event))?;
                }
            }
        }
        Ok(())
    }

    /// The value with its texts cut, also those of its members and items.
    fn cut<'a>(&self, value: Value<'a>, event: &Event<'a>) -> Value<'a> {
        match value {
            Value::Str(text) => {
                let mut end = self.length.min(text.len());
                // half a character is none
                while !text.is_char_boundary(end) {
                    end -= 1;
                }
                Value::Str(text.get(..end).unwrap_or_default())
            }
            Value::Array(items) => {
                let items = items.iter().map(|item| match item {
                    Value::Str(_) => self.cut(*item, event),
                    // as Logstash does: what is nested in a list is left
                    other => *other,
                });
                Value::Array(BumpVec::from_iter_in(items, event.bump).into_bump_slice())
            }
            Value::Object(members) => {
                let member = |(name, value): &Member<'a>| (*name, self.cut(*value, event));
                let members = members.iter().map(member);
                Value::Object(BumpVec::from_iter_in(members, event.bump).into_bump_slice())
            }
            other => other,
        }
    }
}
