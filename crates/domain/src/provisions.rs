//! What the operator provides for the clients' pipelines.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use wrangling::{Environment, Resources};

/// Files and variables that pipelines may use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provisions {
    /// The folder of the files that filters name: dictionaries, patterns, databases. None: no file is looked at, which is
    /// for checks of a spec without an installation.
    pub resources: Option<PathBuf>,
    /// What `${NAME}` stands for.
    pub variables: BTreeMap<String, String>,
}

/// What the operator decides about the containers of all runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Containers {
    /// Which installation of the platform puts them up: several may share a Docker.
    pub platform: String,
    /// Where Docker is. Default: what `DOCKER_HOST` says, else its socket on this host.
    pub docker_host: Option<String>,
    /// Filebeat's image. Default: Elastic's.
    pub filebeat_image: Option<String>,
    /// Logstash's image. Default: Elastic's.
    pub logstash_image: Option<String>,
    /// A network of Docker's that the core DMS is in. Default: the worker passes connections on.
    pub network: Option<String>,
    /// User id of the programs, not root. Default: the manager's own, else 1000.
    pub user: Option<NonZeroU32>,
}

impl Provisions {
    /// An environment with them, to be filled with what is known of a run.
    #[must_use]
    pub fn environment(&self) -> Environment {
        Environment {
            resources: match &self.resources {
                Some(folder) => Resources::Folder(folder.clone()),
                None => Resources::Unchecked,
            },
            variables: self.variables.clone(),
            ..Environment::default()
        }
    }
}
