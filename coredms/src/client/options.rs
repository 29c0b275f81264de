//! How to reach a server: addresses, credentials, certificate, time-outs, pool size.

use std::{fmt, path::PathBuf, time::Duration};

/// Who the client says it is. `Debug` prints a mask, never the secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// User name and password (HTTP Basic).
    Basic {
        /// User name.
        user: String,
        /// Password.
        password: String,
    },
    /// An API key as Elasticsearch hands it out in its `encoded` form.
    ApiKey(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic { user, .. } => write!(f, "Basic({user}:***)"),
            Self::ApiKey(_) => write!(f, "ApiKey(***)"),
        }
    }
}

/// Settings of a [`super::Client`].
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Base addresses (`http://host:port`), used in turn. At least one.
    pub urls: Vec<String>,
    /// None = no authentication.
    pub credentials: Option<Credentials>,
    /// A PEM file with the certificates to trust besides the built-in ones.
    pub ca_certificate: Option<PathBuf>,
    /// Limit of an ordinary call, from connecting to the end of the answer.
    pub timeout: Duration,
    /// Limit of calls whose work grows with the data: refresh, count by file, delete by query.
    pub long_timeout: Duration,
    /// Most requests under way at once; further ones wait for a slot.
    pub max_connections: usize,
}

impl ClientOptions {
    /// The defaults for one server: 30 s, 300 s for long calls, 16 connections, no credentials.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            urls: vec![url.into()],
            credentials: None,
            ca_certificate: None,
            timeout: Duration::from_secs(30),
            long_timeout: Duration::from_secs(300),
            max_connections: 16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_masks_secrets() {
        let mut options = ClientOptions::new("http://127.0.0.1:1");
        for credentials in [
            Credentials::ApiKey("s3cret".into()),
            Credentials::Basic {
                user: "u".into(),
                password: "s3cret".into(),
            },
        ] {
            options.credentials = Some(credentials);
            assert!(!format!("{options:?}").contains("s3cret"));
        }
    }
}
