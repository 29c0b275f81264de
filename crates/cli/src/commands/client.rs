//! `ingest client`.

use api::{ClientPatch, NewClient, Registered, UsageQuery};
use domain::ids::ClientId;

use super::Context;
use crate::args::ClientCommand;
use crate::connect::Role;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::{Tone, View, admin};

pub(super) async fn run(context: &Context, command: ClientCommand) -> Result<Exit, CliError> {
    match command {
        ClientCommand::Register {
            id,
            name,
            contact,
            plan,
            no_save,
        } => {
            register(
                context,
                NewClient {
                    id,
                    name,
                    contact,
                    plan,
                },
                !no_save,
            )
            .await
        }
        ClientCommand::List(page) => {
            let api = context.client(Role::Operator)?;
            context
                .list(
                    &page,
                    async |query| api.clients(&query).await,
                    admin::clients,
                )
                .await
        }
        ClientCommand::Show { id } => {
            let client = context.client(Role::Client(&id))?.client(&id).await?;
            context
                .out
                .show(&client, |view| admin::client(&client, view))?;
            Ok(Exit::Ok)
        }
        ClientCommand::Usage { id, from, to } => {
            let api = context.client(Role::Client(&id))?;
            let usage = api.usage(&id, &UsageQuery { from, to }).await?;
            context
                .out
                .show(&usage, |view| admin::usage(&usage, view))?;
            Ok(Exit::Ok)
        }
        ClientCommand::Update {
            id,
            name,
            contact,
            plan,
        } => {
            // a plan is the operator's to give
            let role = if plan.is_some() {
                Role::Operator
            } else {
                Role::Client(&id)
            };
            let patch = ClientPatch {
                name,
                contact,
                plan,
            };
            let client = context.client(role)?.update_client(&id, &patch).await?;
            context
                .out
                .show(&client, |view| admin::client(&client, view))?;
            Ok(Exit::Ok)
        }
        ClientCommand::Delete { id, yes } => delete(context, &id, yes).await,
    }
}

async fn register(context: &Context, client: NewClient, save: bool) -> Result<Exit, CliError> {
    let registered = context.client(Role::Operator)?.register(&client).await?;
    // shown before it is saved: a token that nobody got to see would be lost
    context
        .out
        .show(&registered, |view| welcome(&registered, view))?;
    if save {
        save_token(context, &registered.client.id, &registered.token.token)?;
    }
    Ok(Exit::Ok)
}

fn welcome(registered: &Registered, view: &View) -> String {
    let client = &registered.client;
    format!(
        "{} is registered, on the plan {}\n{}",
        view.paint(Tone::Strong, &client.id),
        client.plan_name,
        admin::created_token(&registered.token, view),
    )
}

/// Saves a token on this machine and says where.
pub(super) fn save_token(
    context: &Context,
    client: &ClientId,
    token: &str,
) -> Result<(), CliError> {
    let Some(credentials) = &context.sources.credentials else {
        context
            .out
            .note("the token is not saved: there is no home directory (HOME)");
        return Ok(());
    };
    credentials.save(&context.sources.server(), client, token)?;
    context.out.note(format!(
        "saved to {} for the commands that follow",
        credentials.path().display()
    ));
    Ok(())
}

async fn delete(context: &Context, id: &ClientId, yes: bool) -> Result<Exit, CliError> {
    context.confirm(
        &format!("the client {id} with its jobs, staged files, runs and tokens"),
        yes,
    )?;
    context.client(Role::Operator)?.delete_client(id).await?;
    if let Some(credentials) = &context.sources.credentials {
        credentials.forget(&context.sources.server(), id)?;
    }
    context.out.done(format!(
        "{id} is removed; its documents stay in the core DMS"
    ))?;
    Ok(Exit::Ok)
}
