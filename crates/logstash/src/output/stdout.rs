//! `stdout`: standard output.

use std::io::Write;

use super::{Item, Output, Written};

/// Writes to standard output, a batch at a time.
pub struct Stdout;

impl Output for Stdout {
    fn write(&self, items: Vec<Item>) -> Written {
        let mut out = std::io::stdout().lock();
        let written = items.iter().try_for_each(|item| out.write_all(&item.data));
        let written = written.and_then(|()| out.flush());
        if let Err(error) = &written {
            tracing::error!(%error, "events cannot be written to standard output");
        }
        Written {
            lost: written.is_err(),
        }
    }
}
