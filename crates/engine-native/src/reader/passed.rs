//! Counts what is not held of a record that is longer than the limit.

use memchr::memchr_iter;

/// What was passed over of a record.
#[derive(Debug, Default)]
pub(super) struct Passed {
    bytes: u64,
    lines: u64,
    last_two: [u8; 2],
}

impl Passed {
    /// Passes over these bytes.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.lines += memchr_iter(b'\n', bytes).count() as u64;
        for &byte in bytes
            .get(bytes.len().saturating_sub(2)..)
            .unwrap_or_default()
        {
            self.last_two = [self.last_two[1], byte];
        }
    }

    /// How many bytes that is.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many line feeds.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// The record's length without its line end.
    pub(super) fn content(&self) -> u64 {
        let end = match self.last_two {
            [b'\r', b'\n'] => 2,
            [_, b'\n'] => 1,
            _ => 0,
        };
        self.bytes - end
    }
}
