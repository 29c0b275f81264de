//! Finding the manager and the token to show it.
//!
//! Address: `--server`, else `INGEST_SERVER`, else the home's `manager.json`, else the default one. Token:
//! `--token-file`, else `INGEST_TOKEN`, else one that was saved for this address, else the admin token of the home, which
//! is only ever sent to the address that this home's manager has written down itself.

mod credentials;

use std::path::{Path, PathBuf};

use api::{Client, ClientOptions};
use domain::ids::ClientId;
use manager::{HomePaths, ManagerAddress};

pub use credentials::Credentials;

use crate::args::Global;
use crate::error::CliError;

/// Where a manager listens if nobody says otherwise.
pub const DEFAULT_SERVER: &str = "http://127.0.0.1:8640";

/// For whom a command acts: it decides which token is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role<'a> {
    /// This client; an admin may act for it.
    Client(&'a ClientId),
    /// The operator.
    Operator,
}

/// A token, and where it came from in words.
#[derive(Clone, PartialEq, Eq)]
pub struct FoundToken {
    /// The token.
    pub token: String,
    /// Where it came from, for error messages.
    pub from: String,
}

impl std::fmt::Debug for FoundToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "token from {}", self.from)
    }
}

/// Everything that says where the manager is and what to show it.
#[derive(Clone)]
pub struct Sources {
    /// `--server` or `INGEST_SERVER`.
    pub server: Option<String>,
    /// `--ca-file` or `INGEST_CA_FILE`.
    pub ca_file: Option<PathBuf>,
    /// `--token-file`.
    pub token_file: Option<PathBuf>,
    /// `INGEST_TOKEN`.
    pub token: Option<String>,
    /// The home of the installation on this machine, if the user has one.
    pub home: Option<PathBuf>,
    /// Where tokens are saved; none if the user has no home directory.
    pub credentials: Option<Credentials>,
}

impl Sources {
    /// Those of this process.
    pub fn of_process(global: &Global) -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            server: global.server.clone(),
            ca_file: global.ca_file.clone(),
            token_file: global.token_file.clone(),
            token: variable("INGEST_TOKEN"),
            home: global.home.clone().or_else(default_home),
            credentials: user_folder("XDG_CONFIG_HOME", ".config")
                .map(|folder| Credentials::in_folder(&folder)),
        }
    }

    /// The manager's address.
    pub fn server(&self) -> String {
        let named = self.server.clone().filter(|url| !url.is_empty());
        let url = named
            .or_else(|| self.local_server())
            .unwrap_or_else(|| DEFAULT_SERVER.into());
        url.trim_end_matches('/').to_owned()
    }

    /// The address that the home's manager has written down.
    fn local_server(&self) -> Option<String> {
        let address = self.local_manager()?;
        Some(address.url.trim_end_matches('/').to_owned())
    }

    fn local_manager(&self) -> Option<ManagerAddress> {
        ManagerAddress::read(&HomePaths::new(self.home.as_ref()?))
    }

    /// What to trust besides the web's authorities: what the user names, else what the home's manager shows, if it is that.
    fn trusted(&self, server: &str) -> Option<PathBuf> {
        let named = self.ca_file.clone();
        named.or_else(|| self.home_of(server).and(self.local_manager())?.certificate)
    }

    /// The home, if `server` is its manager's address.
    pub fn home_of(&self, server: &str) -> Option<HomePaths> {
        let is_local = self.local_server().is_some_and(|local| local == server);
        is_local.then(|| HomePaths::new(self.home.clone().unwrap_or_default()))
    }

    /// The token to show the manager at `server`; none if there is none.
    pub fn token(&self, server: &str, role: Role<'_>) -> Result<Option<FoundToken>, CliError> {
        if let Some(path) = &self.token_file {
            let token = read_token(path)?;
            return Ok(Some(FoundToken {
                token,
                from: path.display().to_string(),
            }));
        }
        if let Some(token) = &self.token {
            return Ok(Some(FoundToken {
                token: token.trim().to_owned(),
                from: "INGEST_TOKEN".into(),
            }));
        }
        match role {
            Role::Client(client) => Ok(self
                .saved(server, Some(client))?
                .or_else(|| self.admin(server))),
            Role::Operator => match self.admin(server) {
                Some(token) => Ok(Some(token)),
                None => self.saved(server, None),
            },
        }
    }

    /// The token saved for a client of a server; without a client the only one there is.
    fn saved(
        &self,
        server: &str,
        client: Option<&ClientId>,
    ) -> Result<Option<FoundToken>, CliError> {
        let Some(credentials) = &self.credentials else {
            return Ok(None);
        };
        let token = match client {
            Some(client) => credentials.get(server, client)?,
            None => credentials.only(server)?,
        };
        let from = credentials.path().display().to_string();
        Ok(token.map(|token| FoundToken { token, from }))
    }

    /// The admin token of the home, if `server` is its manager.
    fn admin(&self, server: &str) -> Option<FoundToken> {
        let path = self.home_of(server)?.admin_token();
        // another user's home: its admin token is not ours to read, and that is no error
        let token = std::fs::read_to_string(&path).ok()?.trim().to_owned();
        (!token.is_empty()).then(|| FoundToken {
            token,
            from: path.display().to_string(),
        })
    }

    /// A client of the manager, and where its token came from.
    pub fn client(&self, role: Role<'_>) -> Result<(Client, Option<String>), CliError> {
        let server = self.server();
        let token = self.token(&server, role)?;
        let from = token.as_ref().map(|token| token.from.clone());
        let options = ClientOptions {
            ca_file: self.trusted(&server),
            ..ClientOptions::new(server, token.map(|token| token.token))
        };
        Ok((Client::new(options)?, from))
    }
}

fn read_token(path: &Path) -> Result<String, CliError> {
    let text = std::fs::read_to_string(path).map_err(|source| CliError::File {
        path: path.to_owned(),
        source,
    })?;
    match text.trim() {
        "" => Err(CliError::Usage {
            message: format!("{} holds no token", path.display()),
            next_step: "write a token to it, as `ingest token create` shows it".into(),
        }),
        token => Ok(token.to_owned()),
    }
}

/// The home folder of an installation if none is named.
pub fn default_home() -> Option<PathBuf> {
    user_folder("XDG_DATA_HOME", ".local/share")
}

/// The folder `ingest` in one of the user's base directories (XDG).
fn user_folder(variable: &str, default: &str) -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = absolute(variable).or_else(|| Some(absolute("HOME")?.join(default)))?;
    Some(base.join("ingest"))
}

#[cfg(test)]
mod tests;
