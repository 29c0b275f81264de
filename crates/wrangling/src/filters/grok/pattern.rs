//! One compiled pattern with the fields that its groups become.

use bumpalo::Bump;

use super::objects::Arranged;
use crate::exec::FieldPath;
use crate::number::{leading_float, leading_integer};
use crate::regexes::{Dot, GaveUp, Groups, Regex};
use crate::value::Value;

/// A compiled pattern with the fields it captures.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: Regex,
    pub(super) captures: Arranged,
}

/// A group whose text becomes a field.
#[derive(Debug)]
pub(super) struct Capture {
    pub(super) group: usize,
    pub(super) path: FieldPath,
    pub(super) coercion: Coercion,
    pub(super) overwrite: bool,
}

/// What a captured text is converted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coercion {
    Text,
    Integer,
    Float,
}

impl Pattern {
    /// Compiles an expanded pattern; `field` says which field a name means, and whether it is overwritten.
    ///
    /// # Errors
    /// What is wrong with the expression.
    pub(super) fn compile(
        expression: &str,
        mut field: impl FnMut(&str) -> Result<(FieldPath, bool), String>,
    ) -> Result<Self, String> {
        let regex = Regex::compile(expression, Dot::AcrossLines)?;
        let mut captures = Vec::new();
        for (group, name, kind) in in_order(regex.names()) {
            let (path, overwrite) = field(name)?;
            let coercion = match kind {
                Some("int") => Coercion::Integer,
                Some("float") => Coercion::Float,
                _ => Coercion::Text,
            };
            captures.push(Capture {
                group,
                path,
                coercion,
                overwrite,
            });
        }
        Ok(Self {
            regex,
            captures: Arranged::new(captures),
        })
    }

    /// The first match.
    #[inline]
    pub(super) fn search<'a>(
        &self,
        text: &'a str,
        bump: &'a Bump,
    ) -> Result<Option<Groups<'a>>, GaveUp> {
        self.regex.search(text, 0, bump)
    }
}

/// The groups with field name and type, as Logstash goes through them: groups of one name together, of which only the first
/// one is converted.
fn in_order(names: &[String]) -> Vec<(usize, &str, Option<&str>)> {
    let mut ordered = Vec::with_capacity(names.len());
    for (at, full) in names.iter().enumerate() {
        if names.iter().take(at).any(|earlier| earlier == full) {
            continue;
        }
        let mut parts = full.split(':');
        let first = parts.next().unwrap_or_default();
        let field = parts.next().unwrap_or(first);
        let mut kind = parts.next();
        let same = names.iter().enumerate().skip(at);
        for (index, _) in same.filter(|(_, other)| *other == full) {
            ordered.push((index + 1, field, kind.take()));
        }
    }
    ordered
}

impl Coercion {
    /// The value of a captured text.
    pub(super) fn apply<'a>(self, text: &'a str, bump: &'a Bump) -> Value<'a> {
        match self {
            Self::Text => Value::Str(text),
            Self::Integer => Value::integer(leading_integer(text), bump),
            Self::Float => Value::Float(leading_float(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_groups_of_one_name_the_first_is_converted() {
        let names = ["INT:n:int", "WORD:w", "INT:n:int", "inline"].map(str::to_owned);
        assert_eq!(
            in_order(&names),
            [
                (1, "n", Some("int")),
                (3, "n", None),
                (2, "w", None),
                (4, "inline", None)
            ]
        );
    }
}
