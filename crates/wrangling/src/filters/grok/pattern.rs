//! One compiled pattern. Our own matcher runs nearly all of them; where it takes too many steps, or does not know the
//! expression, an engine that is linear in time does if the expression allows it, and one that backtracks if not.

use std::ops::Range;
use std::sync::OnceLock;

use bumpalo::Bump;
use regex_automata::util::{primitives::NonMaxUsize, syntax};
use regex_automata::{Input, meta};

use crate::exec::FieldPath;
use crate::matcher::{Matcher, Outcome, Unsupported};
use crate::regexes;
use crate::value::Value;

/// Backtracking gives up after this many steps: some tenths of a second, as Logstash's timeout a machine's load does not move.
const BACKTRACK_LIMIT: usize = 10_000_000;
/// After so many steps a linear engine takes over where there is one.
const PATIENCE: u64 = 50_000;

/// A compiled pattern with the fields it captures.
#[derive(Debug)]
pub(super) struct Pattern {
    engine: Engine,
    pub(super) captures: Vec<Capture>,
}

#[derive(Debug)]
enum Engine {
    Linear(meta::Regex),
    Backtracking(fancy_regex::Regex),
    Matching(Matcher),
    /// The expression is for the linear engine, which is made when it is needed first.
    MatchingOr(Matcher, Box<str>, OnceLock<Option<meta::Regex>>),
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

/// What a search came to.
pub(super) enum Search<'a> {
    Nothing,
    /// The backtracking limit was reached.
    GaveUp,
    Found(Spans<'a>),
}

/// The places of the groups.
pub(super) enum Spans<'a> {
    Slots(&'a [Option<NonMaxUsize>]),
    Places(&'a [usize]),
    Captures(fancy_regex::Captures<'a, str>),
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
        let translated = regexes::translate(expression, true)?;
        let linear_too = translated.needs_backtracking.is_none();
        let engine = match Matcher::compile(expression) {
            Ok(matcher) if linear_too => {
                Engine::MatchingOr(matcher, translated.text.into(), OnceLock::new())
            }
            Ok(matcher) => Engine::Matching(matcher),
            Err(Unsupported) if linear_too => Engine::Linear(linear(&translated.text)?),
            Err(Unsupported) => backtracking(&translated.text)?,
        };
        let mut captures = Vec::new();
        for (group, name, kind) in in_order(&translated.names) {
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
        Ok(Self { engine, captures })
    }

    #[inline]
    pub(super) fn search<'a>(&self, text: &'a str, bump: &'a Bump) -> Search<'a> {
        match &self.engine {
            Engine::Linear(regex) => in_linear_time(regex, text, bump),
            Engine::Backtracking(regex) => match regex.captures(text) {
                Ok(Some(captures)) => Search::Found(Spans::Captures(captures)),
                Ok(None) => Search::Nothing,
                Err(_) => Search::GaveUp,
            },
            Engine::Matching(matcher) => matching(matcher, text, BACKTRACK_LIMIT as u64, bump),
            Engine::MatchingOr(matcher, expression, engine) => {
                match matching(matcher, text, PATIENCE, bump) {
                    Search::GaveUp => match engine.get_or_init(|| linear(expression).ok()) {
                        Some(regex) => in_linear_time(regex, text, bump),
                        None => Search::GaveUp,
                    },
                    known => known,
                }
            }
        }
    }
}

#[inline]
fn matching<'a>(matcher: &Matcher, text: &'a str, steps: u64, bump: &'a Bump) -> Search<'a> {
    let slots = bump.alloc_slice_fill_copy(matcher.slots(), usize::MAX);
    match matcher.search(text, slots, steps, bump) {
        Outcome::Found => Search::Found(Spans::Places(slots)),
        Outcome::Nothing => Search::Nothing,
        Outcome::GaveUp => Search::GaveUp,
    }
}

fn in_linear_time<'a>(regex: &meta::Regex, text: &'a str, bump: &'a Bump) -> Search<'a> {
    let slots = bump.alloc_slice_fill_copy(regex.group_info().slot_len(), None);
    match regex.search_slots(&Input::new(text), slots) {
        Some(_) => Search::Found(Spans::Slots(slots)),
        None => Search::Nothing,
    }
}

fn linear(expression: &str) -> Result<meta::Regex, String> {
    let syntax = syntax::Config::new()
        .multi_line(true)
        .dot_matches_new_line(true);
    let regex = meta::Regex::builder().syntax(syntax).build(expression);
    let reason = |error: meta::BuildError| match error.syntax_error() {
        Some(error) => error.to_string(),
        None => error.to_string(),
    };
    regex.map_err(reason)
}

fn backtracking(expression: &str) -> Result<Engine, String> {
    fancy_regex::RegexBuilder::new(expression)
        .multi_line(true)
        .dot_matches_new_line(true)
        .backtrack_limit(BACKTRACK_LIMIT)
        .build()
        .map(Engine::Backtracking)
        .map_err(|error| error.to_string())
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

impl<'a> Spans<'a> {
    #[inline]
    pub(super) fn text(&self, group: usize, text: &'a str) -> Option<&'a str> {
        let span: Range<usize> = match self {
            Self::Slots(slots) => {
                let place = |slot: usize| slots.get(slot).copied().flatten().map(NonMaxUsize::get);
                place(group * 2)?..place(group * 2 + 1)?
            }
            Self::Places(places) => *places.get(group * 2)?..*places.get(group * 2 + 1)?,
            Self::Captures(captures) => captures.get(group)?.range(),
        };
        text.get(span)
    }
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
