//! What a translation between a job spec and a Logstash configuration cannot carry over as it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of something. The worst is the greatest.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It has no counterpart and needs none: the documents are the same without it.
    LeftOut,
    /// It is carried over with another meaning, or something that went without saying is said.
    Changed,
    /// It is left out although the documents are not the same without it.
    Impossible,
}

impl Severity {
    /// The word for it, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LeftOut => "left out",
            Self::Changed => "changed",
            Self::Impossible => "impossible",
        }
    }
}

/// One thing that is not carried over as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What became of it.
    pub severity: Severity,
    /// Where it is: `line:column` in a configuration, a JSON pointer in a spec; empty for the whole.
    pub at: String,
    /// Whose: `input file`, `codec json`, `filter ruby`, `output elasticsearch`; a section of a spec; `pipeline`.
    pub plugin: String,
    /// Which option; none for the plugin with all of its options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub option: Option<String>,
    /// Why, in words.
    pub reason: String,
    /// What to do instead; none if there is nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
}

impl Finding {
    /// The same with what to do instead.
    #[must_use]
    pub fn instead(mut self, instead: impl Into<String>) -> Self {
        self.instead = Some(instead.into());
        self
    }

    /// The same about one option.
    #[must_use]
    pub fn of(mut self, option: &str) -> Self {
        self.option = Some(option.to_owned());
        self
    }
}

/// What findings are about.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    at: String,
    plugin: String,
}

impl Place {
    pub(crate) fn new(at: impl Into<String>, plugin: impl Into<String>) -> Self {
        Self {
            at: at.into(),
            plugin: plugin.into(),
        }
    }

    pub(crate) fn left_out(&self, reason: impl Into<String>) -> Finding {
        self.found(Severity::LeftOut, reason.into())
    }

    pub(crate) fn changed(&self, reason: impl Into<String>) -> Finding {
        self.found(Severity::Changed, reason.into())
    }

    pub(crate) fn impossible(&self, reason: impl Into<String>) -> Finding {
        self.found(Severity::Impossible, reason.into())
    }

    fn found(&self, severity: Severity, reason: String) -> Finding {
        Finding {
            severity,
            at: self.at.clone(),
            plugin: self.plugin.clone(),
            option: None,
            reason,
            instead: None,
        }
    }
}
