//! Bearer tokens and invitations.

use domain::EpochMs;
use domain::ids::TokenId;
use domain::token::Scope;
use domain::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A token to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewToken {
    /// What its maker calls it, at most 200 characters.
    pub name: String,
    /// How long it is good, for example `90days`; none for no end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<Span>,
}

/// An invitation to be made: it registers one client, once.
pub type NewInvitation = NewToken;

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenInfo {
    /// Its public part.
    pub id: TokenId,
    /// What it allows.
    pub scope: Scope,
    /// What its maker calls it.
    pub name: String,
    /// When it was made.
    pub created_ms: EpochMs,
    /// Until when it is good; none for no end.
    pub expires_ms: Option<EpochMs>,
    /// When it was revoked, or (an invitation) used.
    pub revoked_ms: Option<EpochMs>,
}

/// A token just made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreatedToken {
    /// The token.
    #[serde(flatten)]
    pub info: TokenInfo,
    /// What its bearer sends: `ing_<id>_<secret>`. It is shown this once.
    pub token: String,
}

impl std::fmt::Debug for CreatedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedToken")
            .field("info", &self.info)
            .field("token", &"***")
            .finish()
    }
}
