//! `clients/{client}/tokens`: made, listed, revoked.

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::{Code, CreatedToken, NewToken, Page, TokenInfo};
use domain::EpochMs;
use domain::token::{Scope, Token};
use serde_json::json;

use super::super::call::{Call, done, json};
use super::super::change::{Decision, change};
use super::super::fault::Fault;
use super::super::route::{Access, Route};
use super::clients::check_texts;
use crate::auth::new_token;

const TOKENS: &str = "/v1/clients/{client}/tokens";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::POST,
            TOKENS,
            Access::OwnClient,
            "create_token",
            "Make a token of a client",
            |call| Box::pin(create(call)),
        )
        .takes::<NewToken>()
        .gives::<CreatedToken>(201),
        Route::new(
            Method::GET,
            TOKENS,
            Access::OwnClient,
            "list_tokens",
            "A client's tokens",
            |call| Box::pin(list(call)),
        )
        .paged()
        .gives::<Page<TokenInfo>>(200),
        Route::new(
            Method::DELETE,
            "/v1/clients/{client}/tokens/{token}",
            Access::OwnClient,
            "revoke_token",
            "Revoke a token, for good",
            |call| Box::pin(revoke(call)),
        ),
    ]
}

pub(super) fn info(token: Token) -> TokenInfo {
    TokenInfo {
        id: token.id,
        scope: token.scope,
        name: token.name,
        created_ms: token.created_ms,
        expires_ms: token.expires_ms,
        revoked_ms: token.revoked_ms,
    }
}

/// When a token that is made now is no longer good.
pub(super) fn expiry(new: &NewToken, now_ms: EpochMs) -> Result<Option<EpochMs>, Fault> {
    match new.expires_in {
        None => Ok(None),
        Some(span) if span.ms == 0 => Err(Fault::new(
            Code::InvalidParameter,
            "expires_in: must be more than nothing",
        )),
        Some(span) => Ok(Some(
            now_ms.saturating_add(EpochMs::try_from(span.ms).unwrap_or(EpochMs::MAX)),
        )),
    }
}

async fn create(mut call: Call) -> Result<HttpResponse, Fault> {
    let client = call.client().await?.value.id;
    let new: NewToken = call.json().await?;
    check_texts(&[("name", Some(&new.name))])?;
    let expires_ms = expiry(&new, call.now_ms)?;
    let (token, bearer) = new_token(
        Scope::Client {
            client: client.clone(),
        },
        &new.name,
        call.now_ms,
        expires_ms,
    )?;
    let audit = call.audit(
        "token.create",
        &token.id,
        Some(&client),
        json!({ "name": token.name, "expires_ms": expires_ms }),
    );
    call.app.metadata.create(&token, Some(audit)).await?;
    json(
        201,
        &CreatedToken {
            info: info(token),
            token: bearer.to_string(),
        },
    )
}

async fn list(call: Call) -> Result<HttpResponse, Fault> {
    let client = call.client().await?.value.id;
    let page = call
        .app
        .metadata
        .list::<Token>(&call.page_of(client.as_str())?)
        .await?;
    json(
        200,
        &Page {
            items: page
                .items
                .into_iter()
                .map(|token| info(token.value))
                .collect(),
            next: page.next,
        },
    )
}

async fn revoke(call: Call) -> Result<HttpResponse, Fault> {
    let client = call.client().await?.value.id;
    let id = call.token_id()?;
    let missing = || {
        Fault::new(
            Code::TokenNotFound,
            format!("the client {client} has no token {id}"),
        )
    };
    let own = Scope::Client {
        client: client.clone(),
    };
    let changed = change::<Token>(&call.app.metadata, id.as_str(), |token| {
        if token.scope != own {
            return Err(missing());
        }
        Ok(revoked(&call, token, "token.revoke"))
    });
    changed.await?.ok_or_else(missing)?;
    done()
}

/// The token with its end, unless it has one.
pub(super) fn revoked(call: &Call, token: &Token, action: &str) -> Decision<Token> {
    if token.revoked_ms.is_some() {
        return Decision::Keep;
    }
    let client = match &token.scope {
        Scope::Client { client } => Some(client),
        Scope::Admin | Scope::Invite => None,
    };
    let audit = call.audit(action, &token.id, client, json!({ "name": token.name }));
    Decision::to(
        Token {
            revoked_ms: Some(call.now_ms),
            ..token.clone()
        },
        audit,
    )
}
