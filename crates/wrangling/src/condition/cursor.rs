//! Reading tokens from text, with errors that say where and what was expected.

use crate::ast::Number;

/// A text that does not follow the grammar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: expected {expected}, found {found}")]
pub(crate) struct SyntaxError {
    /// From 1.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
    pub(crate) expected: String,
    pub(crate) found: String,
}

/// A position in a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'t> {
    text: &'t str,
    at: usize,
    /// Whether white space came right after the last token.
    spaced: bool,
}

/// White space of Logstash's grammar.
const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

impl<'t> Cursor<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            spaced: false,
        }
    }

    pub(crate) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Line and column from 1.
    pub(crate) fn place(&self) -> (usize, usize) {
        let before = self.text.get(..self.at).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        (before.matches('\n').count() + 1, column)
    }

    /// An error at this place.
    pub(crate) fn expected(&self, expected: impl Into<String>) -> SyntaxError {
        let (line, column) = self.place();
        let found = match self.rest().chars().next() {
            None => "the end".to_owned(),
            Some('"' | '\'') => "a string".to_owned(),
            Some(c) if is_word(c) => format!(
                "`{}`",
                self.rest()
                    .chars()
                    .take_while(|c| is_word(*c))
                    .collect::<String>()
            ),
            Some(c) => format!("`{c}`"),
        };
        SyntaxError {
            line,
            column,
            expected: expected.into(),
            found,
        }
    }

    /// Skips white space and comments.
    pub(crate) fn skip_space(&mut self) {
        self.spaced = self.rest().starts_with(SPACE);
        loop {
            let trimmed = self.rest().trim_start_matches(SPACE);
            self.at = self.text.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    /// Whether white space came right after the last token.
    pub(crate) fn spaced(&self) -> bool {
        self.spaced
    }

    pub(crate) fn at_end(&self) -> bool {
        self.rest().is_empty()
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Reads `token` and the space after it, if it is next.
    pub(crate) fn eat(&mut self, token: &str) -> bool {
        let eaten = self.rest().starts_with(token);
        if eaten {
            self.at += token.len();
            self.skip_space();
        }
        eaten
    }

    /// Reads a whole word and the space after it, if it is next.
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let follows = |rest: &str| {
            rest.strip_prefix(word)
                .is_some_and(|after| !after.starts_with(is_word))
        };
        follows(self.rest()) && self.eat(word)
    }

    pub(crate) fn require(&mut self, token: &str) -> Result<(), SyntaxError> {
        if self.eat(token) {
            Ok(())
        } else {
            Err(self.expected(format!("`{token}`")))
        }
    }

    /// A bare word as a value: a letter or `_`, then at least one letter, digit or `_`.
    pub(crate) fn bareword(&mut self) -> Option<&'t str> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        if end < 2 || rest.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.at += end;
        self.skip_space();
        rest.get(..end)
    }

    /// A word: letters, digits, `_`, `-`.
    pub(crate) fn word(&mut self) -> Option<&'t str> {
        let rest = self.rest();
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let word = rest.get(..end).filter(|word| !word.is_empty())?;
        self.at += end;
        self.skip_space();
        Some(word)
    }

    /// A string in single or double quotes; backslashes stay, one before a quote keeps it from closing.
    pub(crate) fn string(&mut self) -> Result<Option<&'t str>, SyntaxError> {
        match self.peek() {
            Some(quote @ ('"' | '\'')) => self.delimited(quote, "a closing quote").map(Some),
            _ => Ok(None),
        }
    }

    /// `/…/`
    pub(crate) fn regex(&mut self) -> Result<Option<&'t str>, SyntaxError> {
        match self.peek() {
            Some('/') => self.delimited('/', "a closing `/`").map(Some),
            _ => Ok(None),
        }
    }

    fn delimited(&mut self, delimiter: char, expected: &str) -> Result<&'t str, SyntaxError> {
        let start = self.at + delimiter.len_utf8();
        let mut previous = delimiter;
        for (at, c) in self.text.get(start..).unwrap_or_default().char_indices() {
            if c == delimiter && previous != '\\' {
                let content = self.text.get(start..start + at).unwrap_or_default();
                self.at = start + at + delimiter.len_utf8();
                self.skip_space();
                return Ok(content);
            }
            previous = c;
        }
        self.at = self.text.len();
        Err(self.expected(expected))
    }

    /// A number.
    pub(crate) fn number(&mut self) -> Option<Number> {
        let rest = self.rest();
        let sign = usize::from(rest.starts_with('-'));
        let digits = |from: usize| {
            rest.get(from..).map_or(0, |tail| {
                tail.bytes().take_while(u8::is_ascii_digit).count()
            })
        };
        let whole = digits(sign);
        let mut end = sign + whole;
        if whole > 0 && rest.get(end..).is_some_and(|tail| tail.starts_with('.')) {
            end += 1 + digits(end + 1);
        }
        let number = Number::parse(rest.get(..end)?)?;
        if rest
            .get(end..)
            .is_some_and(|tail| tail.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        {
            return None;
        }
        self.at += end;
        self.skip_space();
        Some(number)
    }

    /// The text of a field reference `[a][b]`; nothing between its brackets is a bracket or a comma.
    pub(crate) fn selector(&mut self) -> Option<&'t str> {
        let rest = self.rest();
        let mut end = 0;
        while let Some(element) = rest.get(end..).and_then(|tail| tail.strip_prefix('[')) {
            let Some(length) = element.find(['[', ']', ',']) else {
                break;
            };
            if length == 0 || !element.get(length..)?.starts_with(']') {
                break;
            }
            end += length + 2;
        }
        let text = rest.get(..end).filter(|text| !text.is_empty())?;
        self.at += end;
        self.skip_space();
        Some(text)
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}
