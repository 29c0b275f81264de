//! The platform itself: readiness, audit log, plans, the API's description.

use api::Page;

use super::Context;
use crate::args::PageArgs;
use crate::connect::Role;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::admin;

pub(super) async fn status(context: &Context) -> Result<Exit, CliError> {
    let api = context.client(Role::Operator)?;
    let ready = api.ready().await?;
    context
        .out
        .show(&ready, |view| admin::ready(api.url(), &ready, view))?;
    Ok(if ready.ready {
        Exit::Ok
    } else {
        Exit::Unexpected
    })
}

pub(super) async fn audit(context: &Context, page: &PageArgs) -> Result<Exit, CliError> {
    let api = context.client(Role::Operator)?;
    context
        .list(page, async |query| api.audit(&query).await, admin::audit)
        .await
}

pub(super) async fn plans(context: &Context) -> Result<Exit, CliError> {
    let items = context.client(Role::Operator)?.plans().await?;
    let page = Page { items, next: None };
    context
        .out
        .show(&page, |view| admin::plans(&page.items, view))?;
    Ok(Exit::Ok)
}

pub(super) async fn openapi(context: &Context) -> Result<Exit, CliError> {
    let description = context.client(Role::Operator)?.openapi().await?;
    context.out.json(&description)?;
    Ok(Exit::Ok)
}
