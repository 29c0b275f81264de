//! `audit`: who changed what, and when.

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::{Page, PageQuery};
use domain::audit::AuditEntry;

use super::super::call::{Call, json, page};
use super::super::fault::Fault;
use super::super::route::{Access, Route};
use crate::auth::Identity;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/v1/audit",
            Access::AnyToken,
            "list_audit",
            "The audit log, the newest entry first: a client its own, an admin all",
            |call| Box::pin(list(call)),
        )
        .paged()
        .gives::<Page<AuditEntry>>(200),
    ]
}

async fn list(call: Call) -> Result<HttpResponse, Fault> {
    let (limit, after) = page(call.query::<PageQuery>()?)?;
    let client = match &call.who {
        Identity::Client(client, _) => Some(client),
        Identity::Admin(_) | Identity::Anonymous | Identity::Invited(_) => None,
    };
    let items = call
        .app
        .metadata
        .store()
        .audit(client, after.as_deref(), limit)
        .await?;
    let next = (items.len() == limit as usize)
        .then(|| items.last().map(|entry| entry.id.clone()))
        .flatten();
    json(200, &Page { items, next })
}
