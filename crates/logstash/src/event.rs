//! Events between inputs and workers.

use std::sync::Arc;

use wrangling::Field;

use crate::codec::Fields;
use crate::receipt::Receipt;

/// An event as its input made it.
#[derive(Debug)]
pub struct Event {
    /// Number of the input.
    pub source: u32,
    /// When it was read, in milliseconds since 1970.
    pub at_ms: i64,
    /// What the codec found.
    pub fields: Fields,
    /// What the input says about where it is from: set where the codec found nothing.
    pub defaults: Arc<[(String, Field)]>,
    /// Where it is noted that the event was written, if its sender wants to know.
    pub receipt: Option<Arc<Receipt>>,
}

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// This machine's name.
pub fn hostname() -> String {
    match nix::unistd::gethostname() {
        Ok(name) => name.to_string_lossy().into_owned(),
        Err(_) => "localhost".to_owned(),
    }
}
