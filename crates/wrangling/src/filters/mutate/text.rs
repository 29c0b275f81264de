//! mutate's operations on texts: gsub, uppercase, capitalize, lowercase, strip, split, join.

use std::borrow::Cow;

use bumpalo::Bump;
use bumpalo::collections::{String as BumpString, Vec as BumpVec};
use regex::{Captures, Regex};

use super::FilterError;
use crate::compile::Compiler;
use crate::exec::{Event, FieldPath};
use crate::regexes;
use crate::template::Template;
use crate::value::Value;

/// How letters change.
#[derive(Debug, Clone, Copy)]
pub(super) enum Case {
    Upper,
    Lower,
    /// The first letter upper, the others lower.
    Capital,
}

/// A compiled gsub triple.
#[derive(Debug)]
pub(super) struct Gsub {
    expression: Expression,
    replacement: Template,
}

#[derive(Debug)]
enum Expression {
    Constant(Regex),
    /// The expression depends on the event.
    Template(Template),
}

impl Gsub {
    pub(super) fn compile(
        expression: &str,
        replacement: &str,
        at: &str,
        compiler: &mut Compiler<'_>,
    ) -> Option<Self> {
        let replacement = compiler.template(replacement, at)?;
        let expression = if expression.contains("%{") {
            Expression::Template(compiler.template(expression, at)?)
        } else {
            match regexes::compile(expression) {
                Ok(regex) => Expression::Constant(regex),
                Err(reason) => {
                    compiler.violation(at.to_owned(), "invalid_regex", reason);
                    return None;
                }
            }
        };
        Some(Self {
            expression,
            replacement,
        })
    }

    pub(super) fn apply<'a>(
        &'a self,
        path: &FieldPath,
        event: &mut Event<'a>,
    ) -> Result<(), FilterError> {
        if !matches!(event.get(path), Value::Str(_) | Value::Array(_)) {
            return Ok(());
        }
        let regex = match &self.expression {
            Expression::Constant(regex) => Cow::Borrowed(regex),
            Expression::Template(template) => {
                let source = template.render(event)?;
                let error = |message| FilterError::value(path.field.to_string(), message);
                Cow::Owned(regexes::compile(source).map_err(error)?)
            }
        };
        let replacement = self.replacement.render(event)?;
        map_texts(path, event, |text, bump| {
            match regex.replace_all(text, |found: &Captures<'_>| expand(replacement, found)) {
                Cow::Borrowed(_) => text,
                Cow::Owned(changed) => bump.alloc_str(&changed),
            }
        })
    }
}

/// Ruby's replacement text: `\0` the match, `\1` a group, `\k<name>` a named group, `\\` a backslash.
fn expand(replacement: &str, found: &Captures<'_>) -> String {
    let mut out = String::with_capacity(replacement.len());
    let mut rest = replacement;
    while let Some(at) = rest.find('\\') {
        out.push_str(rest.get(..at).unwrap_or_default());
        let tail = rest.get(at + 1..).unwrap_or_default();
        let mut chars = tail.chars();
        rest = match chars.next() {
            Some(digit @ '0'..='9') => {
                let group = found.get(digit as usize - '0' as usize);
                out.push_str(group.map_or("", |group| group.as_str()));
                chars.as_str()
            }
            Some('&') => {
                out.push_str(found.get(0).map_or("", |group| group.as_str()));
                chars.as_str()
            }
            Some('k') => match chars
                .as_str()
                .strip_prefix('<')
                .and_then(|name| name.split_once('>'))
            {
                Some((name, after)) => {
                    out.push_str(found.name(name).map_or("", |group| group.as_str()));
                    after
                }
                None => {
                    out.push_str("\\k");
                    chars.as_str()
                }
            },
            Some('\\') => {
                out.push('\\');
                chars.as_str()
            }
            _ => {
                out.push('\\');
                tail
            }
        };
    }
    out.push_str(rest);
    out
}

/// Changes a text, or the texts of a list.
fn map_texts<'a>(
    path: &FieldPath,
    event: &mut Event<'a>,
    change: impl Fn(&'a str, &'a Bump) -> &'a str,
) -> Result<(), FilterError> {
    let bump = event.bump;
    let changed = match event.get(path) {
        Value::Str(text) => Value::Str(change(text, bump)),
        Value::Array(items) => {
            let each = items.iter().map(|item| match item {
                Value::Str(text) => Value::Str(change(text, bump)),
                other => *other,
            });
            Value::Array(BumpVec::from_iter_in(each, bump).into_bump_slice())
        }
        _ => return Ok(()),
    };
    Ok(event.set(path, changed)?)
}

pub(super) fn change_case(
    path: &FieldPath,
    case: Case,
    event: &mut Event<'_>,
) -> Result<(), FilterError> {
    map_texts(path, event, |text, bump| {
        let mut out = BumpString::with_capacity_in(text.len(), bump);
        match case {
            Case::Upper => text.chars().for_each(|c| out.extend(c.to_uppercase())),
            Case::Lower => text.chars().for_each(|c| out.extend(c.to_lowercase())),
            Case::Capital => {
                let mut chars = text.chars();
                chars
                    .by_ref()
                    .take(1)
                    .for_each(|c| out.extend(c.to_uppercase()));
                chars.for_each(|c| out.extend(c.to_lowercase()));
            }
        }
        out.into_bump_str()
    })
}

/// Removes ASCII white space at both ends, and NUL at the end, as Ruby's `strip`.
pub(super) fn strip(path: &FieldPath, event: &mut Event<'_>) -> Result<(), FilterError> {
    let space = |c: char| matches!(c, '\t'..='\r' | ' ');
    map_texts(path, event, |text, _| {
        text.trim_start_matches(space)
            .trim_end_matches(|c| space(c) || c == '\0')
    })
}

/// Ruby's `split`: empty parts at the end go; an empty separator splits characters, a space splits words.
pub(super) fn split(
    path: &FieldPath,
    separator: &str,
    event: &mut Event<'_>,
) -> Result<(), FilterError> {
    let Value::Str(text) = event.get(path) else {
        return Ok(());
    };
    let mut parts = BumpVec::new_in(event.bump);
    match separator {
        "" => parts.extend(
            text.char_indices()
                .filter_map(|(at, c)| text.get(at..at + c.len_utf8()).map(Value::Str)),
        ),
        " " => parts.extend(text.split_ascii_whitespace().map(Value::Str)),
        _ => parts.extend(text.split(separator).map(Value::Str)),
    }
    while matches!(parts.last(), Some(Value::Str(""))) {
        parts.pop();
    }
    Ok(event.set(path, Value::Array(parts.into_bump_slice()))?)
}

pub(super) fn join(
    path: &FieldPath,
    separator: &str,
    event: &mut Event<'_>,
) -> Result<(), FilterError> {
    let Value::Array(items) = event.get(path) else {
        return Ok(());
    };
    let mut text = BumpString::new_in(event.bump);
    join_into(items, separator, &mut text, event.bump);
    Ok(event.set(path, Value::Str(text.into_bump_str()))?)
}

fn join_into<'a>(items: &[Value<'a>], separator: &str, text: &mut BumpString<'a>, bump: &'a Bump) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push_str(separator);
        }
        match item {
            Value::Array(inner) => join_into(inner, separator, text, bump),
            other => text.push_str(other.ruby_text(bump)),
        }
    }
}
