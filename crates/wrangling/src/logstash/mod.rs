//! Logstash's own notation of pipelines.
//!
//! The grammar is that of Logstash's `lscl_grammar.treetop`; where Logstash accepts or refuses a text, so does this.

mod parse;
mod print;

pub use parse::{parse, parse_in, parse_pipeline};
pub use print::{PrintError, print};
