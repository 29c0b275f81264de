//! A client that sends what it is told and reads acknowledgements.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use testkit::Certificates;

/// Longer than anything in the tests may take.
pub const SOON: Duration = Duration::from_secs(20);

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// One connection to a listener.
pub struct Client(Box<dyn Stream>);

impl Client {
    /// Over plain TCP.
    pub async fn connect(address: SocketAddr) -> Self {
        Self(Box::new(TcpStream::connect(address).await.unwrap()))
    }

    /// Over TLS, as `name` of the certificates or as nobody.
    pub async fn connect_tls(
        address: SocketAddr,
        certificates: &Certificates,
        name: Option<&str>,
    ) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(certificates, "ca")).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match name {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let key = PrivateKeyDer::from_pem_file(certificates.file(&format!("{name}.key")));
                let chain = vec![certificate(certificates, name)];
                builder.with_client_auth_cert(chain, key.unwrap()).unwrap()
            }
        };
        let stream = TcpStream::connect(address).await?;
        let server = ServerName::from(address.ip());
        let stream = TlsConnector::from(Arc::new(config))
            .connect(server, stream)
            .await?;
        Ok(Self(Box::new(stream)))
    }

    /// Sends bytes as they are.
    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// The next acknowledgement, as version and sequence; `None` when the connection was closed.
    pub async fn ack(&mut self) -> Option<(u8, u32)> {
        let mut ack = [0; 6];
        match timeout(SOON, self.0.read_exact(&mut ack))
            .await
            .expect("an answer in time")
        {
            Ok(_) => {
                let [version, kind, sequence @ ..] = ack;
                assert_eq!(kind, b'A');
                Some((version, u32::from_be_bytes(sequence)))
            }
            Err(_) => None,
        }
    }

    /// Reads whatever comes until the connection is closed.
    pub async fn until_closed(&mut self) {
        let mut rest = Vec::new();
        let end = timeout(SOON, self.0.read_to_end(&mut rest)).await;
        assert!(end.is_ok(), "the connection is still open");
    }

    /// The next acknowledgement that is no keep-alive.
    pub async fn real_ack(&mut self) -> Option<u32> {
        loop {
            match self.ack().await? {
                (_, 0) => {}
                (_, sequence) => return Some(sequence),
            }
        }
    }
}

fn certificate(certificates: &Certificates, name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(certificates.file(&format!("{name}.pem"))).unwrap()
}
