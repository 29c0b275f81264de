//! From layers of settings to a configuration, collecting everything that is wrong.

use std::fmt;
use std::io;
use std::path::Path;

use domain::plan::Plan;
use toml::{Table, Value};

use super::keys::{KEYS, Key};
use super::{Config, CoreDmsConfig};

/// Where settings come from besides the file.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// Variables of the environment; those that name no key are passed over.
    pub environment: Vec<(String, String)>,
    /// Flags, by key (`core_dms.url`).
    pub flags: Vec<(String, String)>,
}

impl Layers {
    /// The process's environment under these flags.
    pub fn of_process(flags: Vec<(String, String)>) -> Self {
        let utf8 = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            environment: std::env::vars_os().filter_map(utf8).collect(),
            flags,
        }
    }
}

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Where: the file, variable or flag, and the key.
    pub place: String,
    /// What.
    pub reason: String,
}

/// Everything that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigProblem>);

impl std::error::Error for ConfigErrors {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration cannot be used:")?;
        self.0
            .iter()
            .try_for_each(|problem| write!(f, "\n  {}: {}", problem.place, problem.reason))
    }
}

/// A configuration in the making.
struct Loader {
    config: Config,
    problems: Vec<ConfigProblem>,
}

impl Config {
    /// The configuration of a home: its `config.toml` (which may be missing) under these layers.
    pub fn load(file: &Path, layers: &Layers) -> Result<Self, ConfigErrors> {
        let mut loader = Loader {
            config: Config::default(),
            problems: Vec::new(),
        };
        let place = file.display().to_string();
        match std::fs::read_to_string(file) {
            Ok(text) => loader.file(&place, &text),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => loader.problem(place, e),
        }
        loader.layers(layers)
    }

    /// The same from a file's text.
    pub fn parse(text: &str, layers: &Layers) -> Result<Self, ConfigErrors> {
        let mut loader = Loader {
            config: Config::default(),
            problems: Vec::new(),
        };
        loader.file("config.toml", text);
        loader.layers(layers)
    }
}

impl Loader {
    fn problem(&mut self, place: impl Into<String>, reason: impl ToString) {
        self.problems.push(ConfigProblem {
            place: place.into(),
            reason: reason.to_string(),
        });
    }

    fn layers(mut self, layers: &Layers) -> Result<Config, ConfigErrors> {
        for key in KEYS {
            let variable = key.variable();
            if let Some((_, value)) = layers
                .environment
                .iter()
                .find(|(name, _)| *name == variable)
            {
                self.set(
                    key,
                    &format!("environment variable {variable}"),
                    Value::String(value.clone()),
                );
            }
        }
        for (name, value) in &layers.flags {
            let place = format!("flag {name}");
            match Key::find(name) {
                Some(key) => self.set(key, &place, Value::String(value.clone())),
                None => self.problem(place, "there is no such setting"),
            }
        }
        self.whole();
        if self.problems.is_empty() {
            Ok(self.config)
        } else {
            Err(ConfigErrors(self.problems))
        }
    }

    fn set(&mut self, key: &Key, place: &str, value: Value) {
        if let Err(reason) = (key.set)(&mut self.config, value) {
            self.problem(place, reason);
        }
    }

    fn file(&mut self, place: &str, text: &str) {
        match text.parse::<Table>() {
            Ok(table) => self.table(place, "", table),
            Err(e) => self.problem(place, e),
        }
    }

    /// The settings of a table of the file, `prefix` being its own path with a dot behind it.
    fn table(&mut self, place: &str, prefix: &str, table: Table) {
        for (name, value) in table {
            let path = format!("{prefix}{name}");
            let at = format!("{place}: {path}");
            let section = format!("{path}.");
            match (Key::find(&path), value) {
                (Some(key), value) => self.set(key, &at, value),
                (None, Value::Table(plans)) if path == "plans" => self.plans(&at, plans),
                (None, Value::Table(variables)) if path == "variables" => {
                    self.variables(&at, variables);
                }
                (None, Value::Table(inner))
                    if KEYS.iter().any(|key| key.path.starts_with(&section)) =>
                {
                    self.table(place, &section, inner);
                }
                (None, _) => self.problem(at, "there is no such setting"),
            }
        }
    }

    fn plans(&mut self, place: &str, plans: Table) {
        for (name, value) in plans {
            match value.try_into::<Plan>() {
                Ok(plan) => drop(self.config.plans.insert(name, plan)),
                Err(e) => self.problem(format!("{place}.{name}"), e.message()),
            }
        }
    }

    fn variables(&mut self, place: &str, variables: Table) {
        for (name, value) in variables {
            match value {
                Value::String(text) => drop(self.config.variables.insert(name, text)),
                Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => {
                    drop(self.config.variables.insert(name, value.to_string()));
                }
                other => {
                    let reason = format!("must be a text, not {}", other.type_str());
                    self.problem(format!("{place}.{name}"), reason);
                }
            }
        }
    }

    /// What no single key shows.
    fn whole(&mut self) {
        let config = &self.config;
        let user = config.core_dms_username.is_some();
        let key = config.core_dms_api_key_file.is_some();
        let mut found = Vec::new();
        if user != config.core_dms_password_file.is_some() {
            found.push("username and password_file belong together");
        }
        if user && key {
            found.push("give an API key or a user, not both");
        }
        let url_is_good = !self
            .problems
            .iter()
            .any(|problem| problem.place.ends_with("core_dms.url"));
        if url_is_good
            && config.core_dms == CoreDmsConfig::Embedded
            && (user || key || config.core_dms_ca_file.is_some())
        {
            found.push("the embedded core DMS makes its own key: credentials belong to a server named by core_dms.url");
        }
        let kibana_is_alone = url_is_good
            && config.core_dms == CoreDmsConfig::Embedded
            && config.kibana_url.is_some();
        let is_half = config.tls_certificate.is_some() != config.tls_key.is_some();
        for reason in found {
            self.problem("core_dms", reason);
        }
        if is_half {
            self.problem("tls", "certificate and key belong together");
        }
        if kibana_is_alone {
            self.problem(
                "kibana",
                "Kibana shows what is in Elasticsearch only: name that by core_dms.url",
            );
        }
    }
}
