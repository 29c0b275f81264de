//! What can go wrong.

use std::{io, path::PathBuf};

use rustls::pki_types::pem;

/// Why a listener could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Address {
        /// Host and port as configured.
        address: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A PEM file is unreadable or does not hold what it should.
    #[error(
        "cannot use {path} as {role}: {source}; it must be a PEM file, a private key without passphrase"
    )]
    Pem {
        /// The option that names the file.
        role: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// Clients are to be verified, but against what?
    #[error("ssl_client_authentication needs ssl_certificate_authorities: {0}")]
    Authorities(String),
    /// Certificate and key do not make a TLS server.
    #[error("ssl_certificate and ssl_key cannot be used: {0}")]
    Certificate(#[source] rustls::Error),
}

/// How a client broke the protocol or a limit. Its connection is closed and nothing more of it acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// Neither version 1 nor 2: often a client that speaks TLS to a plain listener, or something else altogether.
    #[error(
        "the client does not speak the Beats protocol: a frame begins with byte {0:#04x}, not with '1' or '2'{hint}",
        hint = if *.0 == 0x16 { "; it looks like TLS, which is not enabled here" } else { "" }
    )]
    Version(u8),
    /// A frame type that clients do not send.
    #[error("unknown frame type {0:#04x}")]
    FrameType(u8),
    /// A window announces more events than allowed.
    #[error(
        "a window of {events} events exceeds the limit of {limit}: lower the beat's bulk_max_size"
    )]
    WindowEvents {
        /// As announced.
        events: u32,
        /// As allowed.
        limit: u32,
    },
    /// A frame is longer than allowed.
    #[error("a frame of {bytes} bytes exceeds the limit of {limit}")]
    FrameBytes {
        /// As announced.
        bytes: usize,
        /// As allowed.
        limit: usize,
    },
    /// The events of a window, or what a compressed frame expands to, are more than allowed.
    #[error("a window exceeds the limit of {limit} bytes: lower the beat's bulk_max_size")]
    WindowBytes {
        /// As allowed.
        limit: usize,
    },
    /// A key-value frame has more pairs than allowed.
    #[error("a data frame of {pairs} pairs exceeds the limit of {limit}")]
    Pairs {
        /// As announced.
        pairs: u32,
        /// As allowed.
        limit: u32,
    },
    /// A compressed frame is not a zlib stream.
    #[error("a compressed frame is not valid zlib")]
    Compression,
    /// A compressed frame within a compressed frame.
    #[error("a compressed frame holds another one")]
    NestedCompression,
    /// A compressed frame ends within a frame.
    #[error("the content of a compressed frame ends within a frame")]
    Truncated,
    /// An event without a window before it.
    #[error("an event outside of a window")]
    NoWindow,
    /// A new window, although the last one has not got all its events.
    #[error("a new window after {got} of {announced} events of the one before")]
    WindowUnfinished {
        /// Events so far.
        got: usize,
        /// Events announced.
        announced: u32,
    },
}
