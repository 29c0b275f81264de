//! The table of keys: what each one is called, what it means, and how its value is taken in.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use toml::Value;

use super::{Config, CoreDmsConfig, MetadataUrl};
use crate::telemetry;

/// One key of the configuration.
pub(super) struct Key {
    /// Its path in the file; also its name as a flag.
    pub path: &'static str,
    /// Its default, in TOML; none if it has none.
    pub default: Option<&'static str>,
    /// What it means.
    pub doc: &'static str,
    /// Takes a value in, or says what is wrong with it.
    pub set: fn(&mut Config, Value) -> Result<(), String>,
}

impl Key {
    /// Its environment variable.
    pub(super) fn variable(&self) -> String {
        format!("INGEST_{}", self.path.to_uppercase().replace('.', "_"))
    }

    /// The key of this path.
    pub(super) fn find(path: &str) -> Option<&'static Key> {
        KEYS.iter().find(|key| key.path == path)
    }
}

/// A value from the file, or a text from the environment or a flag.
fn take<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    let short = |e: toml::de::Error| e.message().to_owned();
    if let Value::String(text) = &value
        && let Ok(typed) = text.parse::<Value>()
        && let Ok(taken) = typed.try_into::<T>()
    {
        return Ok(taken);
    }
    value.try_into().map_err(short)
}

fn put<T>(slot: &mut T, value: Result<T, String>) -> Result<(), String> {
    *slot = value?;
    Ok(())
}

fn text(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Ok(text),
        Value::String(_) => Err("must not be empty".into()),
        other => Err(format!("must be a text, not {}", other.type_str())),
    }
}

fn file(value: Value) -> Result<Option<PathBuf>, String> {
    text(value).map(|path| Some(path.into()))
}

/// All keys but the plans, in the order of the printed file.
pub(super) const KEYS: &[Key] = &[
    Key {
        path: "listen",
        default: Some("\"127.0.0.1:8640\""),
        doc: "Where the API listens. Beyond loopback, give it a certificate (tls), or put a proxy that speaks TLS in front of it.",
        set: |config, value| put(&mut config.listen, take(value)),
    },
    Key {
        path: "registration",
        default: Some("\"open\""),
        doc: "Who may register clients: \"open\" (everybody), \"invite\" (who has an invitation), \"admin\".",
        set: |config, value| put(&mut config.registration, take(value)),
    },
    Key {
        path: "admin_token_file",
        default: Some("true"),
        doc: "Whether the first admin token is also written to HOME/admin.token (mode 0600), where the command line finds it.",
        set: |config, value| put(&mut config.admin_token_file, take(value)),
    },
    Key {
        path: "log",
        default: Some("\"info\""),
        doc: "Log level (error, warn, info, debug, trace) or filter (\"info,manager=debug\").",
        set: |config, value| {
            config.log = text(value)?;
            telemetry::check(&config.log)
        },
    },
    Key {
        path: "monitor_interval",
        default: Some("\"1s\""),
        doc: "How often a run is sampled.",
        set: |config, value| put(&mut config.monitor_interval, take(value)),
    },
    Key {
        path: "stall_after",
        default: Some("\"30s\""),
        doc: "A run without progress for so long, while work remains, is shown as stalled.",
        set: |config, value| put(&mut config.stall_after, take(value)),
    },
    Key {
        path: "grace_period",
        default: Some("\"10s\""),
        doc: "How long requests and runs have to come to rest when the manager stops.",
        set: |config, value| put(&mut config.grace_period, take(value)),
    },
    Key {
        path: "orphan_after",
        default: Some("\"1m\""),
        doc: "How long a worker goes on without a manager.",
        set: |config, value| put(&mut config.orphan_after, take(value)),
    },
    Key {
        path: "max_runs",
        default: Some("16"),
        doc: "Runs under way on this machine at once; clients take turns by the weights of their plans, and the last place is kept for a client that has none under way.",
        set: |config, value| match take(value)? {
            0 => Err("must be at least 1".into()),
            runs => put(&mut config.max_runs, Ok(runs)),
        },
    },
    Key {
        path: "audit_retention",
        default: Some("\"365days\""),
        doc: "How long audit entries are kept; none is removed that is younger than a run that is still kept.",
        set: |config, value| put(&mut config.audit_retention, take(value)),
    },
    Key {
        path: "series_retention",
        default: Some("\"90days\""),
        doc: "How long the series of runs that have ended are kept, if their plan does not remove the whole run before; reports keep their charts.",
        set: |config, value| put(&mut config.series_retention, take(value)),
    },
    Key {
        path: "worker_program",
        default: None,
        doc: "The worker's program, if not the one that came with this one.",
        set: |config, value| put(&mut config.worker_program, file(value)),
    },
    Key {
        path: "tls.certificate",
        default: None,
        doc: "PEM file of the API's certificate, and of those that lead to its authority. Read at the start.",
        set: |config, value| put(&mut config.tls_certificate, file(value)),
    },
    Key {
        path: "tls.key",
        default: None,
        doc: "PEM file of that certificate's private key.",
        set: |config, value| put(&mut config.tls_key, file(value)),
    },
    Key {
        path: "metadata.url",
        default: Some("\"sqlite\""),
        doc: "Where metadata is kept: \"sqlite\" (in the home), or mongodb://HOST/DATABASE without a password.",
        set: |config, value| put(&mut config.metadata, text(value).and_then(metadata_url)),
    },
    Key {
        path: "metadata.url_file",
        default: None,
        doc: "File that holds the MongoDB address with its password; goes before metadata.url.",
        set: |config, value| {
            put(
                &mut config.metadata,
                text(value).map(|path| MetadataUrl::File(path.into())),
            )
        },
    },
    Key {
        path: "core_dms.url",
        default: Some("\"embedded\""),
        doc: "The core DMS: \"embedded\", or the address of Elasticsearch (https://HOST:9200).",
        set: |config, value| put(&mut config.core_dms, text(value).and_then(core_dms)),
    },
    Key {
        path: "core_dms.api_key_file",
        default: None,
        doc: "File that holds an API key for it.",
        set: |config, value| put(&mut config.core_dms_api_key_file, file(value)),
    },
    Key {
        path: "core_dms.username",
        default: None,
        doc: "Or: a user name, with core_dms.password_file.",
        set: |config, value| put(&mut config.core_dms_username, text(value).map(Some)),
    },
    Key {
        path: "core_dms.password_file",
        default: None,
        doc: "File that holds the user's password.",
        set: |config, value| put(&mut config.core_dms_password_file, file(value)),
    },
    Key {
        path: "core_dms.ca_file",
        default: None,
        doc: "PEM file of a certificate authority to trust besides the system's.",
        set: |config, value| put(&mut config.core_dms_ca_file, file(value)),
    },
    Key {
        path: "core_dms.run_keys",
        default: Some("true"),
        doc: "Whether each run writes with a key of its own, limited to its client's indices and revoked at its end. Needs a user with the cluster privilege manage_own_api_key (and manage_security for the clients' read-only roles); where it is missing, runs write with the credentials above.",
        set: |config, value| put(&mut config.core_dms_run_keys, take(value)),
    },
    Key {
        path: "kibana.url",
        default: None,
        doc: "The address of a Kibana in front of the core DMS, asked with the same credentials: when a job first completes, a data view, a saved search and a dashboard are made there.",
        set: |config, value| {
            put(
                &mut config.kibana_url,
                text(value).and_then(kibana).map(Some),
            )
        },
    },
    Key {
        path: "kibana.space",
        default: None,
        doc: "The space in which they are made; the default one if not given.",
        set: |config, value| {
            put(
                &mut config.kibana_space,
                text(value).and_then(space).map(Some),
            )
        },
    },
    Key {
        path: "docker.host",
        default: None,
        doc: "Where Docker is, for jobs of the elastic engine: `unix:///…` or `tcp://…`. Default: what DOCKER_HOST says, else the socket of this host.",
        set: |config, value| put(&mut config.docker.docker_host, text(value).map(Some)),
    },
    Key {
        path: "docker.filebeat_image",
        default: None,
        doc: "Filebeat's image, with its tag. Default: Elastic's open source one.",
        set: |config, value| put(&mut config.docker.filebeat_image, text(value).map(Some)),
    },
    Key {
        path: "docker.logstash_image",
        default: None,
        doc: "Logstash's image, with its tag. Default: Elastic's open source one.",
        set: |config, value| put(&mut config.docker.logstash_image, text(value).map(Some)),
    },
    Key {
        path: "docker.network",
        default: None,
        doc: "A network of Docker's over which containers reach the core DMS. Default: the run's worker passes their connections on to it, and to nothing else.",
        set: |config, value| put(&mut config.docker.network, text(value).map(Some)),
    },
    Key {
        path: "docker.user",
        default: None,
        doc: "User id of the programs in the containers; not 0. Default: the manager's own, else 1000.",
        set: |config, value| put(&mut config.docker.user, take(value).map(Some)),
    },
];

/// Whether an address holds a password. It is then not repeated in any message.
fn holds_password(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?']).next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .is_some_and(|(user, _)| user.contains(':'))
}

fn metadata_url(url: String) -> Result<MetadataUrl, String> {
    if url == "sqlite" {
        return Ok(MetadataUrl::Sqlite);
    }
    if holds_password(&url) {
        return Err("a password does not belong here: write the address to a file and name it as metadata.url_file".into());
    }
    if url.starts_with("mongodb://") || url.starts_with("mongodb+srv://") {
        return Ok(MetadataUrl::Url(url));
    }
    Err(format!(
        "{url:?} is neither \"sqlite\" nor an address that begins with mongodb://"
    ))
}

fn core_dms(url: String) -> Result<CoreDmsConfig, String> {
    if url == "embedded" {
        return Ok(CoreDmsConfig::Embedded);
    }
    if holds_password(&url) {
        return Err(
            "a password does not belong here: use core_dms.username and core_dms.password_file"
                .into(),
        );
    }
    if url.starts_with("http://") || url.starts_with("https://") {
        return Ok(CoreDmsConfig::At(url));
    }
    Err(format!(
        "{url:?} is neither \"embedded\" nor an address that begins with http:// or https://"
    ))
}

fn kibana(url: String) -> Result<String, String> {
    if holds_password(&url) {
        return Err(
            "a password does not belong here: Kibana is asked with the credentials of core_dms"
                .into(),
        );
    }
    if url.starts_with("http://") || url.starts_with("https://") {
        return Ok(url);
    }
    Err(format!(
        "{url:?} is no address that begins with http:// or https://"
    ))
}

/// As Kibana names its spaces.
fn space(name: String) -> Result<String, String> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if name.chars().all(legal) {
        return Ok(name);
    }
    Err(format!(
        "{name:?} is no space: lower-case letters, digits, - and _ only"
    ))
}
