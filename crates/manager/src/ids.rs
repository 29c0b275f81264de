//! New identifiers and secrets: the one place where chance and the wall clock come in.

use std::time::{SystemTime, UNIX_EPOCH};

use domain::EpochMs;
use domain::ids::{InvalidId, RunId, TokenId};

/// Milliseconds since the epoch, now.
pub(crate) fn now_ms() -> EpochMs {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| {
        EpochMs::try_from(d.as_millis()).unwrap_or(EpochMs::MAX)
    })
}

/// A new ULID in lower case.
pub(crate) fn ulid() -> String {
    ulid::Ulid::generate().to_string().to_lowercase()
}

/// Id of a new run.
pub(crate) fn run_id() -> Result<RunId, InvalidId> {
    ulid().parse()
}

/// Id of a new token.
pub(crate) fn token_id() -> Result<TokenId, InvalidId> {
    ulid().parse()
}

/// A new secret: 256 random bits, hexadecimal.
pub(crate) fn secret() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}
