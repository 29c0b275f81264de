//! The certificate of the API.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::StartError;
use crate::config::Config;

/// What the API shows of itself; none if it speaks plain HTTP.
pub(super) fn server_config(config: &Config) -> Result<Option<ServerConfig>, StartError> {
    let (Some(certificate), Some(key)) = (&config.tls_certificate, &config.tls_key) else {
        return Ok(None);
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|e| unusable(certificate, &e))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|e| unusable(key, &e))?;
    let refused = |e: rustls::Error| {
        let (certificate, key) = (certificate.display(), key.display());
        StartError::Certificate(format!("{certificate} with the key {key}: {e}"))
    };
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map(Some)
        .map_err(refused)
}

fn unusable(path: &Path, error: &pem::Error) -> StartError {
    StartError::Certificate(format!("{}: {error}", path.display()))
}
