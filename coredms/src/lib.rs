//! The core DMS: a typed client for Elasticsearch-compatible servers ([`client`]), the embedded
//! Elasticsearch-compatible server ([`server`]), and real servers by a compose file ([`compose`]).

pub mod client;
pub mod compose;
pub mod server;
