//! The csv filter's `convert`: Ruby's CSV converters. A text that does not convert stays as it is; one that is no boolean is
//! trimmed and in lower case.

use bumpalo::Bump;

use super::FilterError;
use crate::date::{DateContext, DateFormats, Zone};
use crate::exec::{Event, FieldPath};
use crate::number::{ruby_float, ruby_integer};
use crate::value::Value;

/// What a column is converted to.
#[derive(Debug, Clone)]
pub(crate) enum Conversion {
    Integer,
    Float,
    Boolean,
    /// Midnight (UTC) of the date in the text.
    Date(DateFormats),
    /// A point in time.
    DateTime(DateFormats),
}

/// The shapes of dates that convert. Ruby guesses more; these are those that mean one thing only.
const DATES: [&str; 6] = [
    "ISO8601",
    "MMM d yyyy",
    "MMM d, yyyy",
    "d MMM yyyy",
    "yyyy/M/d",
    "yyyyMMdd",
];
const TIMES: [&str; 6] = [
    "yyyy-M-d H:m:s.SSS Z",
    "yyyy-M-d H:m:s Z",
    "yyyy-M-d H:m:sZ",
    "yyyy-M-d H:m:s.SSS",
    "yyyy-M-d H:m:s",
    "yyyy-M-d H:m",
];

impl Conversion {
    pub(crate) fn parse(kind: &str) -> Option<Self> {
        let formats = || {
            let all: Vec<String> = DATES
                .iter()
                .chain(&TIMES)
                .map(|format| (*format).to_owned())
                .collect();
            DateFormats::compile(&all).ok()
        };
        Some(match kind {
            "integer" => Self::Integer,
            "float" => Self::Float,
            "boolean" => Self::Boolean,
            "date" => Self::Date(formats()?),
            "date_time" => Self::DateTime(formats()?),
            _ => return None,
        })
    }

    pub(super) fn apply<'a>(
        &self,
        value: Value<'a>,
        path: &FieldPath,
        event: &Event<'a>,
    ) -> Result<Value<'a>, FilterError> {
        let Value::Str(text) = value else {
            return match self {
                Self::Boolean => Err(FilterError::value(
                    path.field.to_string(),
                    "an empty value is no boolean".to_owned(),
                )),
                _ => Ok(value),
            };
        };
        Ok(self.convert(text, event.bump))
    }

    /// The text's value, or the text itself if it does not convert.
    pub(crate) fn convert<'a>(&self, text: &'a str, bump: &'a Bump) -> Value<'a> {
        let context = DateContext {
            zone: &Zone::Utc,
            clock_ms: 0,
        };
        let converted = match self {
            Self::Integer => ruby_integer(text).map(|number| Value::integer(number, bump)),
            Self::Float => ruby_float(text).map(Value::Float),
            Self::Boolean => {
                let space = |c: char| matches!(c, '\t'..='\r' | ' ' | '\0');
                let word = text.trim_matches(space).to_lowercase();
                Some(match word.as_str() {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    other => Value::Str(bump.alloc_str(other)),
                })
            }
            Self::Date(formats) => formats
                .parse(text, &context)
                .map(|ms| Value::Time(ms - ms.rem_euclid(86_400_000))),
            Self::DateTime(formats) => formats.parse(text, &context).map(Value::Time),
        };
        converted.unwrap_or(Value::Str(text))
    }
}
