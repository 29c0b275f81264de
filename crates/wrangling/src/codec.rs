//! What codecs share with filters: splitting of CSV lines, grok patterns, and Ruby's way to show bytes.

use bumpalo::Bump;

use crate::environment::EcsCompatibility;
use crate::field::Field;
use crate::filters::{self, Conversion, Splitter};
use crate::value::Value;

pub use crate::inspect::inspect_bytes;

/// Splits CSV lines as Ruby's CSV does.
#[derive(Debug)]
pub struct CsvSplitter(Splitter);

impl CsvSplitter {
    /// A splitter; without a quote, quotes are ordinary characters.
    #[must_use]
    pub fn new(separator: &str, quote: Option<char>) -> Self {
        Self(Splitter {
            separator: separator.into(),
            quote,
        })
    }

    /// The values of one line; nothing between separators is `None`.
    ///
    /// # Errors
    /// Why the text is no CSV.
    pub fn split(&self, line: &str) -> Result<Vec<Option<String>>, &'static str> {
        let bump = Bump::new();
        let text = |value: &Value<'_>| match value {
            Value::Str(text) => Some((*text).to_owned()),
            _ => None,
        };
        let values = self.0.split(line, &bump)?;
        Ok(values.iter().map(text).collect())
    }
}

/// A conversion of CSV values.
#[derive(Debug)]
pub struct CsvConversion(Conversion);

impl CsvConversion {
    /// `integer`, `float`, `boolean`, `date` or `date_time`; `None` for other names.
    #[must_use]
    pub fn parse(kind: &str) -> Option<Self> {
        Conversion::parse(kind).map(Self)
    }

    /// The converted text, or the text itself if it does not convert.
    #[must_use]
    pub fn convert(&self, text: String) -> Field {
        let bump = Bump::new();
        match self.0.convert(&text, &bump) {
            Value::Int(number) => Field::Int(number),
            Value::BigInt(digits) => Field::Json(digits.to_owned()),
            Value::Float(number) => Field::Float(number),
            Value::Bool(flag) => Field::Bool(flag),
            Value::Time(ms) => Field::Time(ms),
            _ => Field::Text(text),
        }
    }
}

/// A grok pattern that lines are matched with.
#[derive(Debug)]
pub struct LinePattern(filters::LinePattern);

impl LinePattern {
    /// Compiles a pattern; `definitions` are known besides those that come with grok.
    ///
    /// # Errors
    /// Why the pattern cannot be used.
    pub fn compile(
        pattern: &str,
        definitions: &[(String, String)],
        ecs: EcsCompatibility,
    ) -> Result<Self, String> {
        filters::LinePattern::compile(pattern, definitions, ecs).map(Self)
    }

    /// Whether the pattern is found in the text.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text, &Bump::new())
    }
}
