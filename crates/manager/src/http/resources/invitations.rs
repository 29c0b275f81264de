//! `invitations`: tokens that register one client, once.

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::{Code, CreatedToken, NewInvitation, Page, TokenInfo};
use domain::ids::TokenId;
use domain::token::{Scope, Token};
use serde_json::json;

use super::super::call::{Call, done, json};
use super::super::change::{Decision, change};
use super::super::fault::Fault;
use super::super::route::{Access, Route};
use super::clients::check_texts;
use super::tokens::{expiry, info, revoked};
use crate::auth::{Identity, new_token};

const INVITATIONS: &str = "/v1/invitations";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::POST,
            INVITATIONS,
            Access::Admin,
            "create_invitation",
            "Invite a client",
            |call| Box::pin(create(call)),
        )
        .takes::<NewInvitation>()
        .gives::<CreatedToken>(201),
        Route::new(
            Method::GET,
            INVITATIONS,
            Access::Admin,
            "list_invitations",
            "The invitations",
            |call| Box::pin(list(call)),
        )
        .paged()
        .gives::<Page<TokenInfo>>(200),
        Route::new(
            Method::DELETE,
            "/v1/invitations/{token}",
            Access::Admin,
            "withdraw_invitation",
            "Withdraw an invitation",
            |call| Box::pin(withdraw(call)),
        ),
    ]
}

async fn create(mut call: Call) -> Result<HttpResponse, Fault> {
    let new: NewInvitation = call.json().await?;
    check_texts(&[("name", Some(&new.name))])?;
    let expires_ms = expiry(&new, call.now_ms)?;
    let (token, bearer) = new_token(Scope::Invite, &new.name, call.now_ms, expires_ms)?;
    let audit = call.audit(
        "invitation.create",
        &token.id,
        None,
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
    // admins' own tokens belong to the platform too: they are left out, so a page may be shorter than its limit
    let page = call.app.metadata.list::<Token>(&call.page_of("")?).await?;
    let invitations = page
        .items
        .into_iter()
        .map(|token| token.value)
        .filter(|token| token.scope == Scope::Invite);
    json(
        200,
        &Page {
            items: invitations.map(info).collect(),
            next: page.next,
        },
    )
}

async fn withdraw(call: Call) -> Result<HttpResponse, Fault> {
    let id = call.token_id()?;
    let missing = || {
        Fault::new(
            Code::InvitationNotFound,
            format!("there is no invitation {id}"),
        )
    };
    let changed = change::<Token>(&call.app.metadata, id.as_str(), |token| {
        if token.scope != Scope::Invite {
            return Err(missing());
        }
        Ok(revoked(&call, token, "invitation.withdraw"))
    });
    changed.await?.ok_or_else(missing)?;
    done()
}

/// Uses up the invitation that a request comes with, if it comes with one: of two that race, one is refused.
pub(super) async fn take(call: &Call) -> Result<Option<TokenId>, Fault> {
    let Identity::Invited(id) = &call.who else {
        return Ok(None);
    };
    let used = || Fault::new(Code::InvalidToken, "the invitation was used or withdrawn");
    let changed = change::<Token>(&call.app.metadata, id.as_str(), |token| {
        match revoked(call, token, "invitation.use") {
            Decision::Keep => Err(used()),
            decision => Ok(decision),
        }
    });
    changed.await?.ok_or_else(used)?;
    Ok(Some(id.clone()))
}

/// Makes the invitation good again: the client could not be registered.
pub(super) async fn give_back(call: &Call) {
    let Identity::Invited(id) = &call.who else {
        return;
    };
    let given_back = change::<Token>(&call.app.metadata, id.as_str(), |token| {
        let audit = call.audit("invitation.give_back", id, None, json!({}));
        Ok(Decision::to(
            Token {
                revoked_ms: None,
                ..token.clone()
            },
            audit,
        ))
    });
    if let Err(fault) = given_back.await {
        tracing::warn!(invitation = %id, reason = %fault.0, "an invitation was used up by a registration that failed");
    }
}
