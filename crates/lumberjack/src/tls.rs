//! TLS from PEM files.

use std::{path::Path, sync::Arc};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use tokio_rustls::TlsAcceptor;

use crate::{BindError, ClientAuthentication, Tls};

const CERTIFICATE: &str = "ssl_certificate";
const KEY: &str = "ssl_key";
const AUTHORITIES: &str = "ssl_certificate_authorities";

/// What turns an accepted connection into an encrypted one.
pub(crate) fn acceptor(tls: &Tls) -> Result<TlsAcceptor, BindError> {
    let certificates = certificates(CERTIFICATE, &tls.certificate)?;
    let key =
        PrivateKeyDer::from_pem_file(&tls.key).map_err(|source| unusable(KEY, &tls.key, source))?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(BindError::Certificate)?
        .with_client_cert_verifier(verifier(&tls.client_authentication)?)
        .with_single_cert(certificates, key)
        .map_err(BindError::Certificate)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn verifier(
    authentication: &ClientAuthentication,
) -> Result<Arc<dyn ClientCertVerifier>, BindError> {
    let (files, required) = match authentication {
        ClientAuthentication::None => return Ok(WebPkiClientVerifier::no_client_auth()),
        ClientAuthentication::Optional(files) => (files, false),
        ClientAuthentication::Required(files) => (files, true),
    };
    let mut roots = RootCertStore::empty();
    for file in files {
        for certificate in certificates(AUTHORITIES, file)? {
            roots
                .add(certificate)
                .map_err(|error| BindError::Authorities(format!("{}: {error}", file.display())))?;
        }
    }
    let builder = WebPkiClientVerifier::builder_with_provider(
        Arc::new(roots),
        Arc::new(ring::default_provider()),
    );
    let builder = if required {
        builder
    } else {
        builder.allow_unauthenticated()
    };
    builder
        .build()
        .map_err(|error| BindError::Authorities(error.to_string()))
}

/// All certificates of a PEM file, at least one.
fn certificates(
    role: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, BindError> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|source| unusable(role, path, source))?;
    if certificates.is_empty() {
        return Err(unusable(role, path, pem::Error::NoItemsFound));
    }
    Ok(certificates)
}

fn unusable(role: &'static str, path: &Path, source: pem::Error) -> BindError {
    BindError::Pem {
        role,
        path: path.to_owned(),
        source,
    }
}
