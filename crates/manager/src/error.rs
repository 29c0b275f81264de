//! Why a manager did not start, each with a stable code.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use domain::error::Failure;
use domain::store::StoreError;

use crate::config::ConfigErrors;

/// Why a manager did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// Another process has the home.
    #[error("the home {home} belongs to another process{by}: stop it, or choose another home",
        home = home.display(), by = pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    HomeLocked {
        /// Which home.
        home: PathBuf,
        /// Whose it is, if that is known.
        pid: Option<u32>,
    },
    /// The home cannot be made or written to.
    #[error("{path} in the home cannot be written: {source}", path = path.display())]
    HomeNotWritable {
        /// What could not be written.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else listens there.
    #[error(
        "{address} is in use by another program: stop it, or choose another address (`listen`)"
    )]
    AddressInUse {
        /// Where.
        address: SocketAddr,
    },
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on: {source}")]
    CannotListen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("the API's certificate cannot be used: {0}")]
    Certificate(String),
    /// The metadata store did not open.
    #[error(transparent)]
    Metadata(#[from] StoreError),
    /// A part of the platform did not start.
    #[error("{0}; {next_step}", next_step = .0.next_step)]
    Part(#[from] Failure),
    /// The system refused something that it should not.
    #[error("the manager cannot run: {0}")]
    System(#[from] io::Error),
}

impl StartError {
    /// Stable, for programs.
    pub fn code(&self) -> &str {
        match self {
            Self::Config(_) => "invalid_config",
            Self::HomeLocked { .. } => "home_locked",
            Self::HomeNotWritable { .. } => "home_not_writable",
            Self::AddressInUse { .. } => "address_in_use",
            Self::CannotListen { .. } => "cannot_listen",
            Self::Certificate(_) => "certificate_unusable",
            Self::Metadata(_) => "metadata_store_unavailable",
            Self::Part(failure) => &failure.code,
            Self::System(_) => "system",
        }
    }
}
