//! `prune`: keeps or removes top-level fields by their names or values.

use super::expression::Expression;
use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::exec::{Event, FieldPath};
use crate::field_ref::FieldRef;
use crate::options::Options;
use crate::regexes::{GaveUp, Regex};
use crate::template::Template;
use crate::value::Value;

/// A compiled prune filter.
#[derive(Debug)]
pub(crate) struct Prune {
    whitelist_names: Vec<Expression>,
    blacklist_names: Vec<Expression>,
    whitelist_values: Vec<(Key, Expression)>,
    blacklist_values: Vec<(Key, Expression)>,
}

/// A top-level name, whatever characters it has.
#[derive(Debug)]
enum Key {
    Fixed(FieldPath),
    Made(Template),
}

/// Names that are sprintf references to fields that were not there.
const UNRESOLVED: &str = r"%\{[^}]+\}";

impl Prune {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let interpolate = options.flag("interpolate", false);
        let expression = |source: &str, option: &str, compiler: &mut Compiler<'_>| {
            let at = options.at(option);
            match interpolate {
                true => Expression::compile(source, &at, compiler),
                false => compiler.regex(source, &at).map(Expression::Fixed),
            }
        };
        let names = |option: &str, default: &[&'static str], compiler: &mut Compiler<'_>| {
            let sources = options.list(option).unwrap_or_else(|| default.to_vec());
            let compile = |source| expression(source, option, compiler);
            sources.into_iter().map(compile).collect::<Option<Vec<_>>>()
        };
        let values = |option: &str, compiler: &mut Compiler<'_>| {
            let pairs = options.text_pairs(option).into_iter();
            let compile = |(name, source): (&str, &str)| {
                let key = match interpolate && name.contains("%{") {
                    true => Key::Made(compiler.template(name, &options.at(option))?),
                    false => Key::Fixed(compiler.path(FieldRef::top(name))),
                };
                Some((key, expression(source, option, compiler)?))
            };
            pairs.map(compile).collect::<Option<Vec<_>>>()
        };
        Some(Self {
            whitelist_names: names("whitelist_names", &[], compiler)?,
            blacklist_names: names("blacklist_names", &[UNRESOLVED], compiler)?,
            whitelist_values: values("whitelist_values", compiler)?,
            blacklist_values: values("blacklist_values", compiler)?,
        })
    }

    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>) -> Applied<'a> {
        let result = self.try_apply(event).map(|()| Applied::Matched);
        Applied::from_result(result, event)
    }

    /// Decides everything first, since names and expressions may refer to fields that go.
    fn try_apply<'a>(&'a self, event: &mut Event<'a>) -> Result<(), FilterError> {
        let mut changes = Vec::new();
        for name in event.names() {
            let kept = (self.whitelist_names.is_empty()
                || any(&self.whitelist_names, name, event)?)
                && !any(&self.blacklist_names, name, event)?;
            if !kept {
                let path = FieldPath::dynamic(FieldRef::top(name), event.layout);
                changes.push((path, Value::Absent));
            }
        }
        let lists = [
            (&self.whitelist_values, true),
            (&self.blacklist_values, false),
        ];
        for (list, keeps_matches) in lists {
            for (key, expression) in list {
                let path = key.path(event)?;
                let regex = expression.regex(event)?;
                let value = event.get(&path);
                if let Some(pruned) = pruned(value, &regex, keeps_matches, event)? {
                    changes.push((path, pruned));
                }
            }
        }
        for (path, value) in changes {
            match value {
                Value::Absent => {
                    event.remove(&path);
                }
                Value::Array(kept) => {
                    let place = event.place(&path).filter(|place| !place.is_absent());
                    if let Some(place) = place {
                        *place = Value::Array(kept);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Key {
    fn path<'a>(&'a self, event: &Event<'a>) -> Result<FieldPath, FilterError> {
        Ok(match self {
            Self::Fixed(path) => path.clone(),
            Self::Made(template) => {
                FieldPath::dynamic(FieldRef::top(template.render(event)?), event.layout)
            }
        })
    }
}

fn any<'a>(list: &'a [Expression], name: &str, event: &Event<'a>) -> Result<bool, FilterError> {
    for expression in list {
        if expression.regex(event)?.is_match(name)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What becomes of a value: nothing if its text does not match (or does), the list without such items, or no change (`None`).
fn pruned<'a>(
    value: Value<'a>,
    regex: &Regex,
    keeps_matches: bool,
    event: &Event<'a>,
) -> Result<Option<Value<'a>>, GaveUp> {
    let kept = |value: Value<'a>| Ok(regex.is_match(value.text(event.bump))? == keeps_matches);
    match value {
        Value::Absent | Value::Null | Value::Bool(false) => Ok(None),
        Value::Array(items) => {
            let mut all = bumpalo::collections::Vec::new_in(event.bump);
            for item in items {
                if kept(*item)? {
                    all.push(*item);
                }
            }
            Ok(match all.len() {
                len if len == items.len() => None,
                0 => Some(Value::Absent),
                _ => Some(Value::Array(all.into_bump_slice())),
            })
        }
        value => Ok((!kept(value)?).then_some(Value::Absent)),
    }
}
