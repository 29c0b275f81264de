//! Configuration: flag > environment (`INGEST_*`) > `HOME/config.toml` > default. Unknown keys are refused, all problems
//! are reported at once, and secrets are named by the file that holds them, never given.

mod keys;
mod load;
mod print;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use domain::plan::Plan;
use domain::provisions::Containers;
use domain::units::Span;
use serde::Deserialize;

pub use load::{ConfigErrors, ConfigProblem, Layers};

/// Name of the plan that clients are put on if nobody says otherwise. There always is one.
pub const DEFAULT_PLAN: &str = "default";

/// Who may register clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Everybody who can reach the manager.
    Open,
    /// Who has an invitation.
    Invite,
    /// Admins.
    Admin,
}

/// Where metadata is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataUrl {
    /// SQLite in the home.
    Sqlite,
    /// At this address (`mongodb://…/database`), which holds no password.
    Url(String),
    /// At the address that this file holds; it may hold a password.
    File(PathBuf),
}

/// Which core DMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CoreDmsConfig {
    /// The embedded one, a process of its own.
    Embedded,
    /// An Elasticsearch-compatible server at this address.
    At(String),
}

/// The effective configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// PEM file of the API's certificate chain; none if it speaks plain HTTP.
    pub tls_certificate: Option<PathBuf>,
    /// PEM file of its private key.
    pub tls_key: Option<PathBuf>,
    /// Who may register clients.
    pub registration: Registration,
    /// Whether the first admin token is also written to `HOME/admin.token` (mode 0600), so that the command line works at
    /// once on the same machine. Who can read the home is master of the installation anyway.
    pub admin_token_file: bool,
    /// Log level or filter.
    pub log: String,
    /// Where metadata is kept.
    pub metadata: MetadataUrl,
    /// Which core DMS.
    pub core_dms: CoreDmsConfig,
    /// File with an API key for the core DMS.
    pub core_dms_api_key_file: Option<PathBuf>,
    /// User name for the core DMS.
    pub core_dms_username: Option<String>,
    /// File with that user's password.
    pub core_dms_password_file: Option<PathBuf>,
    /// PEM file of a certificate authority to trust besides the system's.
    pub core_dms_ca_file: Option<PathBuf>,
    /// Whether each run gets a key of its own for the core DMS.
    pub core_dms_run_keys: bool,
    /// The address of the Kibana in which clients look at their documents.
    pub kibana_url: Option<String>,
    /// The space there; none for the default one.
    pub kibana_space: Option<String>,
    /// How often a run is sampled.
    pub monitor_interval: Span,
    /// A run without progress for so long is shown as stalled.
    pub stall_after: Span,
    /// How long requests and runs have to come to rest when the manager stops.
    pub grace_period: Span,
    /// How long a worker goes on without a manager.
    pub orphan_after: Span,
    /// Runs under way at once, of all clients.
    pub max_runs: u32,
    /// How long audit entries are kept.
    pub audit_retention: Span,
    /// How long the series of runs that have ended are kept.
    pub series_retention: Span,
    /// How containers of runs are put up; the platform is filled in at the start.
    pub docker: Containers,
    /// The worker's program; none for the one that came with this one.
    pub worker_program: Option<PathBuf>,
    /// The operator's plans by name; [`DEFAULT_PLAN`] is always among them.
    pub plans: BTreeMap<String, Plan>,
    /// What `${NAME}` stands for in pipelines.
    pub variables: BTreeMap<String, String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8640)),
            tls_certificate: None,
            tls_key: None,
            registration: Registration::Open,
            admin_token_file: true,
            log: "info".into(),
            metadata: MetadataUrl::Sqlite,
            core_dms: CoreDmsConfig::Embedded,
            core_dms_api_key_file: None,
            core_dms_username: None,
            core_dms_password_file: None,
            core_dms_ca_file: None,
            core_dms_run_keys: true,
            kibana_url: None,
            kibana_space: None,
            monitor_interval: Span::secs(1),
            stall_after: Span::secs(30),
            grace_period: Span::secs(10),
            orphan_after: Span::secs(60),
            max_runs: 16,
            audit_retention: Span::secs(365 * 24 * 3600),
            series_retention: Span::secs(90 * 24 * 3600),
            docker: Containers::default(),
            worker_program: None,
            plans: BTreeMap::from([(DEFAULT_PLAN.to_owned(), Plan::default())]),
            variables: BTreeMap::new(),
        }
    }
}
