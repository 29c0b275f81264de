//! `prune`: keeps or removes top-level fields by their names or values.

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::exec::{Event, FieldPath};
use crate::field_ref::FieldRef;
use crate::options::Options;
use crate::regexes::{GaveUp, Regex};
use crate::value::Value;

/// A compiled prune filter.
#[derive(Debug)]
pub(crate) struct Prune {
    whitelist_names: Vec<Regex>,
    blacklist_names: Vec<Regex>,
    whitelist_values: Vec<(FieldPath, Regex)>,
    blacklist_values: Vec<(FieldPath, Regex)>,
}

/// Names that are sprintf references to fields that were not there.
const UNRESOLVED: &str = r"%\{[^}]+\}";

impl Prune {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        if options.flag("interpolate", false) {
            let message = "expressions are compiled once; compare in a conditional instead";
            let at = options.at("interpolate");
            compiler.violation(at, "unsupported_option", message.to_owned());
        }
        let names = |option: &str, default: &[&'static str], compiler: &mut Compiler<'_>| {
            let sources = options.list(option).unwrap_or_else(|| default.to_vec());
            let compile = |source| compiler.regex(source, &options.at(option));
            sources.into_iter().map(compile).collect::<Option<Vec<_>>>()
        };
        let values = |option: &str, compiler: &mut Compiler<'_>| {
            let pairs = options.text_pairs(option).into_iter();
            pairs
                .map(|(field, source)| {
                    let regex = compiler.regex(source, &options.at(option))?;
                    Some((compiler.field(field, &options.at(option))?, regex))
                })
                .collect::<Option<Vec<_>>>()
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

    fn try_apply<'a>(&'a self, event: &mut Event<'a>) -> Result<(), FilterError> {
        for name in event.names() {
            let kept = (self.whitelist_names.is_empty() || any(&self.whitelist_names, name)?)
                && !any(&self.blacklist_names, name)?;
            if !kept {
                event.remove(&FieldPath::dynamic(FieldRef::top(name), event.layout));
            }
        }
        let lists = [
            (&self.whitelist_values, true),
            (&self.blacklist_values, false),
        ];
        for (list, keeps_matches) in lists {
            for (path, regex) in list {
                prune_values(path, regex, keeps_matches, event)?;
            }
        }
        Ok(())
    }
}

fn any(list: &[Regex], name: &str) -> Result<bool, GaveUp> {
    for regex in list {
        if regex.is_match(name)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes a field, or items of its list, whose text does not match (or does).
fn prune_values<'a>(
    path: &FieldPath,
    regex: &Regex,
    keeps_matches: bool,
    event: &mut Event<'a>,
) -> Result<(), GaveUp> {
    let kept = |value: Value<'a>, event: &Event<'a>| {
        Ok(regex.is_match(value.text(event.bump))? == keeps_matches)
    };
    match event.get(path) {
        Value::Absent => {}
        Value::Array(items) => {
            let mut all = bumpalo::collections::Vec::new_in(event.bump);
            for item in items {
                if kept(*item, event)? {
                    all.push(*item);
                }
            }
            if all.is_empty() {
                event.remove(path);
            } else if let Some(place) = event.place(path) {
                *place = Value::Array(all.into_bump_slice());
            }
        }
        value if kept(value, event)? => {}
        _ => {
            event.remove(path);
        }
    }
    Ok(())
}
