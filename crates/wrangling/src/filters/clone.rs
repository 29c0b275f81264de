//! `clone`: copies of an event, which go on beside it.

use super::Common;
use crate::compile::Compiler;
use crate::environment::EcsCompatibility;
use crate::exec::{Event, FieldPath};
use crate::field_ref::FieldRef;
use crate::options::Options;
use crate::value::Value;

/// A compiled clone filter.
#[derive(Debug)]
pub(crate) struct Clone {
    clones: Vec<Box<str>>,
    /// The field that says which clone it is; with the schema's names that is a tag.
    field: Option<FieldPath>,
}

impl Clone {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let Some(clones) = options.list("clones") else {
            let message = "clone needs `clones`: a name for each copy".to_owned();
            compiler.violation(options.at("clones"), "missing_option", message);
            return None;
        };
        let field = match options.ecs(compiler.environment) {
            EcsCompatibility::V8 => None,
            EcsCompatibility::Disabled => Some(compiler.path(FieldRef::top("type"))),
        };
        Some(Self {
            clones: clones.into_iter().map(Into::into).collect(),
            field,
        })
    }

    /// The event and its copies, to which the common options apply.
    pub(super) fn run<'a>(
        &'a self,
        event: Event<'a>,
        common: &'a Common,
        step: &'a str,
    ) -> Vec<Event<'a>> {
        let mut all = Vec::with_capacity(self.clones.len() + 1);
        for (index, name) in self.clones.iter().enumerate() {
            let mut clone = event.fork(index);
            match &self.field {
                Some(field) => {
                    if let Some(place) = clone.place(field) {
                        *place = Value::Str(name);
                    }
                }
                None => clone.tag(name),
            }
            common.decorate(&mut clone, step);
            all.push(clone);
        }
        all.insert(0, event);
        all
    }
}
