//! Checks an event against the job's schema and gives its values the schema's types.

use super::schema_types::{Checker, Verdict};
use crate::compile::Compiler;
use crate::exec::{Context, Event, FieldPath, Flow, Refusal};
use crate::field_ref::FieldRef;
use crate::layout::{METADATA, PROVENANCE, TAGS, TIMESTAMP, VERSION};
use crate::schema::{OnMismatch, Schema, Unknown};
use crate::value::Value;

/// A compiled schema.
#[derive(Debug)]
pub(crate) struct SchemaNode {
    fields: Vec<FieldCheck>,
    unknown: Unknown,
    /// Slots that the schema, or the platform, knows.
    known: Vec<usize>,
}

#[derive(Debug)]
struct FieldCheck {
    path: FieldPath,
    name: Box<str>,
    checker: Checker,
    required: bool,
    on_mismatch: OnMismatch,
}

impl SchemaNode {
    pub(crate) fn compile(schema: &Schema, compiler: &mut Compiler<'_>) -> Self {
        compiler.violations.extend(
            schema
                .validate()
                .into_iter()
                .map(|violation| violation.under("/schema")),
        );
        let mut fields = Vec::with_capacity(schema.fields.len());
        for (name, field) in &schema.fields {
            let (Ok(reference), Some(checker)) = (FieldRef::parse(name), Checker::compile(field))
            else {
                continue;
            };
            let path = compiler.path(reference);
            fields.push(FieldCheck {
                name: path.field.to_string().into(),
                path,
                checker,
                required: field.required,
                on_mismatch: field.on_mismatch,
            });
        }
        let platform = [TIMESTAMP, METADATA, VERSION, TAGS, PROVENANCE];
        let known = fields
            .iter()
            .map(|field| field.path.slot)
            .chain(platform)
            .collect();
        Self {
            fields,
            unknown: schema.unknown,
            known,
        }
    }

    #[inline]
    pub(crate) fn run<'a>(&'a self, event: &mut Event<'a>, context: Context<'_>) -> Flow<'a> {
        for field in &self.fields {
            if let Err(refusal) = field.check(event, context) {
                return Flow::Reject(refusal);
            }
        }
        match self.unknown {
            Unknown::Keep => Flow::Next,
            Unknown::Drop => {
                self.drop_unknown(event);
                Flow::Next
            }
            Unknown::Reject => self.reject_unknown(event),
        }
    }

    fn unknown_slots<'s>(&'s self, event: &'s Event<'_>) -> impl Iterator<Item = usize> + 's {
        let present = event
            .slots()
            .iter()
            .enumerate()
            .filter(|(_, value)| !value.is_absent());
        present
            .map(|(slot, _)| slot)
            .filter(|slot| !self.known.contains(slot))
    }

    fn drop_unknown(&self, event: &mut Event<'_>) {
        let slots: Vec<usize> = self.unknown_slots(event).collect();
        for slot in slots {
            event.set_slot(slot, Value::Absent);
        }
        event.clear_extra();
    }

    fn reject_unknown<'a>(&self, event: &Event<'a>) -> Flow<'a> {
        let overflow = event
            .extra()
            .iter()
            .find(|(_, value)| !value.is_absent())
            .map(|(name, _)| *name);
        let name = self
            .unknown_slots(event)
            .next()
            .map(|slot| event.layout.name(slot))
            .or(overflow);
        match name {
            None => Flow::Next,
            Some(name) => {
                let field = event.bump.alloc_str(&format!("[{name}]"));
                let message = "the schema does not name this field";
                Flow::Reject(Refusal {
                    code: "unknown_field",
                    step: "schema",
                    field,
                    message,
                })
            }
        }
    }
}

impl FieldCheck {
    #[inline]
    fn check<'a>(&'a self, event: &mut Event<'a>, context: Context<'_>) -> Result<(), Refusal<'a>> {
        let value = event.get(&self.path);
        if value.is_nil() {
            return if self.required {
                Err(self.missing())
            } else {
                Ok(())
            };
        }
        let replacement = match self.checker.check(value, event.bump, context) {
            Verdict::Fits => return Ok(()),
            Verdict::Becomes(value) => value,
            Verdict::Mismatch(reason) => match self.on_mismatch {
                OnMismatch::Keep => return Ok(()),
                OnMismatch::Null if self.required => {
                    return Err(self.mismatch(value, reason, event));
                }
                OnMismatch::Null => Value::Null,
                OnMismatch::Reject => return Err(self.mismatch(value, reason, event)),
            },
        };
        event.set(&self.path, replacement).map_err(|error| {
            self.refuse("schema_mismatch", event.bump.alloc_str(&error.to_string()))
        })
    }

    fn refuse<'a>(&'a self, code: &'static str, message: &'a str) -> Refusal<'a> {
        Refusal {
            code,
            step: "schema",
            field: &self.name,
            message,
        }
    }

    #[cold]
    fn missing(&self) -> Refusal<'_> {
        self.refuse("required_field", "the schema requires this field")
    }

    #[cold]
    fn mismatch<'a>(&'a self, value: Value<'a>, reason: &str, event: &Event<'a>) -> Refusal<'a> {
        let shown: String = value.text(event.bump).chars().take(64).collect();
        self.refuse(
            "schema_mismatch",
            event.bump.alloc_str(&format!("`{shown}` {reason}")),
        )
    }
}
