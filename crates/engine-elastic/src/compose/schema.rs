//! As much of the compose specification as a plan needs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::plan::{LOG_DRIVER, LogLimits, log_options};

#[derive(Serialize)]
pub(super) struct Document<'a> {
    pub services: BTreeMap<&'a str, Service<'a>>,
    pub networks: BTreeMap<&'a str, NetworkDefinition>,
    pub volumes: BTreeMap<&'a str, VolumeDefinition>,
}

#[derive(Serialize)]
pub(super) struct Service<'a> {
    pub image: String,
    pub container_name: String,
    pub entrypoint: Vec<String>,
    pub command: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<String>,
    pub labels: Vec<String>,
    pub user: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_dir: Option<String>,
    pub restart: &'static str,
    pub read_only: bool,
    pub cap_drop: [&'static str; 1],
    pub security_opt: [&'static str; 1],
    /// Bytes.
    pub mem_limit: u64,
    /// Memory and swap together, in bytes.
    pub memswap_limit: u64,
    pub cpus: f64,
    pub pids_limit: u32,
    pub stop_grace_period: String,
    pub networks: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_hosts: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub depends_on: BTreeMap<&'static str, Condition>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tmpfs: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<VolumeMount>,
    pub logging: Logging,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthcheck: Option<Healthcheck>,
}

/// What a service waits for.
#[derive(Serialize)]
pub(super) struct Condition {
    condition: &'static str,
}

impl Condition {
    pub const STARTED: Self = Self {
        condition: "service_started",
    };
}

#[derive(Serialize)]
pub(super) struct VolumeMount {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub source: String,
    pub target: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

#[derive(Serialize)]
pub(super) struct Logging {
    driver: &'static str,
    options: BTreeMap<&'static str, String>,
}

impl Logging {
    pub fn within(limits: LogLimits) -> Self {
        Self {
            driver: LOG_DRIVER,
            options: log_options(limits).into(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Healthcheck {
    pub test: Vec<String>,
    pub interval: String,
    pub timeout: String,
    pub retries: u32,
    pub start_period: String,
}

#[derive(Serialize)]
pub(super) struct NetworkDefinition {
    pub name: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub external: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub internal: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct VolumeDefinition {
    pub name: String,
    pub labels: Vec<String>,
}
