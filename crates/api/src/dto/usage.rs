//! What clients use.

use domain::ids::ClientId;
use domain::usage::UsageSums;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UsageQuery {
    /// The first day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What a client's runs have used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageInfo {
    /// Which client.
    pub client: ClientId,
    /// The first day (UTC).
    pub from: String,
    /// The last day, at most 400 days with use after the first.
    pub to: String,
    /// The sums over all days shown.
    pub total: UsageSums,
    /// The days on which there was any use.
    pub days: Vec<UsageDay>,
}

/// What was used on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageDay {
    /// Which day (UTC).
    pub day: String,
    /// How much.
    #[serde(flatten)]
    pub sums: UsageSums,
}
