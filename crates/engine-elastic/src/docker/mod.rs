//! A run's containers, through Docker's API.
//!
//! Docker is asked, never remembered: what a run has is found by its labels each time, so a manager that was started
//! again knows as much as the one before. Every call has a time-out, and every failure says what it means.

mod body;
mod down;
mod events;
pub mod failure;
mod image;
mod logs;
mod observe;
mod up;

use std::collections::HashMap;
use std::env;
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, ClientVersion};
use domain::error::Failure;
use failure::{Refusal, code, explain, permanent, slow};

pub use image::PullProgress;
pub use logs::LogCursor;
pub use observe::{Seen, State, Usage};
pub use up::Changes;

/// Where Docker is unless something else is said.
pub const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";
/// The oldest API that is used: that of Docker 20.10.
const OLDEST_API: usize = 41;
/// The client's own time-out; ours are all shorter.
const CLIENT_SECONDS: u64 = 3600;

/// How long calls may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// One call.
    pub call: Duration,
    /// Between two messages of a pull or a log.
    pub idle: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(20),
            idle: Duration::from_secs(60),
        }
    }
}

/// A Docker that answered when it was connected to. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Docker {
    client: bollard::Docker,
    host: String,
    patience: Patience,
}

impl Docker {
    /// Connects to `host`, else to what `DOCKER_HOST` says, else to [`DEFAULT_HOST`], and agrees on a version of the API.
    ///
    /// # Errors
    /// When there is no Docker, or it may not be used, or does not answer, or is too old.
    pub async fn connect(host: Option<&str>, patience: Patience) -> Result<Self, Failure> {
        let host = host
            .map(str::to_owned)
            .or_else(|| env::var("DOCKER_HOST").ok().filter(|it| !it.is_empty()))
            .unwrap_or_else(|| DEFAULT_HOST.into());
        // the client asks for the version by an address that carries one, which an older Docker refuses
        for minor_version in (OLDEST_API..=API_DEFAULT_VERSION.minor_version).rev() {
            let docker = Self {
                client: client(&host, minor_version)?,
                host: host.clone(),
                patience,
            };
            if failure::unless(&[400], docker.pinged().await)?.is_some() {
                return Ok(docker);
            }
        }
        Err(permanent(
            code::TOO_OLD,
            format!(
                "Docker at {host} speaks no version of its API from 1.{OLDEST_API} to {API_DEFAULT_VERSION}"
            ),
            "install Docker 20.10 or newer",
        ))
    }

    /// Whether it still answers.
    ///
    /// # Errors
    /// Why not.
    pub async fn ping(&self) -> Result<(), Failure> {
        Ok(self.pinged().await?)
    }

    async fn pinged(&self) -> Result<(), Refusal> {
        self.call("asking whether it is there", self.client.ping())
            .await?;
        Ok(())
    }

    /// A call that should be quick.
    async fn call<T>(
        &self,
        doing: &str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Refusal> {
        self.call_within(self.patience.call, doing, call).await
    }

    async fn call_within<T>(
        &self,
        within: Duration,
        doing: &str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Refusal> {
        match tokio::time::timeout(within, call).await {
            Ok(answer) => answer.map_err(|error| explain(&self.host, doing, &error)),
            Err(_) => Err(slow(&self.host, doing, within)),
        }
    }
}

fn client(host: &str, minor_version: usize) -> Result<bollard::Docker, Failure> {
    let version = ClientVersion {
        major_version: API_DEFAULT_VERSION.major_version,
        minor_version,
    };
    let connected = match host.split_once("://") {
        Some(("unix", _)) => bollard::Docker::connect_with_unix(host, CLIENT_SECONDS, &version),
        Some(("tcp" | "http", _)) => {
            bollard::Docker::connect_with_http(host, CLIENT_SECONDS, &version)
        }
        _ => Err(Error::UnsupportedURISchemeError { uri: host.into() }),
    };
    connected.map_err(|error| explain(host, "connecting", &error).failure)
}

/// A filter for what carries a label with this value.
fn labelled(label: &str, value: &str) -> Option<HashMap<String, Vec<String>>> {
    Some([("label".to_owned(), vec![format!("{label}={value}")])].into())
}
