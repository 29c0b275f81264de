//! The core DMS: a typed client for Elasticsearch-compatible servers ([`client`]), the embedded
//! Elasticsearch-compatible server ([`server`]), real servers by a compose file ([`compose`]), and what Kibana
//! shows of them ([`kibana`]).

pub mod client;
pub mod compose;
pub mod kibana;
pub mod server;
