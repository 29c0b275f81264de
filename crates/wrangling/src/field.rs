//! Values that codecs give to fields.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use crate::value::Value;

/// A value of a field, owned: it waits in a queue between the codec and the program.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// No value, but a field.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A double.
    Float(f64),
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A timestamp in milliseconds since 1970.
    Time(i64),
    /// JSON text, parsed when the event is run. What does not parse becomes the field `message`, and the event gets the
    /// tag `_jsonparsefailure`.
    Json(String),
}

impl Field {
    /// The value; that of JSON is its text.
    pub(crate) fn value<'a>(&'a self, bump: &'a Bump) -> Value<'a> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Int(number) => Value::Int(*number),
            Self::Float(number) => Value::Float(*number),
            Self::Text(text) | Self::Json(text) => Value::Str(text),
            Self::Time(ms) => Value::Time(*ms),
            Self::Texts(texts) => {
                let texts = texts.iter().map(|text| Value::Str(text));
                Value::Array(BumpVec::from_iter_in(texts, bump).into_bump_slice())
            }
        }
    }
}

impl From<&str> for Field {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Field {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
