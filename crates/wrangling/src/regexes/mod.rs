//! Ruby's regular expressions. What has groups with names, or cannot be run in linear time, is run by our own matcher, which is
//! made for log lines; an engine that is linear in time takes over where that needs too many steps. What the matcher does
//! not know is run in linear time, or by another backtracking engine with a limit.

mod translate;

use std::ops::Range;
use std::sync::OnceLock;

use bumpalo::Bump;
use regex_automata::util::{primitives::NonMaxUsize, syntax};
use regex_automata::{Input, meta};

use crate::matcher::{Matcher, Outcome};
use translate::translate;

/// Backtracking gives up after this many steps: some tenths of a second, as a timeout that a machine's load does not move.
const BACKTRACK_LIMIT: usize = 10_000_000;
/// After so many steps the linear engine takes over where there is one.
const PATIENCE: u64 = 50_000;

/// A compiled expression.
#[derive(Debug, Clone)]
pub(crate) struct Regex {
    engine: Engine,
    names: Vec<String>,
}

#[derive(Debug, Clone)]
enum Engine {
    Linear(meta::Regex),
    Backtracking(fancy_regex::Regex),
    Matching(Matcher),
    /// With the expression of the linear engine, which is made when it is needed first.
    MatchingOr(Matcher, Box<str>, Dot, OnceLock<Option<meta::Regex>>),
}

/// A search that reached the limit of its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("matching took too many steps")]
pub(crate) struct GaveUp;

/// What `.` matches unless the expression says so itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dot {
    /// Any character but a line feed.
    InLine,
    /// Any character.
    AcrossLines,
}

/// The places of a match and of its groups.
#[derive(Debug)]
pub(crate) struct Groups<'a> {
    text: &'a str,
    places: Places<'a>,
}

#[derive(Debug)]
enum Places<'a> {
    Slots(&'a [Option<NonMaxUsize>]),
    Found(&'a [usize]),
    Captures(fancy_regex::Captures<'a, str>),
}

impl Regex {
    /// Compiles a Ruby regular expression: `^` and `$` match at every line, `\w`, `\d` and `\s` are ASCII.
    ///
    /// # Errors
    /// What is wrong with the expression, for people.
    pub(crate) fn compile(source: &str, dot: Dot) -> Result<Self, String> {
        let refused =
            |reason| format!("`{source}` is no regular expression that runs here: {reason}");
        let translated = translate(source).map_err(refused)?;
        let needs_matcher = translated.needs_backtracking || !translated.names.is_empty();
        let matcher = needs_matcher
            .then(|| Matcher::compile(source, dot == Dot::AcrossLines).ok())
            .flatten();
        let engine = match (matcher, translated.needs_backtracking) {
            (Some(matcher), true) => Ok(Engine::Matching(matcher)),
            (Some(matcher), false) => {
                let text = translated.text.into();
                Ok(Engine::MatchingOr(matcher, text, dot, OnceLock::new()))
            }
            (None, true) => backtracking(&translated.text, dot),
            (None, false) => linear(&translated.text, dot).map(Engine::Linear),
        };
        Ok(Self {
            engine: engine.map_err(refused)?,
            names: translated.names,
        })
    }

    /// The names of the groups, from group 1 on; none if the groups have no names. A name may come again.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    #[inline]
    pub(crate) fn is_match(&self, text: &str) -> Result<bool, GaveUp> {
        match &self.engine {
            Engine::Linear(regex) => Ok(regex.is_match(text)),
            Engine::Backtracking(regex) => regex.is_match(text).map_err(|_| GaveUp),
            Engine::Matching(_) | Engine::MatchingOr(..) => self
                .search(text, 0, &Bump::new())
                .map(|found| found.is_some()),
        }
    }

    /// The first match at or after the byte `from`.
    #[inline]
    pub(crate) fn search<'a>(
        &self,
        text: &'a str,
        from: usize,
        bump: &'a Bump,
    ) -> Result<Option<Groups<'a>>, GaveUp> {
        let places = match &self.engine {
            Engine::Linear(regex) => in_linear_time(regex, text, from, bump),
            Engine::Backtracking(regex) => regex
                .captures_from_pos(text, from)
                .map_err(|_| GaveUp)?
                .map(Places::Captures),
            Engine::Matching(matcher) => {
                matching(matcher, text, from, BACKTRACK_LIMIT as u64, bump)?
            }
            Engine::MatchingOr(matcher, expression, dot, engine) => {
                match matching(matcher, text, from, PATIENCE, bump) {
                    Ok(places) => places,
                    Err(GaveUp) => {
                        let regex = engine.get_or_init(|| linear(expression, *dot).ok());
                        in_linear_time(regex.as_ref().ok_or(GaveUp)?, text, from, bump)
                    }
                }
            }
        };
        Ok(places.map(|places| Groups { text, places }))
    }

    /// Every match from left to right, as Ruby's `scan` and `gsub` find them: none overlaps, an empty one may follow another.
    pub(crate) fn each<'a, E: From<GaveUp>>(
        &self,
        text: &'a str,
        bump: &'a Bump,
        mut act: impl FnMut(&Groups<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut from = 0;
        while from <= text.len() {
            let Some(groups) = self.search(text, from, bump)? else {
                break;
            };
            act(&groups)?;
            let found = groups.range(0).unwrap_or(from..from);
            from = match found.is_empty() {
                false => found.end,
                true => {
                    let next = text.get(found.end..).and_then(|rest| rest.chars().next());
                    found.end + next.map_or(1, char::len_utf8)
                }
            };
        }
        Ok(())
    }

    /// The text with every match replaced by what `replace` appends; `None` if nothing matches.
    pub(crate) fn replace_all<'a, E: From<GaveUp>>(
        &self,
        text: &'a str,
        bump: &'a Bump,
        mut replace: impl FnMut(&Groups<'a>, &mut String) -> Result<(), E>,
    ) -> Result<Option<String>, E> {
        let (mut out, mut kept, mut changed) = (String::new(), 0, false);
        self.each(text, bump, |groups| {
            let found = groups.range(0).unwrap_or_default();
            out.push_str(text.get(kept..found.start).unwrap_or_default());
            (kept, changed) = (found.end, true);
            replace(groups, &mut out)
        })?;
        out.push_str(text.get(kept..).unwrap_or_default());
        Ok(changed.then_some(out))
    }
}

#[inline]
fn matching<'a>(
    matcher: &Matcher,
    text: &str,
    from: usize,
    steps: u64,
    bump: &'a Bump,
) -> Result<Option<Places<'a>>, GaveUp> {
    let slots = bump.alloc_slice_fill_copy(matcher.slots(), usize::MAX);
    match matcher.search(text, from, slots, steps, bump) {
        Outcome::Found => Ok(Some(Places::Found(slots))),
        Outcome::Nothing => Ok(None),
        Outcome::GaveUp => Err(GaveUp),
    }
}

fn in_linear_time<'a>(
    regex: &meta::Regex,
    text: &str,
    from: usize,
    bump: &'a Bump,
) -> Option<Places<'a>> {
    let slots = bump.alloc_slice_fill_copy(regex.group_info().slot_len(), None);
    let input = Input::new(text).range(from..);
    regex
        .search_slots(&input, slots)
        .map(|_| Places::Slots(slots))
}

fn linear(expression: &str, dot: Dot) -> Result<meta::Regex, String> {
    let syntax = syntax::Config::new()
        .multi_line(true)
        .dot_matches_new_line(dot == Dot::AcrossLines);
    let regex = meta::Regex::builder().syntax(syntax).build(expression);
    let reason = |error: meta::BuildError| {
        let text = match error.syntax_error() {
            Some(error) => error.to_string(),
            None => error.to_string(),
        };
        let reason = text.lines().last().unwrap_or_default();
        reason.trim_start_matches("error: ").to_owned()
    };
    regex.map_err(reason)
}

fn backtracking(expression: &str, dot: Dot) -> Result<Engine, String> {
    fancy_regex::RegexBuilder::new(expression)
        .multi_line(true)
        .dot_matches_new_line(dot == Dot::AcrossLines)
        .backtrack_limit(BACKTRACK_LIMIT)
        .build()
        .map(Engine::Backtracking)
        .map_err(|error| error.to_string())
}

impl<'a> Groups<'a> {
    /// The text that was searched.
    pub(crate) fn subject(&self) -> &'a str {
        self.text
    }

    /// Where a group matched; group 0 is the whole match.
    #[inline]
    pub(crate) fn range(&self, group: usize) -> Option<Range<usize>> {
        match &self.places {
            Places::Slots(slots) => {
                let place = |slot: usize| slots.get(slot).copied().flatten().map(NonMaxUsize::get);
                Some(place(group * 2)?..place(group * 2 + 1)?)
            }
            Places::Found(places) => {
                let place = |slot: usize| places.get(slot).copied().filter(|at| *at != usize::MAX);
                Some(place(group * 2)?..place(group * 2 + 1)?)
            }
            Places::Captures(captures) => Some(captures.get(group)?.range()),
        }
    }

    /// What a group matched.
    #[inline]
    pub(crate) fn get(&self, group: usize) -> Option<&'a str> {
        self.text.get(self.range(group)?)
    }

    /// How many groups there are, group 0 included.
    pub(crate) fn len(&self) -> usize {
        match &self.places {
            Places::Slots(slots) => slots.len() / 2,
            Places::Found(places) => places.len() / 2,
            Places::Captures(captures) => captures.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(source: &str) -> Regex {
        Regex::compile(source, Dot::InLine).unwrap()
    }

    #[test]
    fn ruby_expressions_mean_what_they_mean_in_ruby() {
        for (pattern, text, matches) in [
            (r"^b$", "a\nb\nc", true),
            (r"a.b", "a\nb", false),
            (r"(?m)a.b", "a\nb", true),
            (r"(?m:a.b)", "a\nb", true),
            (r"\A\w+\z", "é", false),
            (r"\A[[:alpha:]]+\z", "é", true),
            (r"\A\p{Alnum}\p{^Digit}\z", "éa", true),
            (r"\bb", "éb", false),
            (r"\d", "٣", false),
            (r"%{x}", "%{x}", true),
            (r"a{2}", "aa", true),
            (r"a{,2}b", "b", true),
            (r"\h+", "ff", true),
            (r"[\w.-]+@", "a.b@", true),
            (r"\A[\w-.]+\z", "a-.", true),
            (r"\A[.-\w]+\z", "a-.", true),
            (r"\A[]a]+\z", "]a", true),
            (r"\A[^]a]+\z", "]", false),
            (r"(?<year>\d{4})", "2024", true),
            (r"(?<a>x)(?<a>y)", "xy", true),
            (r"\/", "/", true),
            (r"[\\]", "\\", true),
            (r"\101\x9\u0041", "A\tA", true),
            (r"b\Z", "ab\n", true),
            // what cannot be run in linear time
            (r"a(?=b)", "ab", true),
            (r"(?<!a)b", "ab", false),
            (r"(?<=a)b", "ab", true),
            (r"\A(a+)b\1\z", "aabaa", true),
            (r"(?<q>['\x22])x\k<q>", "'x\"", false),
            (r"(?<q>['\x22])x\k<q>", "\"x\"", true),
            (r"(?>a+)ab", "aaab", false),
            (r"a++ab", "aaab", false),
            (r"a?+a", "a", false),
            (r"\A(?!.*secret)", "a secret", false),
            (r"\A[[:alpha:]-]+(?!\d)\z", "é-", true),
            (r"\b(?=b)b", "éb", false),
        ] {
            assert_eq!(
                compile(pattern).is_match(text),
                Ok(matches),
                "{pattern} on {text:?}"
            );
        }
        for pattern in ["(", "\\", r"\2", r"\k<x>", "*", "(?<n>a)\\1"] {
            assert!(Regex::compile(pattern, Dot::InLine).is_err(), "{pattern}");
        }
    }

    #[test]
    fn matches_are_replaced_as_ruby_does() {
        let bump = Bump::new();
        for (pattern, text, expected) in [
            ("b*", "abc", Some("<>a<b><>c<>")),
            ("x*", "é", Some("<>é<>")),
            ("x", "é", None),
            ("(?<=a)b", "abab", Some("a<b>a<b>")),
            ("a(?=b)", "", None),
        ] {
            let replaced = compile(pattern).replace_all(text, &bump, |groups, out| {
                out.extend(["<", groups.get(0).unwrap(), ">"]);
                Ok::<(), GaveUp>(())
            });
            assert_eq!(replaced.unwrap().as_deref(), expected, "{pattern}");
        }
    }

    #[test]
    fn a_search_that_explodes_gives_up() {
        let text = "a".repeat(40);
        assert_eq!(compile(r"\A(a|a)*(?=b)\z").is_match(&text), Err(GaveUp));
    }
}
