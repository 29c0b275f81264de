//! JSON in and out, without a tree in between; and events as Ruby shows them.

mod debug;
mod encode;
mod parse;

pub(crate) use debug::write_debug;
pub use encode::write_json_str;
pub(crate) use encode::{write_field, write_sorted, write_value};
pub(crate) use parse::parse;
