//! The list-of-steps notation of a job spec (YAML or JSON).
//!
//! ```yaml
//! - mutate: {convert: {dep_delay: integer}}
//! - if: '[carrier] == "UA"'
//!   then:
//!     - mutate: {add_tag: united}
//!   elif:
//!     - if: '[carrier] == "AA"'
//!       then: [{mutate: {add_tag: american}}]
//!   else:
//!     - drop: {}
//! ```

mod json_schema;
mod parse;
mod print;

pub use json_schema::json_schema;
pub use parse::{parse, parse_at, parse_in, read};
pub use print::{PrintError, print};
