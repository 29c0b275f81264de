//! Encodings: how a file's bytes are text.
//!
//! Text is UTF-8 from here on. Bytes that are no text in the file's encoding are kept in it as they stand, each as a surrogate
//! (U+DC00 and the byte's number), which UTF-8 has no place for: so their record, and no other, is found not to be text.

use encoding_rs::{Decoder, DecoderResult, Encoding};
use memchr::{memchr, memchr_iter};

/// How many bytes of earlier pieces may turn out to be no text.
const MEMORY: usize = 8;
/// Text is decoded in steps of this size.
const STEP: usize = 4 << 10;

/// The encoding of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

impl Charset {
    /// The encoding in which files are that have no byte order mark.
    pub fn new(encoding: &'static Encoding) -> Self {
        Self(encoding)
    }

    /// The encoding that a byte order mark names, and how long the mark is.
    pub fn of_mark(head: &[u8]) -> Option<(Self, usize)> {
        Encoding::for_bom(head).map(|(encoding, length)| (Self(encoding), length))
    }

    /// Whether the bytes are UTF-8, so that offsets in the text are those in the file.
    pub fn is_utf8(self) -> bool {
        self.0 == encoding_rs::UTF_8
    }

    /// The name in the WHATWG Encoding Standard.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    fn is_utf16(self) -> bool {
        self.0 == encoding_rs::UTF_16LE || self.0 == encoding_rs::UTF_16BE
    }

    /// How many bytes a text is in the file. What has several encodings for one character, as those of Chinese, Japanese and
    /// Korean do, has no answer; there only beginnings of lines are places.
    pub fn width(self, text: &[u8]) -> u64 {
        if self.is_utf8() {
            return text.len() as u64;
        }
        let is_first = |byte: &&u8| **byte & 0xC0 != 0x80;
        let characters = text.iter().filter(is_first).count();
        if !self.is_utf16() {
            return characters as u64;
        }
        // two bytes each, but four beyond the basic plane and one where a byte is no text
        let pairs = text.iter().filter(|byte| **byte >= 0xF0).count();
        let kept = memchr_iter(0xED, text)
            .filter(|&at| text.get(at + 1).is_some_and(|next| *next >= 0xA0))
            .count();
        (2 * characters + 2 * pairs - kept) as u64
    }

    /// Where the first of these bytes' lines ends: after its line feed.
    pub fn line_end(self, raw: &[u8]) -> Option<usize> {
        if !self.is_utf16() {
            return memchr(b'\n', raw).map(|at| at + 1);
        }
        let line_feed = self.unit(b'\n');
        memchr_iter(b'\n', raw)
            .map(|at| at & !1)
            .find(|&at| raw.get(at..at + 2) == Some(&line_feed[..]))
            .map(|at| at + 2)
    }

    /// Where these bytes can be cut without parting what belongs together in UTF-16.
    pub fn whole(self, raw: &[u8]) -> usize {
        let even = raw.len() & !1;
        let high = self.unit_at(raw, even.saturating_sub(2));
        match self.is_utf16() {
            false => raw.len(),
            true if high.is_some_and(|unit| (0xD800..0xDC00).contains(&unit)) => even - 2,
            true => even,
        }
    }

    /// An ASCII character in UTF-16.
    fn unit(self, ascii: u8) -> [u8; 2] {
        match self.0 == encoding_rs::UTF_16LE {
            true => [ascii, 0],
            false => [0, ascii],
        }
    }

    fn unit_at(self, raw: &[u8], at: usize) -> Option<u16> {
        let unit = raw.get(at..)?.first_chunk::<2>()?;
        Some(match self.0 == encoding_rs::UTF_16LE {
            true => u16::from_le_bytes(*unit),
            false => u16::from_be_bytes(*unit),
        })
    }
}

/// Makes text of bytes that come piece by piece.
#[derive(Debug)]
pub struct Transcoder {
    /// None for UTF-8.
    decoder: Option<Decoder>,
    /// The last bytes of earlier pieces.
    before: Vec<u8>,
    step: Box<[u8; STEP]>,
}

impl Transcoder {
    /// For a file, after its byte order mark.
    pub fn new(charset: Charset) -> Self {
        let decoder = (!charset.is_utf8()).then(|| charset.0.new_decoder_without_bom_handling());
        Self {
            decoder,
            before: Vec::new(),
            step: Box::new([0; STEP]),
        }
    }

    /// Appends the text of the next bytes. `last` says that no more come; nothing may be taken after that.
    pub fn push(&mut self, raw: &[u8], last: bool, text: &mut Vec<u8>) {
        let Some(decoder) = &mut self.decoder else {
            text.extend_from_slice(raw);
            return;
        };
        let mut read = 0;
        loop {
            let rest = raw.get(read..).unwrap_or_default();
            let (result, taken, written) =
                decoder.decode_to_utf8_without_replacement(rest, &mut self.step[..], last);
            read += taken;
            text.extend_from_slice(self.step.get(..written).unwrap_or_default());
            match result {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(length, after) => {
                    let end = (self.before.len() + read).saturating_sub(after.into());
                    for at in end.saturating_sub(length.into())..end {
                        let byte = match at.checked_sub(self.before.len()) {
                            Some(at) => raw.get(at),
                            None => self.before.get(at),
                        };
                        text.extend_from_slice(&kept(byte.copied().unwrap_or_default()));
                    }
                }
            }
        }
        let recent = raw.len().saturating_sub(MEMORY);
        self.before
            .extend_from_slice(raw.get(recent..).unwrap_or_default());
        let forgotten = self.before.len().saturating_sub(MEMORY);
        self.before.drain(..forgotten);
    }
}

/// How a byte that is no text stands in a text.
fn kept(byte: u8) -> [u8; 3] {
    [0xED, 0xB0 | (byte >> 6), 0x80 | (byte & 0x3F)]
}

/// A text that was made of bytes, with those that are no text as they stood in the file.
pub fn restored(text: &[u8]) -> Vec<u8> {
    let mut restored = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        rest = match *rest {
            [0xED, second @ 0xB0..=0xB3, third, ref next @ ..] => {
                restored.push((second & 0x03) << 6 | (third & 0x3F));
                next
            }
            _ => {
                restored.push(first);
                after
            }
        };
    }
    restored
}
