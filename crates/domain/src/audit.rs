//! The audit log: who changed what, and when. An entry is stored in the same write as the change it describes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::EpochMs;
use crate::ids::{ClientId, TokenId};

/// Who made a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Actor {
    /// Somebody with an admin token.
    Admin {
        /// Which token.
        token: TokenId,
    },
    /// A client, by one of its own tokens.
    Client {
        /// Which client.
        client: ClientId,
        /// Which token.
        token: TokenId,
    },
    /// Somebody without a token (open registration).
    Anonymous,
    /// The platform itself.
    Platform,
    /// The schedule of a job.
    Schedule {
        /// The time that was due.
        due_ms: EpochMs,
    },
    /// Files that arrived for a job.
    Arrival,
}

impl Actor {
    /// Its kind in a word.
    pub const fn name(&self) -> &'static str {
        match self {
            Actor::Admin { .. } => "admin",
            Actor::Client { .. } => "client",
            Actor::Anonymous => "anonymous",
            Actor::Platform => "platform",
            Actor::Schedule { .. } => "schedule",
            Actor::Arrival => "arrival",
        }
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AuditEntry {
    /// A ULID in lower case: unique, sorts by time.
    pub id: String,
    /// When.
    pub at_ms: EpochMs,
    /// Who.
    pub actor: Actor,
    /// What was done, for example `job.put`.
    pub action: String,
    /// To what, for example `acme/flights`.
    pub target: String,
    /// Whose log it belongs to; none for changes of the platform as a whole.
    pub client: Option<ClientId>,
    /// The id of the request that asked for it.
    pub request_id: Option<String>,
    /// Particulars; never a secret.
    #[serde(default)]
    pub detail: Value,
}
