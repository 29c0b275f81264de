//! Searching: the matching documents of every segment, counted, aggregated, the first of them returned.

mod aggs;
mod column;
mod hits;
mod request;
mod sort;
mod source;

pub use hits::search;
pub use request::{Request, is_common, unknown_parameter};
pub use source::SourceFilter;
