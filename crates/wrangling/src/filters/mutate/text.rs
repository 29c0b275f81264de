//! mutate's operations on texts: gsub, uppercase, capitalize, lowercase, strip, split, join.

use bumpalo::Bump;
use bumpalo::collections::{String as BumpString, Vec as BumpVec};

use super::FilterError;
use crate::compile::Compiler;
use crate::exec::{Event, FieldPath};
use crate::filters::expression::Expression;
use crate::regexes::Groups;
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

impl Gsub {
    pub(super) fn compile(
        expression: &str,
        replacement: &str,
        at: &str,
        compiler: &mut Compiler<'_>,
    ) -> Option<Self> {
        let replacement = compiler.template(replacement, at)?;
        let expression = Expression::compile(expression, at, compiler)?;
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
        let regex = self.expression.regex(event)?;
        let replacement = self.replacement.render(event)?;
        map_texts(path, event, |text, bump| {
            let changed = regex.replace_all(text, bump, |found, out| {
                expand(replacement, regex.names(), found, out).map_err(|name| {
                    let message = format!("`{replacement}` refers to `{name}`, which is no group");
                    FilterError::value(path.field.to_string(), message)
                })
            })?;
            Ok(changed.map_or(text, |changed| bump.alloc_str(&changed)))
        })
    }
}

/// Appends Ruby's replacement text: `\0` and `\&` are the match, `\1` a group, `\+` the last group, `` \` `` and `\'` what is
/// before and after, `\k<name>` a named group, `\\` a backslash. The error is the name of a group that is not there.
fn expand<'r>(
    replacement: &'r str,
    names: &[String],
    found: &Groups<'_>,
    out: &mut String,
) -> Result<(), &'r str> {
    let (subject, range) = (found.subject(), found.range(0).unwrap_or_default());
    let mut rest = replacement;
    while let Some((before, tail)) = rest.split_once('\\') {
        out.push_str(before);
        let mut chars = tail.chars();
        let text = match chars.next() {
            Some('0' | '&') => found.get(0),
            // groups with names have no numbers
            Some('1'..='9') if !names.is_empty() => None,
            Some(digit @ '1'..='9') => Some(found.get(digit as usize - '0' as usize).unwrap_or("")),
            Some('+') => (1..found.len()).rev().find_map(|group| found.get(group)),
            Some('`') => subject.get(..range.start),
            Some('\'') => subject.get(range.end..),
            Some('\\') => Some("\\"),
            Some('k') => match chars
                .as_str()
                .strip_prefix('<')
                .and_then(|name| name.split_once('>'))
            {
                Some((name, after)) => {
                    let of_name =
                        |group: &usize| names.get(group - 1).is_some_and(|known| known == name);
                    let mut groups = (1..found.len()).filter(of_name).peekable();
                    groups.peek().ok_or(name)?;
                    chars = after.chars();
                    Some(
                        groups
                            .rev()
                            .find_map(|group| found.get(group))
                            .unwrap_or(""),
                    )
                }
                None => None,
            },
            _ => None,
        };
        rest = match text {
            Some(text) => {
                out.push_str(text);
                chars.as_str()
            }
            None => {
                out.push('\\');
                tail
            }
        };
    }
    out.push_str(rest);
    Ok(())
}

/// Changes a text, or the texts of a list.
fn map_texts<'a>(
    path: &FieldPath,
    event: &mut Event<'a>,
    change: impl Fn(&'a str, &'a Bump) -> Result<&'a str, FilterError>,
) -> Result<(), FilterError> {
    let bump = event.bump;
    let changed = match event.get(path) {
        Value::Str(text) => Value::Str(change(text, bump)?),
        Value::Array(items) => {
            let mut all = BumpVec::with_capacity_in(items.len(), bump);
            for item in items {
                all.push(match item {
                    Value::Str(text) => Value::Str(change(text, bump)?),
                    other => *other,
                });
            }
            Value::Array(all.into_bump_slice())
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
        Ok(out.into_bump_str())
    })
}

/// Removes ASCII white space at both ends, and NUL at the end, as Ruby's `strip`. An item of a list that is no text fails.
pub(super) fn strip(path: &FieldPath, event: &mut Event<'_>) -> Result<(), FilterError> {
    if let Value::Array(items) = event.get(path)
        && let Some(other) = items.iter().find(|item| !matches!(item, Value::Str(_)))
    {
        let message = format!("only texts can be stripped, and this is {}", other.kind());
        return Err(FilterError::value(path.field.to_string(), message));
    }
    let space = |c: char| matches!(c, '\t'..='\r' | ' ');
    map_texts(path, event, |text, _| {
        let text = text.trim_start_matches(space);
        Ok(text.trim_end_matches(|c| space(c) || c == '\0'))
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
