//! `de_dot`: gives fields names without dots.

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::exec::{Event, FieldPath};
use crate::field_ref::FieldRef;
use crate::options::Options;
use crate::value::Value;

/// A compiled `de_dot` filter.
#[derive(Debug)]
pub(crate) struct DeDot {
    /// All top-level fields if there is no list.
    fields: Option<Vec<FieldRef>>,
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
        let fields = match options.list("fields") {
            Some(fields) => {
                let fields = fields.into_iter();
                let refs = fields.map(|field| Some(compiler.field(field, &at)?.field));
                Some(refs.collect::<Option<_>>()?)
            }
            None => None,
        };
        Some(Self {
            fields,
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
        match &self.fields {
            Some(fields) => {
                for field in fields {
                    let path = FieldPath::dynamic(field.clone(), event.layout);
                    if !event.get(&path).is_absent() {
                        self.rename(field.path().to_vec(), event)?;
                    }
                }
            }
            None => {
                for name in event.names() {
                    self.rename(vec![name.to_owned()], event)?;
                }
            }
        }
        Ok(())
    }

    /// Moves a field to its name without dots, in any of the containers above it, too; then the fields in it if those are
    /// wanted.
    fn rename<'a>(&self, names: Vec<String>, event: &mut Event<'a>) -> Result<(), FilterError> {
        let mut current = names;
        if let Some(first) = current.iter().position(|name| name.contains('.')) {
            let renamed: Vec<String> = current
                .iter()
                .flat_map(|name| self.without_dots(name))
                .collect();
            let value = match event.get(&path(&current, event)?) {
                Value::Absent => Value::Null,
                value => value,
            };
            event.set(&path(&renamed, event)?, value)?;
            current.truncate(first + 1);
            event.remove(&path(&current, event)?);
            current = renamed;
        }
        if !self.recursive {
            return Ok(());
        }
        if let Value::Object(members) = event.get(&path(&current, event)?) {
            for (name, _) in members {
                let mut inner = current.clone();
                inner.push((*name).to_owned());
                self.rename(inner, event)?;
            }
        }
        Ok(())
    }

    /// A name without dots, or the names that it becomes.
    fn without_dots(&self, name: &str) -> Vec<String> {
        match self.nested {
            true => name.split('.').map(str::to_owned).collect(),
            false => vec![name.replace('.', &self.separator)],
        }
    }
}

fn path<'a>(names: &[String], event: &Event<'a>) -> Result<FieldPath, FilterError> {
    let text: String = names.iter().map(|name| format!("[{name}]")).collect();
    Ok(FieldPath::dynamic(FieldRef::parse(&text)?, event.layout))
}
