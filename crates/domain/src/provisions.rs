//! What the operator provides for the clients' pipelines.

use std::collections::BTreeMap;
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
