//! `translate`: looks a field's text up in a dictionary.

mod dictionary;
mod entry;
mod file;
mod scalar;
mod yaml;

use bumpalo::collections::Vec as BumpVec;

use dictionary::Dictionary;

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::environment::EcsCompatibility;
use crate::exec::{Event, FieldPath};
use crate::field_ref::FieldRef;
use crate::options::Options;
use crate::template::Template;
use crate::value::Value;

/// A compiled translate filter.
#[derive(Debug)]
pub(crate) struct Translate {
    subject: Subject,
    overrides: bool,
    /// The target is the source: the filter always succeeds.
    in_place: bool,
    fallback: Option<Template>,
    dictionary: Dictionary,
}

/// What is looked up, and where what is found goes.
#[derive(Debug)]
enum Subject {
    /// A field's text, or the first one of its list.
    Value {
        source: FieldPath,
        target: FieldPath,
    },
    /// Every item of a list; the target is a list, too.
    Values {
        source: FieldPath,
        target: FieldPath,
    },
    /// A field of every object of a list; the target is a field of the same object.
    Objects {
        list: FieldPath,
        source: FieldRef,
        target: FieldRef,
    },
}

impl Translate {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let source = either("source", "field", options, compiler);
        let target = either("target", "destination", options, compiler);
        let Some(source) = source else {
            let message = "translate needs `source`: the field to look up".to_owned();
            compiler.violation(options.at("source"), "missing_option", message);
            return None;
        };
        let target = target.unwrap_or(match options.ecs(compiler.environment) {
            EcsCompatibility::V8 => source,
            EcsCompatibility::Disabled => "translation",
        });
        let fallback = match options.text("fallback") {
            Some(fallback) => Some(compiler.template(fallback, &options.at("fallback"))?),
            None => None,
        };
        Some(Self {
            subject: Subject::compile(source, target, options, compiler)?,
            overrides: options.flag("override", target == source),
            in_place: target == source,
            fallback,
            dictionary: Dictionary::compile(options, compiler)?,
        })
    }

    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>) -> Applied<'a> {
        let result = match &self.subject {
            Subject::Value { source, target } => self.value(source, target, event),
            Subject::Values { source, target } => self.values(source, target, event),
            Subject::Objects {
                list,
                source,
                target,
            } => self.objects(list, source, target, event),
        };
        let applied = result.map(|found| match found {
            Some(matched) if matched || self.in_place => Applied::Matched,
            _ => Applied::Skipped,
        });
        Applied::from_result(applied, event)
    }

    /// What is looked up; `None` if there is nothing to do.
    fn present<'a>(
        &self,
        source: &FieldPath,
        target: &FieldPath,
        event: &Event<'a>,
    ) -> Option<Value<'a>> {
        let value = event.get(source);
        let kept = !self.overrides && !event.get(target).is_absent();
        (!value.is_absent() && !kept).then_some(value)
    }

    fn value<'a>(
        &'a self,
        source: &FieldPath,
        target: &FieldPath,
        event: &mut Event<'a>,
    ) -> Result<Option<bool>, FilterError> {
        let Some(value) = self.present(source, target, event) else {
            return Ok(None);
        };
        let first = match value {
            Value::Array(items) => items.first().copied().unwrap_or_default(),
            value => value,
        };
        let found = self.look_up(first, event)?;
        if let Some(found) = found {
            event.set(target, found)?;
        }
        Ok(Some(found.is_some()))
    }

    fn values<'a>(
        &'a self,
        source: &FieldPath,
        target: &FieldPath,
        event: &mut Event<'a>,
    ) -> Result<Option<bool>, FilterError> {
        let Some(list) = self.present(source, target, event) else {
            return Ok(None);
        };
        let mut all = BumpVec::new_in(event.bump);
        for item in super::common::array_of(list, event) {
            all.push(self.look_up(*item, event)?.unwrap_or(Value::Null));
        }
        let all = all.into_bump_slice();
        event.set(target, Value::Array(all))?;
        let any = all
            .iter()
            .any(|found| !matches!(found, Value::Null | Value::Bool(false)));
        Ok(Some(any))
    }

    fn objects<'a>(
        &'a self,
        list: &FieldPath,
        source: &FieldRef,
        target: &FieldRef,
        event: &mut Event<'a>,
    ) -> Result<Option<bool>, FilterError> {
        let Value::Array(items) = event.get(list) else {
            return Ok(Some(false));
        };
        let mut any = false;
        for (index, item) in items.iter().enumerate() {
            let inner = item.at(source.path());
            if inner.is_nil() {
                continue;
            }
            if let Some(found) = self.look_up(inner, event)? {
                let at = list.field.join(&FieldRef::top(&index.to_string()));
                event.set(&FieldPath::new(list.slot, at.join(target)), found)?;
                any = true;
            }
        }
        Ok(Some(any))
    }

    /// What the dictionary has for a value's text, or else the fallback.
    fn look_up<'a>(
        &'a self,
        value: Value<'a>,
        event: &Event<'a>,
    ) -> Result<Option<Value<'a>>, FilterError> {
        let found = self
            .dictionary
            .look_up(value.ruby_text(event.bump), event.bump)?;
        match (found, &self.fallback) {
            (None, Some(fallback)) => Ok(Some(Value::Str(fallback.render(event)?))),
            (found, _) => Ok(found),
        }
    }
}

impl Subject {
    fn compile(
        source: &str,
        target: &str,
        options: Options<'_>,
        compiler: &mut Compiler<'_>,
    ) -> Option<Self> {
        let (source_at, target_at) = (options.at("source"), options.at("target"));
        Some(match options.text("iterate_on") {
            None => Self::Value {
                source: compiler.field(source, &source_at)?,
                target: compiler.field(target, &target_at)?,
            },
            Some(list) if list == source => Self::Values {
                source: compiler.field(source, &source_at)?,
                target: compiler.field(target, &target_at)?,
            },
            Some(list) => Self::Objects {
                list: compiler.field(list, &options.at("iterate_on"))?,
                source: compiler.field(source, &source_at)?.field,
                target: compiler.field(target, &target_at)?.field,
            },
        })
    }
}

/// An option by its name or by its former name; both at once are refused.
fn either<'o>(
    name: &str,
    former: &str,
    options: Options<'o>,
    compiler: &mut Compiler<'_>,
) -> Option<&'o str> {
    if options.get(name).is_some() && options.get(former).is_some() {
        let message = format!("`{former}` is the former name of `{name}`; remove it");
        compiler.violation(options.at(former), "conflicting_options", message);
    }
    options.text(name).or_else(|| options.text(former))
}
