//! Takes a text apart into lines.

use memchr::memchr;

use super::{Span, trim_cr};

/// The lines of a text of whole records; blank ones are passed over.
#[derive(Debug)]
pub struct Lines<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl<'t> Lines<'t> {
    /// The lines of `bytes`.
    pub fn new(bytes: &'t [u8]) -> Self {
        Self { bytes, at: 0 }
    }
}

impl Iterator for Lines<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        loop {
            let start = self.at;
            let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
            let end = match memchr(b'\n', rest) {
                Some(line_feed) => {
                    self.at = start + line_feed + 1;
                    trim_cr(self.bytes, start, start + line_feed)
                }
                None => {
                    self.at = self.bytes.len();
                    self.at
                }
            };
            if end > start {
                return Some(Span {
                    start,
                    end,
                    flaw: None,
                });
            }
        }
    }
}
