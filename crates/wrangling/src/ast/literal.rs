//! Option values as they were written, with their kind kept.

use super::Plugin;

/// A value of an option.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A quoted string.
    String(String),
    /// A number, as written.
    Number(Number),
    /// `true` or `false` (in Logstash text a bare word; in steps a boolean).
    Bool(bool),
    /// An unquoted word, such as a codec's name.
    Bareword(String),
    /// `[ … ]`.
    Array(Vec<Literal>),
    /// `{ … }`: pairs in the order written; a key occurs once.
    Hash(Vec<(String, Literal)>),
    /// A plugin with options of its own: `json { charset => "CP1252" }`.
    Plugin(Plugin),
}

impl Literal {
    /// What kind of value this is, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "string",
            Self::Number(_) => "number",
            Self::Bool(_) => "boolean",
            Self::Bareword(_) => "bare word",
            Self::Array(_) => "array",
            Self::Hash(_) => "hash",
            Self::Plugin(_) => "plugin",
        }
    }

    /// The text of a scalar; `None` for arrays, hashes and plugins.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::String(text) | Self::Bareword(text) => Some(text),
            Self::Number(number) => Some(number.text()),
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            Self::Array(_) | Self::Hash(_) | Self::Plugin(_) => None,
        }
    }
}

/// A decimal number that keeps its text: `-?[0-9]+(\.[0-9]*)?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number(String);

impl Number {
    /// Parses Logstash's number syntax; `None` if `text` is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        (!whole.is_empty() && all_digits(whole) && all_digits(fraction))
            .then(|| Self(text.to_owned()))
    }

    /// The number as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether it was written with a point.
    #[must_use]
    pub fn is_float(&self) -> bool {
        self.0.contains('.')
    }
}
