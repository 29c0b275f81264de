//! `urldecode`: replaces `%41` by what it stands for.

use bumpalo::collections::Vec as BumpVec;

use super::{Applied, FilterError};
use crate::charset::Charset;
use crate::compile::Compiler;
use crate::exec::{Event, FieldPath};
use crate::layout::TIMESTAMP;
use crate::options::Options;
use crate::value::{Member, Value};

/// A compiled urldecode filter.
#[derive(Debug)]
pub(crate) struct Urldecode {
    /// None for all fields.
    field: Option<FieldPath>,
    charset: Charset,
}

impl Urldecode {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let name = options.text("charset").unwrap_or("UTF-8");
        let Some(charset) = Charset::named(name) else {
            let message = format!("`{name}` is no character set that can be read here");
            compiler.violation(options.at("charset"), "unsupported_option", message);
            return None;
        };
        let field = if options.flag("all_fields", false) {
            None
        } else {
            let field = options.text("field").unwrap_or("message");
            Some(compiler.field(field, &options.at("field"))?)
        };
        Some(Self { field, charset })
    }

    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>) -> Applied<'a> {
        let result = self.try_apply(event).map(|()| Applied::Matched);
        Applied::from_result(result, event)
    }

    fn try_apply<'a>(&self, event: &mut Event<'a>) -> Result<(), FilterError> {
        let Some(path) = &self.field else {
            for slot in 0..event.slots().len() {
                if slot != TIMESTAMP {
                    event.set_slot(slot, self.decode(event.slot(slot), event));
                }
            }
            let extra = BumpVec::from_iter_in(event.extra().iter().copied(), event.bump);
            for (name, value) in extra {
                event.set_named(name, self.decode(value, event));
            }
            return Ok(());
        };
        let decoded = match event.get(path) {
            Value::Absent => Value::Null,
            value => self.decode(value, event),
        };
        Ok(event.set(path, decoded)?)
    }

    fn decode<'a>(&self, value: Value<'a>, event: &Event<'a>) -> Value<'a> {
        match value {
            Value::Str(text) => Value::Str(self.text(text, event)),
            Value::Array(items) => {
                let items = items.iter().map(|item| self.decode(*item, event));
                Value::Array(BumpVec::from_iter_in(items, event.bump).into_bump_slice())
            }
            Value::Object(members) => {
                let member = |(name, value): &Member<'a>| (*name, self.decode(*value, event));
                let members = members.iter().map(member);
                Value::Object(BumpVec::from_iter_in(members, event.bump).into_bump_slice())
            }
            other => other,
        }
    }

    fn text<'a>(&self, text: &'a str, event: &Event<'a>) -> &'a str {
        if !text.contains('%') && self.charset.keeps(text) {
            return text;
        }
        let bytes: Vec<u8> = percent_encoding::percent_decode_str(text).collect();
        event.bump.alloc_str(&self.charset.decode(&bytes))
    }
}
