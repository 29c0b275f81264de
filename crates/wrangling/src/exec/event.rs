//! A record on its way through the program: fields in slots, the rest in an overflow list.

use std::collections::HashMap;

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use crate::field_ref::FieldRef;
use crate::layout::{Layout, METADATA, TAGS, TIMESTAMP};
use crate::value::{Member, Value, array_index};

/// Slot of a field that has none: it lives in the overflow list.
pub(crate) const NO_SLOT: usize = usize::MAX;
/// Overflow lists longer than this are indexed.
const INDEX_FROM: usize = 32;

/// A field reference with the slot of its top-level name.
#[derive(Debug, Clone)]
pub(crate) struct FieldPath {
    pub(crate) slot: usize,
    /// Whether the field lies inside of the top-level one.
    nested: bool,
    /// Whether the field is its slot, and any value may be set.
    plain: bool,
    pub(crate) field: FieldRef,
}

impl FieldPath {
    /// A reference whose top-level name has this slot.
    pub(crate) fn new(slot: usize, field: FieldRef) -> Self {
        let nested = !field.rest().is_empty();
        let plain = !nested && !matches!(slot, TIMESTAMP | TAGS | NO_SLOT);
        Self {
            slot,
            nested,
            plain,
            field,
        }
    }

    /// A reference made at run time.
    pub(crate) fn dynamic(field: FieldRef, layout: &Layout) -> Self {
        Self::new(layout.find(field.root()).unwrap_or(NO_SLOT), field)
    }
}

/// Why a field could not be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SetError {
    #[error("{0} cannot be set: {1} is neither an object nor an array")]
    NoContainer(String, String),
    #[error("{0} cannot be set: `{1}` is no index of the array")]
    NoIndex(String, String),
    #[error("@timestamp can only be set to a timestamp")]
    Timestamp,
    #[error("tags can only be set to a text or a list of texts")]
    Tags,
}

/// The first failure of a filter, for rejects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failure<'a> {
    pub(crate) step: &'a str,
    pub(crate) field: &'a str,
    pub(crate) message: &'a str,
}

/// One record's fields.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    pub(crate) bump: &'a Bump,
    pub(crate) layout: &'a Layout,
    slots: &'a mut [Value<'a>],
    extra: BumpVec<'a, Member<'a>>,
    extra_index: Option<HashMap<&'a str, usize>>,
    pub(crate) failure: Option<Failure<'a>>,
    /// Tells the events of one record apart: 0 for the first one.
    pub(crate) lineage: u64,
}

impl<'a> Event<'a> {
    pub(crate) fn new(bump: &'a Bump, layout: &'a Layout) -> Self {
        Self {
            bump,
            layout,
            slots: bump.alloc_slice_fill_copy(layout.len(), Value::Absent),
            extra: BumpVec::new_in(bump),
            extra_index: None,
            failure: None,
            lineage: 0,
        }
    }

    /// A copy that goes its own way, the `index`-th one made of this event.
    pub(crate) fn fork(&self, index: usize) -> Self {
        Self {
            bump: self.bump,
            layout: self.layout,
            slots: self.bump.alloc_slice_copy(self.slots),
            extra: self.extra.clone(),
            extra_index: self.extra_index.clone(),
            failure: self.failure,
            // odd multiplier of Knuth: copies of copies differ, too
            lineage: (self.lineage ^ (index as u64 + 1)).wrapping_mul(0x9E37_79B9_7F4A_7C15),
        }
    }

    /// The top-level field in `slot`.
    #[inline]
    pub(crate) fn slot(&self, slot: usize) -> Value<'a> {
        self.slots.get(slot).copied().unwrap_or_default()
    }

    /// Sets a top-level field without checks.
    #[inline]
    pub(crate) fn set_slot(&mut self, slot: usize, value: Value<'a>) {
        if let Some(place) = self.slots.get_mut(slot) {
            *place = value;
        }
    }

    /// The place of a field that any value may be put to; `None` for other fields.
    #[inline]
    pub(crate) fn place(&mut self, path: &FieldPath) -> Option<&mut Value<'a>> {
        if path.plain {
            self.slots.get_mut(path.slot)
        } else {
            None
        }
    }

    #[inline]
    pub(crate) fn get(&self, path: &FieldPath) -> Value<'a> {
        match self.slots.get(path.slot) {
            Some(value) if !path.nested => *value,
            Some(value) => value.at(path.field.rest()),
            None => self.extra_get(path.field.root()).at(path.field.rest()),
        }
    }

    #[inline]
    pub(crate) fn set(&mut self, path: &FieldPath, value: Value<'a>) -> Result<(), Box<SetError>> {
        if let Some(place) = self.place(path) {
            *place = value;
            return Ok(());
        }
        let value = if path.nested {
            with_nested(
                self.root(path),
                path.field.rest(),
                value,
                &path.field,
                self.bump,
            )?
        } else {
            value
        };
        self.set_root(path, value)
    }

    fn root(&self, path: &FieldPath) -> Value<'a> {
        match self.slots.get(path.slot) {
            Some(value) => *value,
            None => self.extra_get(path.field.root()),
        }
    }

    fn set_root(&mut self, path: &FieldPath, value: Value<'a>) -> Result<(), Box<SetError>> {
        admits(path.slot, value)?;
        match self.slots.get_mut(path.slot) {
            Some(place) => *place = value,
            None => self.extra_set(path.field.root(), value),
        }
        Ok(())
    }

    /// Removes a field and returns what it was.
    pub(crate) fn remove(&mut self, path: &FieldPath) -> Value<'a> {
        let value = self.get(path);
        if value.is_absent() {
            return value;
        }
        let rest = path.field.rest();
        let root = if rest.is_empty() {
            Value::Absent
        } else {
            without_nested(self.root(path), rest, self.bump)
        };
        match self.slots.get_mut(path.slot) {
            Some(place) => *place = root,
            None => self.extra_set(path.field.root(), root),
        }
        value
    }

    fn extra_position(&self, name: &str) -> Option<usize> {
        match &self.extra_index {
            Some(index) => index.get(name).copied(),
            None => self.extra.iter().position(|(known, _)| *known == name),
        }
    }

    fn extra_get(&self, name: &str) -> Value<'a> {
        self.extra_position(name)
            .and_then(|at| self.extra.get(at))
            .map_or(Value::Absent, |(_, value)| *value)
    }

    fn extra_set(&mut self, name: &str, value: Value<'a>) {
        match self.extra_position(name) {
            Some(at) => {
                if let Some(member) = self.extra.get_mut(at) {
                    member.1 = value;
                }
            }
            None if value.is_absent() => {}
            None => {
                let name: &'a str = self.bump.alloc_str(name);
                self.push_extra(name, value);
            }
        }
    }

    fn push_extra(&mut self, name: &'a str, value: Value<'a>) {
        self.extra.push((name, value));
        match &mut self.extra_index {
            Some(index) => {
                index.insert(name, self.extra.len() - 1);
            }
            None if self.extra.len() > INDEX_FROM => {
                self.extra_index = Some(
                    self.extra
                        .iter()
                        .enumerate()
                        .map(|(at, (name, _))| (*name, at))
                        .collect(),
                );
            }
            None => {}
        }
    }

    /// Sets a top-level field by a name from the input, which outlives the record.
    #[inline]
    pub(crate) fn set_named(&mut self, name: &'a str, value: Value<'a>) {
        match self.layout.find(name) {
            Some(slot) => self.set_slot(slot, value),
            None => match self.extra_position(name) {
                Some(_) => self.extra_set(name, value),
                None => self.push_extra(name, value),
            },
        }
    }

    /// As [`Self::set_named`], but the members of an object are added to those of an object that is there.
    pub(crate) fn merge_named(&mut self, name: &'a str, value: Value<'a>) {
        let known = match self.layout.find(name) {
            Some(slot) => self.slot(slot),
            None => self.extra_get(name),
        };
        let merged = match (known, value) {
            (Value::Object(known), Value::Object(added)) => {
                let kept = known
                    .iter()
                    .filter(|(name, _)| !added.iter().any(|(other, _)| other == name));
                let all = kept.chain(added).copied();
                Value::Object(BumpVec::from_iter_in(all, self.bump).into_bump_slice())
            }
            _ => value,
        };
        self.set_named(name, merged);
    }

    /// As [`Self::set_named`], trying `expected` first: records mostly have the same members in the same order. Returns the
    /// slot that is expected next.
    #[inline]
    pub(crate) fn set_next(&mut self, expected: usize, name: &'a str, value: Value<'a>) -> usize {
        if self.layout.name(expected) == name {
            self.set_slot(expected, value);
            return expected + 1;
        }
        match self.layout.find(name) {
            Some(slot) => {
                self.set_slot(slot, value);
                slot + 1
            }
            None => {
                self.set_named(name, value);
                expected
            }
        }
    }

    /// The names of the top-level fields that there are, without `@metadata`, which Logstash's filters do not see among them.
    pub(crate) fn names(&self) -> Vec<&'a str> {
        let metadata = self.layout.name(METADATA);
        let names = self.fields().map(|(name, _)| name);
        names.filter(|name| *name != metadata).collect()
    }

    /// The top-level fields that there are.
    pub(crate) fn fields(&self) -> impl Iterator<Item = Member<'a>> {
        let slots = self.slots.iter().enumerate();
        let named = slots.map(|(slot, value)| (self.layout.name(slot), *value));
        let all = named.chain(self.extra.iter().copied());
        all.filter(|(_, value)| !value.is_absent())
    }

    /// Whether a top-level field may have this value.
    pub(crate) fn admits(&self, name: &str, value: Value<'a>) -> Result<(), Box<SetError>> {
        admits(self.layout.find(name).unwrap_or(NO_SLOT), value)
    }

    /// Adds a tag unless the event has it.
    pub(crate) fn tag(&mut self, tag: &'a str) {
        let tags = self.tags();
        if !tags
            .iter()
            .any(|known| matches!(known, Value::Str(text) if *text == tag))
        {
            self.push_tags(tags, &[tag]);
        }
    }

    /// The tags as a list.
    pub(crate) fn tags(&self) -> &'a [Value<'a>] {
        match self.slot(TAGS) {
            Value::Array(tags) => tags,
            Value::Str(tag) => self.bump.alloc_slice_copy(&[Value::Str(tag)]),
            _ => &[],
        }
    }

    /// Sets the tags to `tags` and `added`.
    pub(crate) fn push_tags(&mut self, tags: &[Value<'a>], added: &[&'a str]) {
        let mut all = BumpVec::with_capacity_in(tags.len() + added.len(), self.bump);
        all.extend_from_slice(tags);
        all.extend(added.iter().map(|tag| Value::Str(tag)));
        self.set_slot(TAGS, Value::Array(all.into_bump_slice()));
    }

    /// Remembers the first failure.
    pub(crate) fn fail(&mut self, step: &'a str, field: &'a str, message: &'a str) {
        self.failure.get_or_insert(Failure {
            step,
            field,
            message,
        });
    }

    /// The fields, for the encoder: slots and overflow.
    pub(crate) fn into_parts(self) -> (&'a [Value<'a>], &'a [Member<'a>]) {
        (self.slots, self.extra.into_bump_slice())
    }

    /// The overflow list.
    pub(crate) fn extra(&self) -> &[Member<'a>] {
        &self.extra
    }

    /// Leaves out every field of the overflow list.
    pub(crate) fn clear_extra(&mut self) {
        self.extra.clear();
        self.extra_index = None;
    }

    pub(crate) fn slots(&self) -> &[Value<'a>] {
        self.slots
    }
}

fn admits(slot: usize, value: Value<'_>) -> Result<(), Box<SetError>> {
    match slot {
        TIMESTAMP if !matches!(value, Value::Time(_)) => Err(SetError::Timestamp.into()),
        TAGS if !is_tags(value) => Err(SetError::Tags.into()),
        _ => Ok(()),
    }
}

fn is_tags(value: Value<'_>) -> bool {
    match value {
        Value::Absent | Value::Str(_) => true,
        Value::Array(items) => items.iter().all(|item| matches!(item, Value::Str(_))),
        _ => false,
    }
}

/// `container` with `value` at `path`; objects on the way are made, arrays extended.
fn with_nested<'a>(
    container: Value<'a>,
    path: &[String],
    value: Value<'a>,
    field: &FieldRef,
    bump: &'a Bump,
) -> Result<Value<'a>, Box<SetError>> {
    let [key, rest @ ..] = path else {
        return Ok(value);
    };
    let value = with_nested(container.member(key), rest, value, field, bump)?;
    match container {
        Value::Absent | Value::Null => Ok(object_with(&[], key, value, bump)),
        Value::Object(members) => Ok(object_with(members, key, value, bump)),
        Value::Array(items) => {
            let index = match key.parse::<usize>() {
                Ok(index) if index <= items.len() + 1024 => index,
                _ => array_index(key, items.len())
                    .ok_or_else(|| Box::new(SetError::NoIndex(field.to_string(), key.clone())))?,
            };
            let mut all = BumpVec::with_capacity_in(items.len().max(index + 1), bump);
            all.extend_from_slice(items);
            if all.len() <= index {
                all.resize(index + 1, Value::Null);
            }
            if let Some(item) = all.get_mut(index) {
                *item = value;
            }
            Ok(Value::Array(all.into_bump_slice()))
        }
        scalar => Err(Box::new(SetError::NoContainer(
            field.to_string(),
            scalar.text(bump).to_owned(),
        ))),
    }
}

/// `members` with `key` set.
pub(crate) fn object_with<'a>(
    members: &[Member<'a>],
    key: &str,
    value: Value<'a>,
    bump: &'a Bump,
) -> Value<'a> {
    let mut all = BumpVec::with_capacity_in(members.len() + 1, bump);
    all.extend_from_slice(members);
    match all.iter_mut().find(|(name, _)| *name == key) {
        Some(member) => member.1 = value,
        None => all.push((&*bump.alloc_str(key), value)),
    }
    Value::Object(all.into_bump_slice())
}

/// `container` without what is at `path`, which must exist.
fn without_nested<'a>(container: Value<'a>, path: &[String], bump: &'a Bump) -> Value<'a> {
    let [key, rest @ ..] = path else {
        return Value::Absent;
    };
    let inner = if rest.is_empty() {
        Value::Absent
    } else {
        without_nested(container.member(key), rest, bump)
    };
    match container {
        Value::Object(members) => {
            let kept = members
                .iter()
                .filter_map(|(name, value)| match (*name == key, inner) {
                    (false, _) => Some((*name, *value)),
                    (true, Value::Absent) => None,
                    (true, inner) => Some((*name, inner)),
                });
            Value::Object(BumpVec::from_iter_in(kept, bump).into_bump_slice())
        }
        Value::Array(items) => {
            let index = array_index(key, items.len());
            let kept = items.iter().enumerate().filter_map(|(at, item)| {
                match (Some(at) == index, inner) {
                    (false, _) => Some(*item),
                    (true, Value::Absent) => None,
                    (true, inner) => Some(inner),
                }
            });
            Value::Array(BumpVec::from_iter_in(kept, bump).into_bump_slice())
        }
        other => other,
    }
}
