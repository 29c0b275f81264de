//! One problem found in a specification, with the place it was found at.

use serde::{Deserialize, Serialize};

/// What is wrong with a specification and where. Validation collects them: all problems are reported at once.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Violation {
    /// JSON pointer (RFC 6901) to the offending value; for Logstash text `line:column`, then a pointer to the option.
    pub pointer: String,
    /// Stable, machine-readable code, such as `unknown_option`.
    pub code: String,
    /// What is wrong and what is allowed instead, for people.
    pub message: String,
}

impl Violation {
    /// A violation at `pointer`.
    pub fn new(pointer: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// The same violation seen from a document that holds this one's document at `base`.
    #[must_use]
    pub fn under(mut self, base: &str) -> Self {
        self.pointer.insert_str(0, base);
        self
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} ({})", self.pointer, self.message, self.code)
    }
}

/// Appends one segment to a JSON pointer, escaping `~` and `/`.
#[must_use]
pub fn pointer(base: &str, segment: &str) -> String {
    format!("{base}/{}", segment.replace('~', "~0").replace('/', "~1"))
}
