//! `ingest token` and `ingest invitation`.

use api::{NewInvitation, NewToken};

use super::Context;
use super::client::save_token;
use crate::args::{InvitationCommand, TokenCommand};
use crate::connect::Role;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::admin;

pub(super) async fn run(context: &Context, command: TokenCommand) -> Result<Exit, CliError> {
    match command {
        TokenCommand::Create {
            client,
            name,
            expires_in,
            save,
        } => {
            let api = context.client(Role::Client(&client))?;
            let token = api
                .create_token(&client, &NewToken { name, expires_in })
                .await?;
            context
                .out
                .show(&token, |view| admin::created_token(&token, view))?;
            if save {
                save_token(context, &client, &token.token)?;
            }
            Ok(Exit::Ok)
        }
        TokenCommand::List { client, page } => {
            let api = context.client(Role::Client(&client))?;
            context
                .list(
                    &page,
                    async |query| api.tokens(&client, &query).await,
                    admin::tokens,
                )
                .await
        }
        TokenCommand::Revoke { client, token } => {
            context
                .client(Role::Client(&client))?
                .revoke_token(&client, &token)
                .await?;
            context.out.done(format!("{token} is revoked"))?;
            Ok(Exit::Ok)
        }
    }
}

pub(super) async fn invitation(
    context: &Context,
    command: InvitationCommand,
) -> Result<Exit, CliError> {
    let api = context.client(Role::Operator)?;
    match command {
        InvitationCommand::Create { name, expires_in } => {
            let invitation = api.invite(&NewInvitation { name, expires_in }).await?;
            context
                .out
                .show(&invitation, |view| admin::created_token(&invitation, view))?;
            Ok(Exit::Ok)
        }
        InvitationCommand::List(page) => {
            context
                .list(
                    &page,
                    async |query| api.invitations(&query).await,
                    admin::tokens,
                )
                .await
        }
        InvitationCommand::Withdraw { invitation } => {
            api.withdraw_invitation(&invitation).await?;
            context.out.done(format!("{invitation} is withdrawn"))?;
            Ok(Exit::Ok)
        }
    }
}
