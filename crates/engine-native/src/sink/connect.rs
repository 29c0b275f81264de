//! From the order's endpoint to a client of the core DMS.

use std::fs;
use std::path::Path;
use std::time::Duration;

use coredms::client::{Client, ClientOptions, Credentials};
use domain::error::{Culprit, Failure};
use domain::worker::DmsEndpoint;

/// A bulk request has so much time; a slower answer counts as lost.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A client for the endpoint, with its secrets read from their files, and whether compression pays.
pub fn connect(endpoint: &DmsEndpoint, max_connections: usize) -> Result<(Client, bool), Failure> {
    let mut options = ClientOptions::new(endpoint.url.clone());
    options.timeout = TIMEOUT;
    options.max_connections = max_connections;
    options.ca_certificate.clone_from(&endpoint.ca_file);
    options.credentials = match (&endpoint.api_key_file, &endpoint.username) {
        (Some(file), _) => Some(Credentials::ApiKey(secret(file)?)),
        (None, Some(user)) => {
            let password = endpoint
                .password_file
                .as_deref()
                .map(secret)
                .transpose()?
                .unwrap_or_default();
            Some(Credentials::Basic {
                user: user.clone(),
                password,
            })
        }
        (None, None) => None,
    };
    let client = Client::new(options).map_err(|e| unusable(&e.to_string()))?;
    Ok((client, !is_loopback(&endpoint.url)))
}

fn secret(file: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(file).map_err(|e| {
        unusable(&format!(
            "the secret {} cannot be read: {e}",
            file.display()
        ))
    })?;
    Ok(text.trim_end().to_owned())
}

fn unusable(message: &str) -> Failure {
    let next_step = "correct the core DMS's address and credentials in the manager's configuration";
    Failure::permanent("dms_configuration", Culprit::Platform, message, next_step)
}

fn is_loopback(url: &str) -> bool {
    reqwest::Url::parse(url)
        .ok()
        .is_some_and(|url| match url.host_str() {
            Some("localhost") => true,
            Some(host) => host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|ip| ip.is_loopback()),
            None => false,
        })
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_loopback_is_spared_compression() {
        for near in [
            "http://127.0.0.1:9200",
            "http://localhost:1/x",
            "http://[::1]:9200",
        ] {
            assert!(is_loopback(near), "{near}");
        }
        for far in ["http://10.0.0.1:9200", "https://es.example.com", "no url"] {
            assert!(!is_loopback(far), "{far}");
        }
    }
}
