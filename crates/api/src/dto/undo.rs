//! Taking back what a run wrote.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is to be undone of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewUndo {
    /// Only the documents of the file of this name; none for the whole run.
    pub file: Option<String>,
    /// Whether the files that were put away come back to the staging directory, to be ingested by the next run.
    pub restage: bool,
}
