//! `clients` and `clients/{client}`: registering, profiles.

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::{ClientInfo, ClientPatch, Code, CreatedToken, NewClient, Page, Problem, Registered};
use domain::Violation;
use domain::client::Client;
use domain::ids::ClientId;
use domain::plan::Plan;
use domain::store::StoreError;
use domain::token::Scope;
use serde_json::json;

use super::super::call::{Call, done, json, no_client};
use super::super::change::{Decision, change};
use super::super::fault::Fault;
use super::super::route::{Access, Route};
use super::super::state::AppState;
use super::{invitations, removal, tokens};
use crate::auth::{Identity, new_token};
use crate::config::{DEFAULT_PLAN, Registration};

/// Longest text for people, in characters.
const MAX_TEXT: usize = 200;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::POST,
            "/v1/clients",
            Access::Registration,
            "register_client",
            "Register a client",
            |call| Box::pin(register(call)),
        )
        .takes::<NewClient>()
        .gives::<Registered>(201),
        Route::new(
            Method::GET,
            "/v1/clients",
            Access::Admin,
            "list_clients",
            "All clients",
            |call| Box::pin(list(call)),
        )
        .paged()
        .gives::<Page<ClientInfo>>(200),
        Route::new(
            Method::GET,
            "/v1/clients/{client}",
            Access::OwnClient,
            "get_client",
            "A client's profile",
            |call| Box::pin(get(call)),
        )
        .gives::<ClientInfo>(200),
        Route::new(
            Method::PATCH,
            "/v1/clients/{client}",
            Access::OwnClient,
            "update_client",
            "Change a client's profile; its plan only as an admin",
            |call| Box::pin(update(call)),
        )
        .takes::<ClientPatch>()
        .gives::<ClientInfo>(200),
        Route::new(
            Method::DELETE,
            "/v1/clients/{client}",
            Access::Admin,
            "delete_client",
            "Remove a client with its jobs, files and tokens; its documents stay",
            |call| Box::pin(delete(call)),
        ),
    ]
}

pub(super) fn info(client: Client) -> ClientInfo {
    ClientInfo {
        active_runs: client.slots.len() as u32,
        id: client.id,
        name: client.name,
        contact: client.contact,
        plan_name: client.plan_name,
        plan: client.plan,
        created_ms: client.created_ms,
    }
}

/// What is wrong with a text for people.
pub(super) fn check_text(name: &str, text: Option<&str>) -> Option<Violation> {
    let text = text?;
    let bad = text.chars().count() > MAX_TEXT || text.chars().any(char::is_control);
    bad.then(|| {
        let message =
            format!("use at most {MAX_TEXT} characters, none of them a control character");
        Violation::new(format!("/{name}"), "invalid_value", message)
    })
}

pub(super) fn check_texts(texts: &[(&str, Option<&str>)]) -> Result<(), Fault> {
    let violations: Vec<_> = texts
        .iter()
        .filter_map(|&(name, text)| check_text(name, text))
        .collect();
    if violations.is_empty() {
        return Ok(());
    }
    Err(Problem::new(
        Code::InvalidProfile,
        "a text is too long or holds control characters",
    )
    .with_violations(violations)
    .into())
}

fn plan(app: &AppState, name: &str) -> Result<Plan, Fault> {
    let known = || app.plans.keys().cloned().collect::<Vec<_>>().join(", ");
    let missing = || {
        Fault::new(
            Code::PlanNotFound,
            format!("there is no plan {name:?}; there are: {}", known()),
        )
    };
    app.plans.get(name).cloned().ok_or_else(missing)
}

fn may_register(registration: Registration, who: &Identity) -> Result<(), Fault> {
    match (registration, who) {
        (_, Identity::Admin(_) | Identity::Invited(_)) | (Registration::Open, _) => Ok(()),
        (_, Identity::Anonymous) => {
            let needed = if registration == Registration::Invite {
                "an invitation"
            } else {
                "an admin's token"
            };
            Err(Fault::new(
                Code::Unauthenticated,
                format!("registering a client takes {needed} here"),
            ))
        }
        (_, Identity::Client(..)) => Err(Fault::new(
            Code::RegistrationClosed,
            "clients cannot register further clients here",
        )),
    }
}

async fn register(mut call: Call) -> Result<HttpResponse, Fault> {
    may_register(call.app.registration, &call.who)?;
    let new: NewClient = call.json().await?;
    let is_admin = matches!(call.who, Identity::Admin(_));
    if new.plan.is_some() && !is_admin {
        return Err(Fault::new(
            Code::Forbidden,
            "only an admin may choose a client's plan",
        ));
    }
    check_texts(&[
        ("name", new.name.as_deref()),
        ("contact", new.contact.as_deref()),
    ])?;
    let plan_name = new.plan.unwrap_or_else(|| DEFAULT_PLAN.to_owned());
    let client = Client {
        name: new.name.unwrap_or_else(|| new.id.to_string()),
        contact: new.contact.unwrap_or_default(),
        plan: plan(&call.app, &plan_name)?,
        plan_name,
        created_ms: call.now_ms,
        slots: Vec::new(),
        id: new.id,
    };
    let exists = || {
        Fault::new(
            Code::ClientExists,
            format!("there is a client {} already", client.id),
        )
    };
    if call.app.metadata.client(&client.id).await?.is_some() {
        return Err(exists());
    }
    if !is_admin && was_removed(&call, &client.id).await? {
        let detail = format!(
            "there was a client {}, and its documents may still be there: only an admin can give its id to somebody again",
            client.id
        );
        return Err(Fault::new(Code::ClientExists, detail));
    }
    let used = invitations::take(&call).await?;
    let detail = json!({ "name": client.name, "plan": client.plan_name, "invitation": used });
    let audit = call.audit("client.register", &client.id, Some(&client.id), detail);
    if let Err(error) = call.app.metadata.create(&client, Some(audit)).await {
        invitations::give_back(&call).await;
        return Err(if matches!(error, StoreError::Exists { .. }) {
            exists()
        } else {
            error.into()
        });
    }
    let scope = Scope::Client {
        client: client.id.clone(),
    };
    let (token, bearer) = new_token(scope, "first", call.now_ms, None)?;
    call.app
        .metadata
        .create(
            &token,
            Some(call.audit(
                "token.create",
                &token.id,
                Some(&client.id),
                json!({ "name": token.name }),
            )),
        )
        .await?;
    let token = CreatedToken {
        info: tokens::info(token),
        token: bearer.to_string(),
    };
    json(
        201,
        &Registered {
            client: info(client),
            token,
        },
    )
}

/// Whether the last that is known of a client is its removal. Its documents outlive it, and whoever has its id can search
/// them.
async fn was_removed(call: &Call, id: &ClientId) -> Result<bool, Fault> {
    let store = call.app.metadata.store();
    let newest = store.audit(Some(id), None, 1).await?;
    Ok(newest
        .first()
        .is_some_and(|entry| entry.action == removal::CLIENT_REMOVED))
}

async fn list(call: Call) -> Result<HttpResponse, Fault> {
    let page = call.app.metadata.list::<Client>(&call.page_of("")?).await?;
    json(
        200,
        &Page {
            items: page
                .items
                .into_iter()
                .map(|client| info(client.value))
                .collect(),
            next: page.next,
        },
    )
}

async fn get(call: Call) -> Result<HttpResponse, Fault> {
    json(200, &info(call.client().await?.value))
}

async fn update(mut call: Call) -> Result<HttpResponse, Fault> {
    let id = call.client_id()?;
    let patch: ClientPatch = call.json().await?;
    if patch.plan.is_some() && !matches!(call.who, Identity::Admin(_)) {
        return Err(Fault::new(
            Code::Forbidden,
            "only an admin may change a client's plan",
        ));
    }
    check_texts(&[
        ("name", patch.name.as_deref()),
        ("contact", patch.contact.as_deref()),
    ])?;
    let new_plan = patch
        .plan
        .as_deref()
        .map(|name| plan(&call.app, name))
        .transpose()?;
    let changed = change::<Client>(&call.app.metadata, id.as_str(), |before| {
        let mut after = before.clone();
        after.name = patch.name.clone().unwrap_or(after.name);
        after.contact = patch.contact.clone().unwrap_or(after.contact);
        if let (Some(name), Some(plan)) = (&patch.plan, &new_plan) {
            after.plan_name = name.clone();
            after.plan = plan.clone();
        }
        if after == *before {
            return Ok(Decision::Keep);
        }
        let audit = call.audit("client.update", &id, Some(&id), json!(patch));
        Ok(Decision::to(after, audit))
    });
    json(200, &info(changed.await?.ok_or_else(|| no_client(&id))?))
}

async fn delete(call: Call) -> Result<HttpResponse, Fault> {
    removal::client(&call).await?;
    done()
}
