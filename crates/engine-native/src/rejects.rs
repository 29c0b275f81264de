//! The lines of the reject log.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::reject::{RawEncoding, Reject};
use memchr::memchr_iter;

use crate::batch::{FileContext, RejectLines, count};
use crate::decode::restored;

/// A reject keeps at most so much of its record.
pub const MAX_RAW_BYTES: usize = 64 << 10;

/// Why, and by what, a record was rejected.
#[derive(Debug, Clone, Copy)]
pub struct Cause<'a> {
    /// Stable code.
    pub code: &'a str,
    /// What refused it.
    pub step: &'a str,
    /// The field concerned.
    pub field: Option<&'a str>,
    /// In words.
    pub message: &'a str,
}

/// Which record was rejected.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Its file.
    pub file: &'a FileContext,
    /// Its first byte.
    pub position: u64,
    /// Its line.
    pub line: u64,
    /// Which document of it.
    pub ordinal: u32,
    /// Its bytes in UTF-8, or its first ones.
    pub raw: &'a [u8],
    /// How many it has.
    pub raw_bytes: u64,
}

impl RejectLines {
    /// Appends one.
    pub fn push(&mut self, cause: Cause<'_>, place: Place<'_>) {
        let kept = place.raw.get(..MAX_RAW_BYTES).unwrap_or(place.raw);
        let is_cut = kept.len() < place.raw.len();
        let (raw, raw_encoding) = match place.file.charset.is_utf8() {
            true => encode(kept, is_cut),
            false => encode(&restored(kept), is_cut),
        };
        let reject = Reject {
            file_index: place.file.manifest.index,
            file: place.file.manifest.name.clone(),
            file_key: place.file.manifest.file_key.clone(),
            line: place.line,
            position: place.position,
            ordinal: place.ordinal,
            code: cause.code.to_owned(),
            step: cause.step.to_owned(),
            field: cause
                .field
                .filter(|field| !field.is_empty())
                .map(str::to_owned),
            message: cause.message.to_owned(),
            raw,
            raw_encoding,
            raw_bytes: place.raw_bytes,
        };
        let length = self.lines.len();
        match serde_json::to_writer(&mut self.lines, &reject) {
            Ok(()) => self.lines.push(b'\n'),
            // writing text to memory cannot fail; were it to, half a line must not stay
            Err(_) => self.lines.truncate(length),
        }
        count(&mut self.causes, cause.code, 1);
    }
}

/// The bytes as text where they are text; `cut` says that more follow.
pub fn encode(kept: &[u8], cut: bool) -> (String, RawEncoding) {
    match std::str::from_utf8(kept) {
        Ok(text) => (text.to_owned(), RawEncoding::Utf8),
        // cut in the middle of a character
        Err(e) if e.error_len().is_none() && cut => (
            String::from_utf8_lossy(kept.get(..e.valid_up_to()).unwrap_or_default()).into_owned(),
            RawEncoding::Utf8,
        ),
        Err(_) => (STANDARD.encode(kept), RawEncoding::Base64),
    }
}

/// Counts lines up to offsets that only grow.
#[derive(Debug)]
pub struct LineCounter<'b> {
    block: &'b [u8],
    at: usize,
    line: u64,
}

impl<'b> LineCounter<'b> {
    /// A counter at the offset `at` of a block, which is on this line.
    pub fn new(block: &'b [u8], at: usize, line: u64) -> Self {
        Self { block, at, line }
    }

    /// The line of an offset.
    pub fn line(&mut self, offset: usize) -> u64 {
        self.line +=
            memchr_iter(b'\n', self.block.get(self.at..offset).unwrap_or_default()).count() as u64;
        self.at = self.at.max(offset);
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_bytes_are_kept_as_text_where_they_are_text() {
        assert_eq!(
            encode(b"a\0\xC3\xA4", false),
            ("a\0ä".into(), RawEncoding::Utf8)
        );
        assert_eq!(
            encode(b"a\xff", false),
            ("Yf8=".into(), RawEncoding::Base64)
        );
        let mut long = vec![b'x'; MAX_RAW_BYTES - 1];
        long.extend("ä and more".bytes());
        let (text, encoding) = encode(&long[..MAX_RAW_BYTES], true);
        assert_eq!(
            (text.len(), encoding),
            (MAX_RAW_BYTES - 1, RawEncoding::Utf8)
        );
    }

    #[test]
    fn lines_are_counted_from_where_the_segment_begins() {
        let mut counter = LineCounter::new(b"skip\na\nb\n\nc", 5, 10);
        assert_eq!(
            [counter.line(5), counter.line(7), counter.line(10)],
            [10, 11, 13]
        );
    }
}
