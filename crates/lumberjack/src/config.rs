//! What a listener is told: the options of Logstash's `beats` input that matter here, with its defaults, and limits.

use std::{path::PathBuf, time::Duration};

/// How to listen.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address or name to listen on (`host`).
    pub host: String,
    /// Port to listen on (`port`); 0 for a free one, see [`Listener::local_addr`](crate::Listener::local_addr).
    pub port: u16,
    /// Encryption (`ssl_enabled` and what belongs to it); `None` for plain TCP.
    pub tls: Option<Tls>,
    /// A connection on which nothing was read or written for this long is closed (`client_inactivity_timeout`), and so
    /// is one that takes no acknowledgement for this long.
    pub client_inactivity_timeout: Duration,
    /// A beat that waits for an acknowledgement hears from us this often. Must be shorter than the beats' own
    /// `timeout` (30 s unless set).
    pub keep_alive: Duration,
    /// Windows that wait for the consumer, of all connections together; at least 1.
    pub queue: usize,
    /// What a client may ask of us.
    pub limits: Limits,
}

impl Default for Config {
    /// Any address, port 5044, no encryption.
    fn default() -> Self {
        Self {
            host: "0.0.0.0".to_owned(),
            port: 5044,
            tls: None,
            client_inactivity_timeout: Duration::from_secs(60),
            keep_alive: Duration::from_secs(5),
            queue: 16,
            limits: Limits::default(),
        }
    }
}

/// What a client may ask of us, so that no client can take all memory. A beat that exceeds one sends the same again and
/// again, so they are generous.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Events in one window (Filebeat's `bulk_max_size`, 2,048 unless set).
    pub window_events: u32,
    /// Bytes of one frame's payload as sent.
    pub frame_bytes: usize,
    /// Bytes of all events of one window, and what one compressed frame may expand to.
    pub window_bytes: usize,
    /// Connections at the same time; one more is closed at once.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            window_events: 1 << 18,
            frame_bytes: 100 << 20,
            window_bytes: 256 << 20,
            connections: 1000,
        }
    }
}

/// Encryption of a listener: TLS 1.2 and 1.3.
#[derive(Debug, Clone)]
pub struct Tls {
    /// PEM file of the certificate, followed by its chain (`ssl_certificate`).
    pub certificate: PathBuf,
    /// PEM file of its private key, not encrypted (`ssl_key`).
    pub key: PathBuf,
    /// Whether clients must show who they are (`ssl_client_authentication`).
    pub client_authentication: ClientAuthentication,
}

/// Verification of the clients' certificates against PEM files of authorities (`ssl_certificate_authorities`).
#[derive(Debug, Clone, Default)]
pub enum ClientAuthentication {
    /// None is asked for.
    #[default]
    None,
    /// Verified if there is one.
    Optional(Vec<PathBuf>),
    /// Without a valid one there is no connection.
    Required(Vec<PathBuf>),
}
