//! The core DMS: a typed client for Elasticsearch-compatible servers ([`client`]) and the embedded
//! Elasticsearch-compatible server ([`server`]).

pub mod client;
pub mod server;
