//! One compiled pattern with the fields that its groups become.

use bumpalo::Bump;

use crate::exec::FieldPath;
use crate::regexes::{Dot, GaveUp, Groups, Regex};
use crate::value::Value;

/// A compiled pattern with the fields it captures.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: Regex,
    pub(super) captures: Vec<Capture>,
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
        Ok(Self { regex, captures })
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
    /// Ruby's `to_i` and `to_f`: the number that the text begins with, else 0.
    pub(super) fn apply<'a>(self, text: &'a str, bump: &'a Bump) -> Value<'a> {
        match self {
            Self::Text => Value::Str(text),
            Self::Integer => integer(text, bump),
            Self::Float => Value::Float(float(text)),
        }
    }
}

fn integer<'a>(text: &str, bump: &'a Bump) -> Value<'a> {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let number: String = sign.chars().chain(leading_digits(digits)).collect();
    match number.parse::<i64>() {
        Ok(number) => Value::Int(number),
        Err(_) if number.len() <= sign.len() => Value::Int(0),
        Err(_) => {
            let digits = number.trim_start_matches('-').trim_start_matches('0');
            match digits.len() < 19 {
                true => Value::Int(0),
                false => Value::BigInt(bump.alloc_str(&format!("{sign}{digits}"))),
            }
        }
    }
}

/// Digits up to what is none; single underscores between digits are left out.
fn leading_digits(text: &str) -> impl Iterator<Item = char> + '_ {
    let mut after_digit = false;
    text.chars()
        .take_while(move |c| {
            let fits = c.is_ascii_digit() || (*c == '_' && after_digit);
            after_digit = c.is_ascii_digit();
            fits
        })
        .filter(char::is_ascii_digit)
}

fn float(text: &str) -> f64 {
    let text = text.trim_start();
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes
            .iter()
            .skip(from)
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let mut end = usize::from(text.starts_with(['-', '+']));
    end += digits(end);
    if bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    text.get(..end)
        .and_then(|number| number.parse().ok())
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_the_text_begins_with() {
        let bump = Bump::new();
        for (text, expected) in [
            ("42", "42"),
            ("-7x", "-7"),
            ("+1_000", "1000"),
            ("abc", "0"),
            ("4.9", "4"),
            ("99999999999999999999", "99999999999999999999"),
            ("-", "0"),
        ] {
            assert_eq!(integer(text, &bump).text(&bump), expected, "{text}");
        }
        for (text, expected) in [
            ("1.5x", 1.5),
            (".5", 0.5),
            ("1e3", 1000.0),
            ("-2.", -2.0),
            ("x", 0.0),
        ] {
            assert!((float(text) - expected).abs() < f64::EPSILON, "{text}");
        }
    }

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
