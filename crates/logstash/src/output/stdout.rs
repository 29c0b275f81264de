//! `stdout`: standard output.

use std::io::Write;

use super::{Item, Output, Written};

/// Writes to standard output, a batch at a time.
pub struct Stdout;

impl Output for Stdout {
    fn write(&self, items: Vec<Item>) -> Written {
        let mut out = std::io::stdout().lock();
        let written = items.iter().try_for_each(|item| out.write_all(&item.data));
        match written.and_then(|()| out.flush()) {
            Ok(()) => Written {
                stored: items.len(),
                lost: false,
            },
            Err(error) => {
                tracing::error!(%error, "events cannot be written to standard output");
                Written {
                    stored: 0,
                    lost: true,
                }
            }
        }
    }
}
