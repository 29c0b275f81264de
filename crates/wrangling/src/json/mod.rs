//! JSON in and out, without a tree in between.

mod encode;
mod parse;

pub use encode::write_json_str;
pub(crate) use encode::{write_field, write_sorted, write_value};
pub(crate) use parse::parse;
