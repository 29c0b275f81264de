//! `split`: an event for each item of a list or part of a text.

use super::Common;
use crate::compile::Compiler;
use crate::exec::{Event, FieldPath};
use crate::options::Options;
use crate::value::Value;

/// Tag of an event whose field is neither a text nor a list.
const FAILURE_TAG: &str = "_split_type_failure";

/// A compiled split filter.
#[derive(Debug)]
pub(crate) struct Split {
    field: FieldPath,
    target: FieldPath,
    terminator: Box<str>,
}

impl Split {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let field = options.text("field").unwrap_or("message");
        let target = options.text("target").unwrap_or(field);
        compiler.failure_tag(FAILURE_TAG);
        Some(Self {
            field: compiler.field(field, &options.at("field"))?,
            target: compiler.field(target, &options.at("target"))?,
            terminator: options.text("terminator").unwrap_or("\n").into(),
        })
    }

    /// The events that it becomes, to which the common options apply; the event itself if there is nothing to split.
    pub(super) fn run<'a>(
        &'a self,
        mut event: Event<'a>,
        common: &'a Common,
        step: &'a str,
    ) -> Vec<Event<'a>> {
        let parts: Vec<Value<'a>> = match event.get(&self.field) {
            Value::Array(items) => items.to_vec(),
            Value::Str(text) => {
                let parts = self.parts(text);
                if parts.len() == 1 {
                    return vec![event];
                }
                parts.into_iter().map(Value::Str).collect()
            }
            other => {
                event.tag(FAILURE_TAG);
                let kind = other.kind();
                let message = event.bump.alloc_str(&format!(
                    "only texts and lists can be split, and this is {kind}"
                ));
                let field = event.bump.alloc_str(&self.field.field.to_string());
                event.fail(step, field, message);
                return vec![event];
            }
        };
        let mut all = Vec::with_capacity(parts.len());
        for (index, part) in parts.into_iter().enumerate() {
            let is_empty = match part {
                Value::Str(text) => text.is_empty(),
                Value::Array(items) => items.is_empty(),
                Value::Object(members) => members.is_empty(),
                other => other.is_nil(),
            };
            if is_empty {
                continue;
            }
            let mut piece = event.fork(index);
            match piece.set(&self.target, part) {
                Ok(()) => common.decorate(&mut piece, step),
                Err(error) => {
                    piece.tag(FAILURE_TAG);
                    let message = piece.bump.alloc_str(&error.to_string());
                    piece.fail(step, "", message);
                }
            }
            all.push(piece);
        }
        all
    }

    /// Ruby's `split(terminator, -1)`.
    fn parts<'a>(&self, text: &'a str) -> Vec<&'a str> {
        match &*self.terminator {
            _ if text.is_empty() => Vec::new(),
            "" => text.split_inclusive(|_| true).chain([""]).collect(),
            // a lone space means runs of white space, none of them before the first part
            " " => {
                let mut parts: Vec<&str> = text.split_ascii_whitespace().collect();
                if text.ends_with(|c: char| c.is_ascii_whitespace()) {
                    parts.push("");
                }
                parts
            }
            terminator => text.split(terminator).collect(),
        }
    }
}
