//! Bearer tokens: their scope and what is kept of them.

use serde::{Deserialize, Serialize};

use crate::EpochMs;
use crate::ids::{ClientId, TokenId};

/// What a token allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Scope {
    /// Everything.
    Admin,
    /// Everything of one client but its constraints.
    Client {
        /// Which client.
        client: ClientId,
    },
    /// Registering one client, once (`registration: invite`).
    Invite,
}

/// A token as it is stored. The secret itself is shown once, when the token is made, and then known to its bearer only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its public part.
    pub id: TokenId,
    /// What it allows.
    pub scope: Scope,
    /// What its maker calls it.
    pub name: String,
    /// SHA-256 of the secret part, hexadecimal. The secret has 256 random bits, so no slow hash is needed.
    pub secret_sha256: String,
    /// When it was made.
    pub created_ms: EpochMs,
    /// Until when it is good; none for no end.
    pub expires_ms: Option<EpochMs>,
    /// When it was revoked (or, for an invitation, used).
    pub revoked_ms: Option<EpochMs>,
}

impl Token {
    /// Whether it may be used at `now_ms`.
    pub fn is_live(&self, now_ms: EpochMs) -> bool {
        self.revoked_ms.is_none() && self.expires_ms.is_none_or(|end| now_ms < end)
    }
}
