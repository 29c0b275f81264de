//! The folder of the compose file: the file itself, `.env` with passwords and ports, and the password for the manager.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use coredms::compose::COMPOSE;
use manager::{make_private_dir, write_private};
use sha2::{Digest, Sha256};

use crate::args::CoreDmsPlace;
use crate::commands::Context;
use crate::error::CliError;

const PROJECT: &str = "COMPOSE_PROJECT_NAME";
const PORT: &str = "ELASTICSEARCH_PORT";
const KIBANA_PORT: &str = "KIBANA_PORT";
const ELASTIC_PASSWORD: &str = "ELASTIC_PASSWORD";
const KIBANA_PASSWORD: &str = "KIBANA_PASSWORD";
const ENCRYPTION_KEY: &str = "KIBANA_ENCRYPTION_KEY";

/// What compose reads from `.env`.
pub(super) const VARIABLES: [&str; 6] = [
    PROJECT,
    PORT,
    KIBANA_PORT,
    ELASTIC_PASSWORD,
    KIBANA_PASSWORD,
    ENCRYPTION_KEY,
];

/// The folder, by its absolute path.
pub(super) struct Place(PathBuf);

/// What `.env` says.
pub(super) struct Settings {
    pub port: u16,
    pub kibana_port: u16,
    pub elastic_password: String,
    pub kibana_password: String,
}

impl Place {
    /// The folder that is meant; it may not be there yet.
    pub(super) fn find(context: &Context, place: &CoreDmsPlace) -> Result<Self, CliError> {
        let home = || Some(context.sources.home.as_ref()?.join("coredms-real"));
        let dir = place
            .dir
            .clone()
            .or_else(home)
            .ok_or_else(|| CliError::Usage {
                message: "there is no home directory (HOME) in which its files could be".into(),
                next_step: "name a folder by --dir, --home or INGEST_HOME".into(),
            })?;
        match std::path::absolute(&dir) {
            Ok(dir) => Ok(Self(dir)),
            Err(source) => Err(CliError::File { path: dir, source }),
        }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.0
    }

    pub(super) fn compose_file(&self) -> PathBuf {
        self.0.join("docker-compose.yml")
    }

    pub(super) fn password_file(&self) -> PathBuf {
        self.0.join("elastic.password")
    }

    fn env_file(&self) -> PathBuf {
        self.0.join(".env")
    }

    /// The name under which Docker knows what belongs to this folder; folders do not share data.
    pub(super) fn project(&self) -> String {
        let digest = Sha256::digest(self.0.as_os_str().as_encoded_bytes());
        format!("ingest-coredms-{}", hex::encode(&digest[..4]))
    }

    /// Refuses a folder in which nothing was started.
    pub(super) fn must_exist(&self) -> Result<(), CliError> {
        if self.compose_file().is_file() {
            return Ok(());
        }
        Err(CliError::Usage {
            message: format!("nothing was started from {}", self.0.display()),
            next_step: "start it with `ingest coredms up`, or name the folder by --dir".into(),
        })
    }

    /// Puts the files in place. Passwords that are there stay: the servers' data was made with them.
    pub(super) fn write(
        &self,
        port: Option<u16>,
        kibana_port: Option<u16>,
    ) -> Result<Settings, CliError> {
        let written = self.settings(port, kibana_port).and_then(|variables| {
            let lines = variables
                .iter()
                .map(|(name, value)| format!("{name}={value}\n"));
            make_private_dir(&self.0)?;
            write_private(&self.env_file(), lines.collect::<String>().as_bytes())?;
            write_private(&self.compose_file(), COMPOSE.as_bytes())?;
            let value = |name| variables.get(name).cloned().unwrap_or_default();
            let settings = Settings {
                port: number(&value(PORT))?,
                kibana_port: number(&value(KIBANA_PORT))?,
                elastic_password: value(ELASTIC_PASSWORD),
                kibana_password: value(KIBANA_PASSWORD),
            };
            write_private(&self.password_file(), settings.elastic_password.as_bytes())?;
            Ok(settings)
        });
        written.map_err(|source| CliError::File {
            path: self.0.clone(),
            source,
        })
    }

    /// What is in `.env`, with what is missing and the ports that are wanted.
    fn settings(
        &self,
        port: Option<u16>,
        kibana_port: Option<u16>,
    ) -> io::Result<BTreeMap<String, String>> {
        let before = match fs::read_to_string(self.env_file()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        let mut variables: BTreeMap<String, String> = before
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        variables.insert(PROJECT.into(), self.project());
        for name in [ELASTIC_PASSWORD, KIBANA_PASSWORD, ENCRYPTION_KEY] {
            let secret = || hex::encode(rand::random::<[u8; 16]>());
            variables.entry(name.into()).or_insert_with(secret);
        }
        for (name, wanted, default) in [(PORT, port, 9200), (KIBANA_PORT, kibana_port, 5601)] {
            match wanted {
                Some(port) => drop(variables.insert(name.into(), port.to_string())),
                None => drop(variables.entry(name.into()).or_insert(default.to_string())),
            }
        }
        Ok(variables)
    }
}

fn number(port: &str) -> io::Result<u16> {
    let message = format!("in .env, {port:?} is no port");
    port.parse().map_err(|_| io::Error::other(message))
}
