//! The core DMS behind its port: an Elasticsearch-compatible server, real or embedded.

mod adapter;
mod embedded;
mod failure;
mod keys;
mod process;
mod showcase;
#[cfg(test)]
mod tests;

pub(crate) use adapter::ElasticDms;
pub(crate) use embedded::Embedded;
