//! Who asks: bearer tokens, how they are made, and how they are recognised.

mod bearer;
mod first;

use domain::EpochMs;
use domain::audit::Actor;
use domain::ids::{ClientId, InvalidId, TokenId};
use domain::store::{Metadata, StoreError};
use domain::token::{Scope, Token};
use subtle::ConstantTimeEq;

use crate::ids;

pub(crate) use bearer::{Bearer, digest};
pub(crate) use first::first_admin_token;

/// Who a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Somebody without a token.
    Anonymous,
    /// An admin.
    Admin(TokenId),
    /// A client.
    Client(ClientId, TokenId),
    /// Somebody with an invitation.
    Invited(TokenId),
}

impl Identity {
    /// As the audit log names it.
    pub(crate) fn actor(&self) -> Actor {
        match self {
            Self::Anonymous | Self::Invited(_) => Actor::Anonymous,
            Self::Admin(token) => Actor::Admin {
                token: token.clone(),
            },
            Self::Client(client, token) => Actor::Client {
                client: client.clone(),
                token: token.clone(),
            },
        }
    }
}

/// A token to be stored, and what its bearer will send.
pub(crate) fn new_token(
    scope: Scope,
    name: &str,
    now_ms: EpochMs,
    expires_ms: Option<EpochMs>,
) -> Result<(Token, Bearer), InvalidId> {
    let bearer = Bearer {
        id: ids::token_id()?,
        secret: ids::secret(),
    };
    let token = Token {
        id: bearer.id.clone(),
        scope,
        name: name.to_owned(),
        secret_sha256: digest(&bearer.secret),
        created_ms: now_ms,
        expires_ms,
        revoked_ms: None,
    };
    Ok((token, bearer))
}

/// Who bears this; none if it is no token, or one that is not good (any more).
pub(crate) async fn identify(
    metadata: &Metadata,
    text: &str,
    now_ms: EpochMs,
) -> Result<Option<Identity>, StoreError> {
    let Some(bearer) = Bearer::parse(text) else {
        return Ok(None);
    };
    let Some(token) = metadata.token(&bearer.id).await? else {
        return Ok(None);
    };
    let token = token.value;
    let right: bool = digest(&bearer.secret)
        .as_bytes()
        .ct_eq(token.secret_sha256.as_bytes())
        .into();
    if !right || !token.is_live(now_ms) {
        return Ok(None);
    }
    Ok(Some(match token.scope {
        Scope::Admin => Identity::Admin(token.id),
        Scope::Client { client } => Identity::Client(client, token.id),
        Scope::Invite => Identity::Invited(token.id),
    }))
}
