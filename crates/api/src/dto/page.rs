//! Pages: every list is asked for and answered in them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Entries of a page, if the request does not say.
pub const DEFAULT_LIMIT: u32 = 100;
/// Most entries of a page.
pub const MAX_LIMIT: u32 = 1000;

/// Which page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// At most so many entries, 1 to 1000. Default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl PageQuery {
    /// The first page.
    pub fn first(limit: u32) -> Self {
        Self {
            limit: Some(limit),
            after: None,
        }
    }

    /// The page behind one that ended with this `next`.
    pub fn after(next: impl Into<String>) -> Self {
        Self {
            limit: None,
            after: Some(next.into()),
        }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Page<T> {
    /// Its entries.
    pub items: Vec<T>,
    /// What to send as `after` for the next page; none if this was the last.
    pub next: Option<String>,
}
