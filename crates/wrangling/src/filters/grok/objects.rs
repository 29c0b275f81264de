//! Captures that lie in objects: an object is built at once with all that a match captures for it, instead of anew for each
//! field.

use bumpalo::collections::Vec as BumpVec;

use super::pattern::Capture;
use crate::exec::Event;
use crate::layout::{TAGS, TIMESTAMP};
use crate::value::{Member, Value};

/// The captures of a pattern, by where they go.
#[derive(Debug)]
pub(super) struct Arranged {
    /// Those that are stored one by one.
    pub(super) single: Vec<Capture>,
    pub(super) objects: Vec<Object>,
}

/// A top-level object with the captures inside.
#[derive(Debug)]
pub(super) struct Object {
    slot: usize,
    root: Node,
    /// What it holds, in order, for an event that has such a field already.
    pub(super) captures: Vec<Capture>,
}

#[derive(Debug)]
enum Node {
    /// Indices of captures of one field.
    Field(Vec<usize>),
    Members(Vec<(Box<str>, Node)>),
}

impl Arranged {
    pub(super) fn new(captures: Vec<Capture>) -> Self {
        let mut arranged = Self {
            single: Vec::new(),
            objects: Vec::new(),
        };
        for capture in captures {
            let slot = capture.path.slot;
            let nested = !capture.path.field.rest().is_empty();
            match arranged.objects.iter_mut().find(|o| o.slot == slot) {
                Some(object) => object.captures.push(capture),
                None if nested && !matches!(slot, TIMESTAMP | TAGS) => {
                    arranged.objects.push(Object {
                        slot,
                        root: Node::Members(Vec::new()),
                        captures: vec![capture],
                    });
                }
                None => arranged.single.push(capture),
            }
        }
        for mut object in std::mem::take(&mut arranged.objects) {
            let shared = arranged.single.iter().any(|c| c.path.slot == object.slot);
            match object.plan() {
                Some(()) if !shared => arranged.objects.push(object),
                _ => arranged.single.append(&mut object.captures),
            }
        }
        arranged
    }
}

#[cfg(test)]
impl Arranged {
    /// Every capture.
    pub(super) fn all(&self) -> impl Iterator<Item = &Capture> {
        let inside = self.objects.iter().flat_map(|object| &object.captures);
        self.single.iter().chain(inside)
    }
}

impl Object {
    /// Arranges the captures; `None` if one is a field where another needs an object.
    fn plan(&mut self) -> Option<()> {
        for (index, capture) in self.captures.iter().enumerate() {
            self.root.insert(capture.path.field.rest(), index)?;
        }
        Some(())
    }

    /// Sets the object in an event that has no such field; false if it has. `value` gives what a field becomes, from the
    /// values before it.
    pub(super) fn set<'a>(
        &'a self,
        event: &mut Event<'a>,
        value: impl Fn(&'a Capture, Value<'a>) -> Value<'a>,
    ) -> bool {
        if !event.slot(self.slot).is_absent() {
            return false;
        }
        let object = self.root.build(self, event, &value);
        event.set_slot(self.slot, object);
        true
    }
}

impl Node {
    fn insert(&mut self, path: &[String], index: usize) -> Option<()> {
        match (self, path) {
            (Self::Field(indices), []) => indices.push(index),
            (Self::Members(members), [key, rest @ ..]) => {
                match members.iter_mut().find(|(known, _)| **known == **key) {
                    Some((_, node)) => return node.insert(rest, index),
                    None => {
                        let mut node = match rest {
                            [] => Self::Field(Vec::new()),
                            _ => Self::Members(Vec::new()),
                        };
                        node.insert(rest, index)?;
                        members.push((key.as_str().into(), node));
                    }
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// The value, absent if nothing was captured for it.
    fn build<'a>(
        &'a self,
        object: &'a Object,
        event: &Event<'a>,
        value: &impl Fn(&'a Capture, Value<'a>) -> Value<'a>,
    ) -> Value<'a> {
        match self {
            Self::Field(indices) => indices
                .iter()
                .filter_map(|index| object.captures.get(*index))
                .fold(Value::Absent, |known, capture| value(capture, known)),
            Self::Members(members) => {
                let mut built: BumpVec<'a, Member<'a>> =
                    BumpVec::with_capacity_in(members.len(), event.bump);
                for (key, node) in members {
                    let member = node.build(object, event, value);
                    if !member.is_absent() {
                        built.push((key, member));
                    }
                }
                match built.is_empty() {
                    true => Value::Absent,
                    false => Value::Object(built.into_bump_slice()),
                }
            }
        }
    }
}
