//! Options that every filter has; they apply when the filter matched: add_field, remove_field, add_tag, remove_tag.

use bumpalo::collections::Vec as BumpVec;

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::exec::{Event, FieldPath};
use crate::field_ref::InvalidFieldRef;
use crate::layout::TAGS;
use crate::options::Options;
use crate::template::{Name, Template};
use crate::value::{Member, Value};

/// The compiled common options.
#[derive(Debug, Default)]
pub(crate) struct Common {
    add_fields: Vec<(Name, Vec<Template>)>,
    remove_fields: Vec<Name>,
    add_tags: Vec<Template>,
    remove_tags: Vec<Template>,
    nothing: bool,
}

impl Common {
    pub(crate) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Self {
        let add_fields: Vec<_> = options
            .pairs("add_field")
            .into_iter()
            .filter_map(|(name, values)| {
                let at = options.at("add_field");
                let values = values
                    .into_iter()
                    .filter_map(|value| compiler.template(value, &at))
                    .collect();
                Some((compiler.name(name, &at)?, values))
            })
            .collect();
        let remove_fields: Vec<_> = options
            .list("remove_field")
            .unwrap_or_default()
            .into_iter()
            .filter_map(|name| compiler.name(name, &options.at("remove_field")))
            .collect();
        let mut tags = |option: &str| -> Vec<_> {
            let tags = options.list(option).unwrap_or_default();
            tags.into_iter()
                .filter_map(|tag| compiler.template(tag, &options.at(option)))
                .collect()
        };
        let (add_tags, remove_tags) = (tags("add_tag"), tags("remove_tag"));
        let nothing = add_fields.is_empty()
            && remove_fields.is_empty()
            && add_tags.is_empty()
            && remove_tags.is_empty();
        Self {
            add_fields,
            remove_fields,
            add_tags,
            remove_tags,
            nothing,
        }
    }

    #[inline]
    pub(crate) fn apply<'a>(&'a self, event: &mut Event<'a>) -> Applied<'a> {
        if self.nothing {
            return Applied::Matched;
        }
        let result = self.try_apply(event).map(|()| Applied::Matched);
        Applied::from_result(result, event)
    }

    /// As [`Self::apply`], for an event that a filter has made.
    pub(super) fn decorate<'a>(&'a self, event: &mut Event<'a>, step: &'a str) {
        if let Applied::Failed { field, message } = self.apply(event) {
            event.fail(step, field, message);
        }
    }

    fn try_apply<'a>(&'a self, event: &mut Event<'a>) -> Result<(), FilterError> {
        for (name, values) in &self.add_fields {
            for value in values {
                let text = Value::Str(value.render(event)?);
                name.with(event, |event, path| add_value(event, path, text))??;
            }
        }
        for name in &self.remove_fields {
            name.with(event, |event, path| event.remove(path))?;
        }
        if !self.add_tags.is_empty() {
            let added = self
                .add_tags
                .iter()
                .map(|tag| tag.render(event))
                .collect::<Result<Vec<_>, InvalidFieldRef>>()?;
            let tags = event.tags();
            event.push_tags(tags, &added);
        }
        for tag in &self.remove_tags {
            let tag = tag.render(event)?;
            if !event.slot(TAGS).is_nil() {
                let kept = event
                    .tags()
                    .iter()
                    .copied()
                    .filter(|known| !matches!(known, Value::Str(text) if *text == tag));
                let kept = BumpVec::from_iter_in(kept, event.bump).into_bump_slice();
                event.set_slot(TAGS, Value::Array(kept));
            }
        }
        Ok(())
    }
}

/// Sets a field, or appends to it if it is there.
fn add_value<'a>(
    event: &mut Event<'a>,
    path: &FieldPath,
    value: Value<'a>,
) -> Result<(), FilterError> {
    let present = event.get(path);
    if present.is_absent() {
        return Ok(event.set(path, value)?);
    }
    let mut all = BumpVec::new_in(event.bump);
    all.extend_from_slice(array_of(present, event));
    all.push(value);
    Ok(event.set(path, Value::Array(all.into_bump_slice()))?)
}

/// Ruby's `Array(value)`: nil is empty, an object a list of pairs, a scalar a list of one.
pub(super) fn array_of<'a>(value: Value<'a>, event: &Event<'a>) -> &'a [Value<'a>] {
    match value {
        Value::Absent | Value::Null => &[],
        Value::Array(items) => items,
        Value::Object(members) => {
            let pair = |(name, value): &Member<'a>| {
                let pair: &'a [Value<'a>] =
                    event.bump.alloc_slice_copy(&[Value::Str(name), *value]);
                Value::Array(pair)
            };
            BumpVec::from_iter_in(members.iter().map(pair), event.bump).into_bump_slice()
        }
        scalar => event.bump.alloc_slice_copy(&[scalar]),
    }
}
