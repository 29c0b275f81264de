//! Conditions as text: `[carrier] == "UA" and [delay] > 15`. Shared by all notations.

mod cursor;
mod parse;
mod print;

pub(crate) use cursor::{Cursor, SyntaxError};
pub(crate) use parse::{condition, parse};
pub(crate) use print::{print, quoted};
