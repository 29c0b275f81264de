//! What the platform asks of an Elasticsearch-compatible server, as typed calls with typed errors.
//!
//! Every call has a time-out and takes one of a bounded number of connection slots. An answer is
//! only returned when it is complete: a search or count with failed shards is an error, because
//! a proof must not rest on a part of the data.

mod admin;
mod bulk;
mod error;
mod options;
mod read;
mod request;
mod security;
mod stats;

pub use admin::{Health, ServerInfo};
pub use bulk::{BulkFailure, BulkResponse};
pub use error::ClientError;
pub use options::{ClientOptions, Credentials};
pub use read::{DeleteReport, Provenance};
pub use request::Client;
pub use security::{ApiKey, SecurityError, WriteKey};
pub use stats::NodesStats;
