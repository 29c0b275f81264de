//! Tokens saved on this machine: `credentials.json` in the user's configuration folder, mode 0600, by server and client.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use domain::ids::ClientId;

use crate::error::CliError;

/// Tokens by client, by server.
type Saved = BTreeMap<String, BTreeMap<ClientId, String>>;

/// The file with the saved tokens.
#[derive(Debug, Clone)]
pub struct Credentials(PathBuf);

impl Credentials {
    /// The file in this folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self(folder.join("credentials.json"))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The token saved for a client of a server.
    pub fn get(&self, server: &str, client: &ClientId) -> Result<Option<String>, CliError> {
        Ok(self
            .read()?
            .remove(server)
            .and_then(|mut tokens| tokens.remove(client)))
    }

    /// The token saved for a server, if there is exactly one.
    pub fn only(&self, server: &str) -> Result<Option<String>, CliError> {
        let tokens = self.read()?.remove(server).unwrap_or_default();
        let mut tokens = tokens.into_values();
        Ok(tokens.next().filter(|_| tokens.len() == 0))
    }

    /// Saves a token, in place of the one that was saved for this client of this server.
    pub fn save(&self, server: &str, client: &ClientId, token: &str) -> Result<(), CliError> {
        let mut saved = self.read()?;
        saved
            .entry(server.to_owned())
            .or_default()
            .insert(client.clone(), token.to_owned());
        self.write(&saved)
    }

    /// Forgets the token of a client that was removed; says whether there was one.
    pub fn forget(&self, server: &str, client: &ClientId) -> Result<bool, CliError> {
        let mut saved = self.read()?;
        let forgotten = saved
            .get_mut(server)
            .is_some_and(|tokens| tokens.remove(client).is_some());
        if forgotten {
            saved.retain(|_, tokens| !tokens.is_empty());
            self.write(&saved)?;
        }
        Ok(forgotten)
    }

    fn read(&self) -> Result<Saved, CliError> {
        let text = match fs::read(&self.0) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Saved::new()),
            Err(source) => return Err(self.failed(source)),
        };
        serde_json::from_slice(&text)
            .map_err(|e| self.failed(io::Error::other(format!("is not what was saved: {e}"))))
    }

    /// Replaces the file: whole or not at all.
    fn write(&self, saved: &Saved) -> Result<(), CliError> {
        let text = serde_json::to_vec_pretty(saved).map_err(|e| CliError::Render(e.to_string()))?;
        let write = || {
            if let Some(folder) = self.0.parent() {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(folder)?;
            }
            let unfinished = self
                .0
                .with_extension(format!("{}.unfinished", std::process::id()));
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&unfinished)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&unfinished, &self.0)
        };
        write().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> CliError {
        CliError::File {
            path: self.0.clone(),
            source,
        }
    }
}
