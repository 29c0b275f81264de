//! Aggregations: exact, over the columns of all matching documents.
//!
//! Each segment is collected into a [`Partial`], partials are merged, and the sum is rendered.
//! Elasticsearch's own are approximate where many values meet many shards (`terms`, `cardinality`);
//! these are not, so the error bounds that the answers carry are 0.

mod collect;
mod composite;
mod histogram;
mod parse;
mod render;

pub use collect::{Partial, check, collect};
pub use parse::parse;
pub use render::render_all;

use super::column::Key;
use crate::server::mapping::DateFormat;

/// Most buckets of one answer, as Elasticsearch's `search.max_buckets`.
pub const MAX_BUCKETS: usize = 65_536;

/// An aggregation and those below it.
#[derive(Debug)]
pub struct Aggregation {
    /// What it does.
    pub kind: Kind,
    /// Aggregations of each bucket.
    pub below: Vec<(String, Aggregation)>,
}

/// What an aggregation does.
#[derive(Debug)]
pub enum Kind {
    /// A bucket per value.
    Terms {
        field: String,
        size: usize,
        order: Vec<Order>,
        min_doc_count: u64,
    },
    /// A bucket per interval of time.
    DateHistogram {
        field: String,
        interval: Interval,
        min_doc_count: u64,
        order: Vec<Order>,
        format: Option<DateFormat>,
    },
    /// A bucket per combination of values, in pages.
    Composite {
        sources: Vec<Source>,
        size: usize,
        after: Option<Vec<Key>>,
    },
    /// A number out of the values.
    Metric { field: String, metric: Metric },
}

/// Numbers out of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    Stats,
    Min,
    Max,
    Avg,
    Sum,
    ValueCount,
    Cardinality,
}

/// What buckets are ordered by.
#[derive(Debug, Clone)]
pub struct Order {
    pub by: OrderBy,
    pub descending: bool,
}

/// See [`Order`].
#[derive(Debug, Clone)]
pub enum OrderBy {
    Count,
    Key,
    /// The aggregation below of this name, and which of its numbers.
    Below(String, Option<String>),
}

/// The length of a histogram's buckets.
#[derive(Debug, Clone, Copy)]
pub enum Interval {
    /// Milliseconds.
    Fixed(i64),
    /// A unit of the calendar, as in date math.
    Calendar(char),
}

/// One dimension of a composite.
#[derive(Debug, Clone)]
pub struct Source {
    pub name: String,
    pub field: String,
    /// None = the values themselves.
    pub interval: Option<Interval>,
    pub descending: bool,
    /// Whether documents without a value have a bucket.
    pub missing_bucket: bool,
}
