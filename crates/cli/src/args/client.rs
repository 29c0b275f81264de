//! `ingest client`, `ingest token`, `ingest invitation`.

use clap::Subcommand;
use domain::ids::{ClientId, TokenId};
use domain::units::Span;

use super::PageArgs;

/// What to do with clients.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Register a client; its first token is shown once, and saved for the commands that follow
    ///
    /// Where an invitation is needed, give it as the token: by --token-file or INGEST_TOKEN.
    Register {
        /// The id that it shall have: 1 to 63 of a-z, 0-9 and '-'
        id: ClientId,
        /// Its name, for people [default: the id]
        #[arg(long)]
        name: Option<String>,
        /// How to reach it, for people
        #[arg(long)]
        contact: Option<String>,
        /// Name of the plan; admins only
        #[arg(long)]
        plan: Option<String>,
        /// Do not save the token on this machine
        #[arg(long)]
        no_save: bool,
    },
    /// List the clients; admins only
    List(PageArgs),
    /// Show a client's profile with its constraints
    Show {
        /// Which client
        #[arg(value_name = "CLIENT")]
        id: ClientId,
    },
    /// Show what a client's runs have used, day by day (UTC)
    Usage {
        /// Which client
        #[arg(value_name = "CLIENT")]
        id: ClientId,
        /// The first day, as 2026-11-01 [default: 30 days before the last]
        #[arg(long, value_name = "DAY")]
        from: Option<String>,
        /// The last day [default: today]
        #[arg(long, value_name = "DAY")]
        to: Option<String>,
    },
    /// Change a client's profile
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true).args(["name", "contact", "plan"]))]
    Update {
        /// Which client
        #[arg(value_name = "CLIENT")]
        id: ClientId,
        /// A new name
        #[arg(long)]
        name: Option<String>,
        /// A new contact
        #[arg(long)]
        contact: Option<String>,
        /// Name of another plan, or of the same one to take it as it is configured now; admins only
        #[arg(long)]
        plan: Option<String>,
    },
    /// Remove a client with its jobs, files and tokens (its documents stay); admins only
    Delete {
        /// Which client
        #[arg(value_name = "CLIENT")]
        id: ClientId,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token of a client; it is shown once
    Create {
        /// Whose
        client: ClientId,
        /// What to call it
        #[arg(long, default_value = "")]
        name: String,
        /// How long it is good, for example 90days [default: no end]
        #[arg(long, value_name = "SPAN")]
        expires_in: Option<Span>,
        /// Save it on this machine, in place of the one that is saved for this client
        #[arg(long)]
        save: bool,
    },
    /// List a client's tokens
    List {
        /// Whose
        client: ClientId,
        /// Which part of the list
        #[command(flatten)]
        page: PageArgs,
    },
    /// Revoke a token, for good
    Revoke {
        /// Whose
        client: ClientId,
        /// Which one, by its id
        token: TokenId,
    },
}

/// What to do with invitations.
#[derive(Debug, Subcommand)]
pub enum InvitationCommand {
    /// Make an invitation; it is shown once; admins only
    Create {
        /// What to call it
        #[arg(long, default_value = "")]
        name: String,
        /// How long it is good, for example 7days [default: no end]
        #[arg(long, value_name = "SPAN")]
        expires_in: Option<Span>,
    },
    /// List the invitations; admins only
    List(PageArgs),
    /// Withdraw an invitation; admins only
    Withdraw {
        /// Which one, by its id
        invitation: TokenId,
    },
}
