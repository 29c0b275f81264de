//! What is put up for a run: containers, networks and volumes, as one plain value. The containers that are started
//! through Docker and the compose file that a person can start by hand are both made of it, so they cannot differ
//! (rule 27).

mod of_run;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use domain::units::Span;
use serde::{Deserialize, Serialize};

pub use of_run::{
    CA_TARGET, Egress, FILEBEAT_API_PORT, FILEBEAT_IMAGE, Files, LOGSTASH_API_PORT,
    LOGSTASH_BEATS_PORT, LOGSTASH_IMAGE, RESOURCES_TARGET, Settings,
};

/// Keys of the labels that everything of a run carries. What has them is ours, and only what has them is ever removed.
pub mod label {
    /// Which installation of the platform put it up: several may share a Docker.
    pub const PLATFORM: &str = "ingest.platform";
    /// Whose run.
    pub const CLIENT: &str = "ingest.client";
    /// Of which job.
    pub const JOB: &str = "ingest.job";
    /// Which run.
    pub const RUN: &str = "ingest.run";
    /// Digest of the spec that it runs.
    pub const SPEC_DIGEST: &str = "ingest.spec-digest";
    /// A container's [`super::Role`].
    pub const ROLE: &str = "ingest.role";
}

/// Folder of the files that hold secrets, in every container that has any.
pub const SECRETS_TARGET: &str = "/run/secrets";

/// Everything that is put up for one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of the whole; every name within it begins with it.
    pub project: String,
    /// The run's folder: the compose file lies in it, and names what is inside relative to it.
    pub folder: PathBuf,
    /// See [`label`]; carried by containers, networks and volumes.
    pub labels: BTreeMap<String, String>,
    /// The networks that the containers name.
    pub networks: Vec<Network>,
    /// Names of the volumes that the containers mount. They hold what must outlive a container of the run.
    pub volumes: Vec<String>,
    /// In the order in which they are started.
    pub containers: Vec<Container>,
}

/// A network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Its name in Docker.
    pub name: String,
    /// What it is.
    pub kind: NetworkKind,
}

/// What a network reaches, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkKind {
    /// Made for the run; reaches nothing outside of it.
    Internal,
    /// Made for the run; reaches whatever the host reaches.
    Bridge,
    /// The operator's; neither made nor removed.
    Existing,
}

/// What a container does in the run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads the claimed files.
    Filebeat,
    /// Wrangles the records and writes the documents.
    Logstash,
}

impl Role {
    /// The role as text; also the container's name on the run's networks.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Filebeat => "filebeat",
            Self::Logstash => "logstash",
        }
    }

    /// The role of this name.
    pub fn of(name: &str) -> Option<Self> {
        [Self::Filebeat, Self::Logstash]
            .into_iter()
            .find(|role| role.as_str() == name)
    }
}

/// A container. That its root is read-only, that it has no capabilities and gains no privileges, and that nobody but us
/// restarts it, is true of all and so no field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// What it does; no two of a plan do the same.
    pub role: Role,
    /// Its name in Docker.
    pub name: String,
    /// Its image, with a tag or digest.
    pub image: String,
    /// The program; the image's own is never used.
    pub entrypoint: Vec<String>,
    /// Arguments of the program.
    pub command: Vec<String>,
    /// Environment variables. No secrets: see [`Mount::Secret`].
    pub environment: BTreeMap<String, String>,
    /// User and group, as numbers: `1000:0`.
    pub user: String,
    /// Folder that relative names in it are relative to; none for the image's own.
    pub working_dir: Option<String>,
    /// What it sees of files.
    pub mounts: Vec<Mount>,
    /// Names of its networks, the first of them first.
    pub networks: Vec<String>,
    /// Names that it knows besides those of its networks, and their addresses, which may be `host-gateway`.
    pub hosts: BTreeMap<String, String>,
    /// Most memory, in bytes; there is no swap beside it.
    pub memory_bytes: u64,
    /// CPU cores that it may use, in thousandths.
    pub cpu_millis: u32,
    /// Most processes and threads.
    pub pids: u32,
    /// How much of its output Docker keeps.
    pub logs: LogLimits,
    /// How Docker finds out whether it is well.
    pub health: Option<HealthCheck>,
    /// Ports that are published on the host's loopback interface, each on a free port.
    pub publish: Vec<u16>,
    /// Roles that are started before it.
    pub depends_on: Vec<Role>,
    /// How long it may take to end after SIGTERM, until it is killed.
    pub stop_grace: Span,
}

/// Something of the file system that a container sees. Targets are absolute paths in the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Mount {
    /// A file or folder of the host, read-only.
    Bind {
        /// Where it is on the host.
        source: PathBuf,
        /// Where the container sees it.
        target: String,
    },
    /// A folder of the host that the container writes into.
    Folder {
        /// Where it is on the host.
        source: PathBuf,
        /// Where the container sees it.
        target: String,
    },
    /// One of the plan's volumes, writable. Docker gives a new one the owner of what the image has at the target, so the
    /// target must be a folder of the image's that its programs may write.
    Volume {
        /// Its name in Docker.
        volume: String,
        /// Where the container sees it.
        target: String,
    },
    /// Memory that is gone with the container, writable by everyone in it.
    Tmpfs {
        /// Where the container sees it.
        target: String,
        /// Most bytes.
        size_bytes: u64,
    },
    /// A file of the host that holds a secret, read-only in [`SECRETS_TARGET`]. Whoever starts the compose file by hand
    /// says where it is.
    Secret {
        /// Its file name in the container: letters, digits and `_`.
        name: String,
        /// Where it is on the host.
        source: PathBuf,
    },
}

/// How much of a container's output Docker keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLimits {
    /// Most bytes of one file.
    pub file_bytes: u64,
    /// Most files.
    pub files: u32,
}

/// How Docker finds out whether a container is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// Program and arguments; exits with 0 if it is.
    pub command: Vec<String>,
    /// How often.
    pub interval: Span,
    /// How long one check may take.
    pub timeout: Span,
    /// How many in a row must fail.
    pub retries: u32,
    /// How long failures do not count after the start.
    pub start_period: Span,
}

impl Plan {
    /// A container's own labels: the plan's and its role.
    pub fn labels_of(&self, container: &Container) -> BTreeMap<String, String> {
        let mut labels = self.labels.clone();
        labels.insert(label::ROLE.into(), container.role.as_str().into());
        labels
    }
}

impl Container {
    /// [`Container::stop_grace`] as Docker counts it.
    pub(crate) fn stop_grace_seconds(&self) -> u64 {
        self.stop_grace.ms.div_ceil(1000)
    }

    /// Names beside those of the networks.
    pub(crate) fn extra_hosts(&self) -> Vec<String> {
        let hosts = self.hosts.iter();
        hosts
            .map(|(name, address)| format!("{name}:{address}"))
            .collect()
    }
}

/// Where Docker puts a container's output: files of its own, which it can give back.
pub(crate) const LOG_DRIVER: &str = "json-file";

/// The options of [`LOG_DRIVER`].
pub(crate) fn log_options(limits: LogLimits) -> [(&'static str, String); 2] {
    [
        ("max-size", limits.file_bytes.to_string()),
        ("max-file", limits.files.to_string()),
    ]
}

impl Mount {
    /// Options of a tmpfs, in Docker's notation. Programs unpack native libraries into it, so it must be executable.
    pub(crate) fn tmpfs_options(size_bytes: u64) -> String {
        format!("rw,exec,nosuid,nodev,mode=1777,size={size_bytes}")
    }
}
