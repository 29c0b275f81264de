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
    /// The only capture of a field, by its index.
    Field(usize),
    /// Captures of one field, in order: it may grow.
    Grown(Vec<usize>),
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
    /// values before it; `None` if it stays.
    pub(super) fn set<'a>(
        &'a self,
        event: &mut Event<'a>,
        value: impl Fn(&'a Capture, Value<'a>) -> Option<Value<'a>>,
    ) -> bool {
        if !event.slot(self.slot).is_absent() {
            return false;
        }
        if let Node::Members(members) = &self.root
            && let Some(built) = self.build(members, event, &value)
        {
            event.set_slot(self.slot, Value::Object(built));
        }
        true
    }

    /// The members that something was captured for; `None` if there are none.
    fn build<'a>(
        &'a self,
        members: &'a [(Box<str>, Node)],
        event: &Event<'a>,
        value: &impl Fn(&'a Capture, Value<'a>) -> Option<Value<'a>>,
    ) -> Option<&'a [Member<'a>]> {
        let capture = |index: &usize| self.captures.get(*index);
        let mut built: BumpVec<'a, Member<'a>> =
            BumpVec::with_capacity_in(members.len(), event.bump);
        for (key, node) in members {
            // values are pushed where they are made: a copy of one that was just written makes the processor wait
            match node {
                Node::Field(index) => {
                    if let Some(value) = capture(index).and_then(|c| value(c, Value::Absent)) {
                        built.push((key, value));
                    }
                }
                Node::Grown(indices) => {
                    let all = indices.iter().filter_map(capture);
                    let grown =
                        all.fold(Value::Absent, |known, c| value(c, known).unwrap_or(known));
                    if !grown.is_absent() {
                        built.push((key, grown));
                    }
                }
                Node::Members(members) => {
                    if let Some(members) = self.build(members, event, value) {
                        built.push((key, Value::Object(members)));
                    }
                }
            }
        }
        match built.is_empty() {
            true => None,
            false => Some(built.into_bump_slice()),
        }
    }
}

impl Node {
    fn insert(&mut self, path: &[String], index: usize) -> Option<()> {
        match (self, path) {
            (Self::Grown(indices), []) => indices.push(index),
            (node @ Self::Field(_), []) => {
                if let Self::Field(first) = *node {
                    *node = Self::Grown(vec![first, index]);
                }
            }
            (Self::Members(members), [key, rest @ ..]) => {
                match members.iter_mut().find(|(known, _)| **known == **key) {
                    Some((_, node)) => return node.insert(rest, index),
                    None => {
                        let mut node = Self::Field(index);
                        if !rest.is_empty() {
                            node = Self::Members(Vec::new());
                            node.insert(rest, index)?;
                        }
                        members.push((key.as_str().into(), node));
                    }
                }
            }
            _ => return None,
        }
        Some(())
    }
}
