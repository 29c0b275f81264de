//! `de_dot`: gives fields names without dots.

use bumpalo::collections::Vec as BumpVec;

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::exec::{Event, FieldPath};
use crate::field_ref::FieldRef;
use crate::options::Options;
use crate::value::{Member, Value};

/// A compiled `de_dot` filter.
#[derive(Debug)]
pub(crate) struct DeDot {
    /// Empty for all top-level fields.
    fields: Vec<FieldPath>,
    separator: Box<str>,
    nested: bool,
    recursive: bool,
}

impl DeDot {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let separator = options.text("separator").unwrap_or("_");
        if separator.contains('.') {
            let message = "the separator must not hold a dot itself".to_owned();
            compiler.violation(options.at("separator"), "invalid_value", message);
            return None;
        }
        let at = options.at("fields");
        let fields = options.list("fields").unwrap_or_default();
        Some(Self {
            fields: fields
                .into_iter()
                .map(|field| compiler.field(field, &at))
                .collect::<Option<_>>()?,
            separator: separator.into(),
            nested: options.flag("nested", false),
            recursive: options.flag("recursive", false),
        })
    }

    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>) -> Applied<'a> {
        let result = self.try_apply(event).map(|()| Applied::Matched);
        Applied::from_result(result, event)
    }

    fn try_apply<'a>(&self, event: &mut Event<'a>) -> Result<(), FilterError> {
        if !self.fields.is_empty() {
            for path in &self.fields {
                let Some(last) = path.field.path().last() else {
                    continue;
                };
                if last.contains('.') {
                    self.rename(path, event)?;
                }
            }
            return Ok(());
        }
        for name in event.names() {
            let path = FieldPath::dynamic(FieldRef::top(name), event.layout);
            if self.recursive {
                let value = self.without_dots(event.get(&path), event);
                event.set(&path, value)?;
            }
            if name.contains('.') {
                self.rename(&path, event)?;
            }
        }
        Ok(())
    }

    /// Moves a field to its name without dots, in the container where it is.
    fn rename<'a>(&self, path: &FieldPath, event: &mut Event<'a>) -> Result<(), FilterError> {
        if event.get(path).is_absent() {
            return Ok(());
        }
        let value = event.remove(path);
        let names = path.field.path();
        let (last, above) = names
            .split_last()
            .map_or(("", names), |(last, above)| (last, above));
        let renamed = if self.nested {
            last.split('.').map(|part| format!("[{part}]")).collect()
        } else {
            format!("[{}]", last.replace('.', &self.separator))
        };
        let above: String = above.iter().map(|name| format!("[{name}]")).collect();
        let field = FieldRef::parse(&format!("{above}{renamed}"))?;
        Ok(event.set(&FieldPath::dynamic(field, event.layout), value)?)
    }

    /// A value in which no object has a name with a dot.
    fn without_dots<'a>(&self, value: Value<'a>, event: &Event<'a>) -> Value<'a> {
        match value {
            Value::Object(members) => {
                let member = |(name, value): &Member<'a>| -> Member<'a> {
                    let name = match name.contains('.') {
                        true => &*event.bump.alloc_str(&name.replace('.', &self.separator)),
                        false => name,
                    };
                    (name, self.without_dots(*value, event))
                };
                let members = members.iter().map(member);
                Value::Object(BumpVec::from_iter_in(members, event.bump).into_bump_slice())
            }
            Value::Array(items) => {
                let items = items.iter().map(|item| self.without_dots(*item, event));
                Value::Array(BumpVec::from_iter_in(items, event.bump).into_bump_slice())
            }
            other => other,
        }
    }
}
