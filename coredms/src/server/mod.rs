//! The embedded Elasticsearch-compatible server: as much of Elasticsearch's HTTP interface as the
//! platform needs, on the search library tantivy. What it does not know it refuses; it never
//! answers with less than was asked. How data is kept is told in `store`.

mod error;
mod http;
mod mapping;
mod query;
mod run;
mod search;
mod store;

pub use mapping::Fit;
pub use run::{Server, ServerError, ServerOptions, run};
