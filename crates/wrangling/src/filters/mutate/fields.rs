//! mutate's operations on whole fields: coerce, rename, update, replace, merge, copy.

use bumpalo::collections::Vec as BumpVec;

use super::{FilterError, NewValue};
use crate::exec::{Event, FieldPath};
use crate::filters::common::array_of;
use crate::template::{Name, Template};
use crate::value::Value;

pub(super) fn coerce<'a>(
    path: &FieldPath,
    text: &'a Template,
    event: &mut Event<'a>,
) -> Result<(), FilterError> {
    if matches!(event.get(path), Value::Null) {
        let text = text.render(event)?;
        event.set(path, Value::Str(text))?;
    }
    Ok(())
}

/// Removes first, as Logstash does: a value that cannot be set at its new name is gone, and the failure is tagged.
pub(super) fn rename<'a>(
    from: &'a Name,
    to: &'a Name,
    event: &mut Event<'a>,
) -> Result<(), FilterError> {
    let value = from.with(event, |event, path| event.remove(path))?;
    if value.is_absent() {
        return Ok(());
    }
    Ok(to.with(event, |event, path| event.set(path, value))??)
}

impl NewValue {
    fn render<'a>(&'a self, event: &Event<'a>) -> Result<Value<'a>, FilterError> {
        match self {
            Self::Text(text) => Ok(Value::Str(text.render(event)?)),
            Self::List(texts) => {
                let mut items = BumpVec::with_capacity_in(texts.len(), event.bump);
                for text in texts {
                    items.push(Value::Str(text.render(event)?));
                }
                Ok(Value::Array(items.into_bump_slice()))
            }
        }
    }
}

pub(super) fn update<'a>(
    path: &FieldPath,
    value: &'a NewValue,
    event: &mut Event<'a>,
) -> Result<(), FilterError> {
    if event.get(path).is_absent() {
        Ok(())
    } else {
        replace(path, value, event)
    }
}

pub(super) fn replace<'a>(
    path: &FieldPath,
    value: &'a NewValue,
    event: &mut Event<'a>,
) -> Result<(), FilterError> {
    let value = value.render(event)?;
    Ok(event.set(path, value)?)
}

/// Objects merge by member, everything else as lists; an object and a list do not merge. Lists and objects grow from source
/// to source; a destination that is a single value begins anew with each.
pub(super) fn merge<'a>(
    to: &FieldPath,
    sources: &[FieldPath],
    event: &mut Event<'a>,
) -> Result<(), FilterError> {
    let mut present = event.get(to);
    for from in sources {
        let merged = match (present, event.get(from)) {
            (Value::Object(members), Value::Object(more)) => {
                let mut all = BumpVec::from_iter_in(members.iter().copied(), event.bump);
                for (name, value) in more {
                    match all.iter_mut().find(|member| member.0 == *name) {
                        Some(member) => member.1 = *value,
                        None => all.push((name, *value)),
                    }
                }
                Value::Object(all.into_bump_slice())
            }
            (Value::Object(_), _) | (_, Value::Object(_)) => continue,
            (present, added) => {
                let both = array_of(present, event)
                    .iter()
                    .chain(array_of(added, event))
                    .copied();
                Value::Array(BumpVec::from_iter_in(both, event.bump).into_bump_slice())
            }
        };
        if matches!(present, Value::Array(_) | Value::Object(_)) {
            present = merged;
        }
        event.set(to, merged)?;
    }
    Ok(())
}

pub(super) fn copy<'a>(
    from: &FieldPath,
    to: &FieldPath,
    event: &mut Event<'a>,
) -> Result<(), FilterError> {
    match event.get(from) {
        Value::Absent | Value::Null => Ok(()),
        value => Ok(event.set(to, value)?),
    }
}
