//! The platform itself: readiness, plans, codes.

use domain::plan::Plan;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether the platform is ready: 200 if it is, 503 if not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ready {
    /// Whether every part is.
    pub ready: bool,
    /// The parts.
    pub parts: Vec<ReadyPart>,
}

/// A part of the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadyPart {
    /// Which: `metadata_store`, `core_dms`, `disk`.
    pub name: String,
    /// Whether it is ready.
    pub ready: bool,
    /// What it is, or why it is not ready.
    pub detail: String,
}

/// A plan of the operator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanInfo {
    /// Its name.
    pub name: String,
    /// Its constraints.
    pub plan: Plan,
}

/// A code of problem documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CodeInfo {
    /// The code.
    pub code: String,
    /// The HTTP status that goes with it.
    pub status: u16,
    /// Its summary.
    pub title: String,
    /// What it means and what to do about it.
    pub meaning: String,
}
