//! A typed client of the API. Every call has a time-out; problem documents become [`ClientError::Problem`].

mod clients;
mod error;
mod events;
mod jobs;
mod request;
mod runs;
mod sse;
mod staging;
mod system;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Certificate, Url};

pub use error::ClientError;
pub use jobs::SpecText;
pub use runs::LogPart;
pub use staging::CHECKSUM_HEADER;

/// How to reach a manager. `Debug` masks the token.
#[derive(Clone)]
pub struct ClientOptions {
    /// Its address, for example `http://127.0.0.1:8640`.
    pub url: String,
    /// The bearer token; none for what needs none.
    pub token: Option<String>,
    /// PEM file of certificates or authorities to trust besides the web's.
    pub ca_file: Option<PathBuf>,
    /// Limit of making a connection.
    pub connect_timeout: Duration,
    /// Limit of a call, from its beginning to the end of its answer. Uploads and streams are limited by `idle_timeout`.
    pub timeout: Duration,
    /// How long an upload or a stream of events may stand still.
    pub idle_timeout: Duration,
}

impl ClientOptions {
    /// The defaults: 5 s to connect, 60 s for a call, 60 s without movement.
    pub fn new(url: impl Into<String>, token: Option<String>) -> Self {
        Self {
            url: url.into(),
            token,
            ca_file: None,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(60),
        }
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions")
            .field("url", &self.url)
            .field("token", &self.token.as_ref().map(|_| "***"))
            .field("ca_file", &self.ca_file)
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .field("idle_timeout", &self.idle_timeout)
            .finish()
    }
}

/// A client of one manager. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    options: ClientOptions,
}

impl Client {
    /// A client that has not connected yet.
    pub fn new(options: ClientOptions) -> Result<Self, ClientError> {
        let unusable = |why: &dyn fmt::Display| {
            ClientError::Misconfigured(format!(
                "{:?} cannot be a manager's address: {why}",
                options.url
            ))
        };
        let base = Url::parse(&options.url).map_err(|e| unusable(&e))?;
        if base.cannot_be_a_base() || !matches!(base.scheme(), "http" | "https") {
            return Err(unusable(&"it must begin with http:// or https://"));
        }
        let mut http = reqwest::Client::builder();
        for certificate in trusted(options.ca_file.as_deref())? {
            http = http.add_root_certificate(certificate);
        }
        let http = http
            .connect_timeout(options.connect_timeout)
            .user_agent(concat!("ingest/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| ClientError::Misconfigured(request::innermost(&e)))?;
        Ok(Self {
            http,
            base,
            options,
        })
    }

    /// The same with another token.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.options.token = Some(token.into());
        self
    }

    /// The manager's address.
    pub fn url(&self) -> &str {
        &self.options.url
    }
}

/// The certificates of a PEM file.
fn trusted(ca_file: Option<&Path>) -> Result<Vec<Certificate>, ClientError> {
    let Some(path) = ca_file else {
        return Ok(Vec::new());
    };
    let unusable = |why: &dyn fmt::Display| {
        ClientError::Misconfigured(format!("{} cannot be trusted: {why}", path.display()))
    };
    let pem = std::fs::read(path).map_err(|e| unusable(&e))?;
    let found =
        Certificate::from_pem_bundle(&pem).map_err(|e| unusable(&request::innermost(&e)))?;
    match found.is_empty() {
        true => Err(unusable(&"it holds no certificate")),
        false => Ok(found),
    }
}
