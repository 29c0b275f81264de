//! The core DMS as real servers on one machine: a compose file for Elasticsearch and Kibana.

/// The compose file. It takes passwords and ports from a `.env` beside it.
pub const COMPOSE: &str = include_str!("../docker-compose.yml");
