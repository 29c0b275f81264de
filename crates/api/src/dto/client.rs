//! Clients and their profiles.

use domain::EpochMs;
use domain::ids::ClientId;
use domain::plan::Plan;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::CreatedToken;

/// A client that wants to be registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewClient {
    /// The id that it shall have: 1 to 63 of a-z, 0-9 and '-'.
    pub id: ClientId,
    /// Its name, for people, at most 200 characters. Default: the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How to reach it, for people, at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Name of the plan; only an admin may choose it. Default: `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

/// What becomes different in a profile; what is not given stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientPatch {
    /// A new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A new contact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Name of another plan; admins only. The same name again takes the plan as it stands in the configuration now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

/// A client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientInfo {
    /// Its id.
    pub id: ClientId,
    /// Its name.
    pub name: String,
    /// How to reach it.
    pub contact: String,
    /// Name of its plan.
    pub plan_name: String,
    /// That plan's constraints.
    pub plan: Plan,
    /// When it was registered.
    pub created_ms: EpochMs,
    /// How many of its runs are under way (hold a slot).
    pub active_runs: u32,
}

/// A client just registered, with its first token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Registered {
    /// The client.
    pub client: ClientInfo,
    /// Its first token, with the secret: it is shown this once.
    pub token: CreatedToken,
}
