//! Logstash's configuration text (`filter { … }`) as another notation for the same syntax tree.

mod parse;

pub use parse::parse;
