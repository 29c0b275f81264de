//! The text of a file, a line at a time, and where its bytes stand in the file.

use domain::error::Failure;

use super::opening::Head;
use crate::decode::{Charset, Transcoder};
use crate::source::Source;

/// Bytes that are read at once.
const READ: usize = 256 << 10;
/// A longer line comes in several pieces.
const LONGEST: usize = 64 << 10;

/// Where bytes come from.
pub(super) trait Bytes {
    /// Reads the next bytes, which are at this offset; 0 at the end.
    fn bytes(&mut self, into: &mut [u8], at: u64) -> Result<usize, Failure>;
}

impl Bytes for Source {
    fn bytes(&mut self, into: &mut [u8], at: u64) -> Result<usize, Failure> {
        self.read(into, at)
    }
}

/// Makes pieces of a file. They do not depend on how its bytes come.
pub(super) struct Pieces {
    charset: Charset,
    transcoder: Transcoder,
    raw: Vec<u8>,
    /// How much of `raw` was made pieces of.
    done: usize,
    /// Offset of the next byte in the file.
    position: u64,
    ended: bool,
    flushed: bool,
}

/// A line or a part of one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    /// Offset of its first byte in the file.
    pub from: u64,
    /// Offset after its last byte.
    pub to: u64,
}

impl Pieces {
    /// The pieces after the beginning of a file.
    pub(super) fn after(head: Head) -> Self {
        Self {
            charset: head.charset,
            transcoder: Transcoder::new(head.charset),
            raw: head.bytes,
            done: 0,
            position: head.at,
            ended: false,
            flushed: false,
        }
    }

    /// Offset of the next byte in the file.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Whether the next piece has to be waited for.
    pub(super) fn is_empty(&self) -> bool {
        self.done == self.raw.len()
    }

    /// Appends the text of the next piece; none at the end of the file.
    pub(super) fn next(
        &mut self,
        source: &mut impl Bytes,
        text: &mut Vec<u8>,
    ) -> Result<Option<Piece>, Failure> {
        let length = loop {
            let rest = self.raw.get(self.done..).unwrap_or_default();
            let head = rest.get(..LONGEST).unwrap_or(rest);
            match self.charset.line_end(head) {
                Some(end) => break end,
                None if head.len() == LONGEST => break self.charset.whole(head),
                None if self.ended => break head.len(),
                None => self.read(source)?,
            }
        };
        let is_last = self.ended && self.done + length == self.raw.len();
        if std::mem::replace(&mut self.flushed, is_last) {
            return Ok(None);
        }
        let raw = self.raw.get(self.done..self.done + length);
        self.transcoder.push(raw.unwrap_or_default(), is_last, text);
        let from = self.position;
        self.done += length;
        self.position += length as u64;
        Ok(Some(Piece {
            from,
            to: self.position,
        }))
    }

    fn read(&mut self, source: &mut impl Bytes) -> Result<(), Failure> {
        self.raw.drain(..std::mem::take(&mut self.done));
        let length = self.raw.len();
        let at = self.position + length as u64;
        self.raw.resize(length + READ, 0);
        let read = self
            .raw
            .get_mut(length..)
            .map_or(Ok(0), |into| source.bytes(into, at));
        self.raw
            .truncate(length + read.as_ref().copied().unwrap_or(0));
        self.ended = read? == 0;
        Ok(())
    }

    /// Where a text stands in the file that begins a piece.
    pub(super) fn place(&self, piece: Piece, text: &[u8], at: usize) -> u64 {
        match at {
            0 => piece.from,
            _ if at == text.len() => piece.to,
            _ => piece.from + self.charset.width(text.get(..at).unwrap_or_default()),
        }
    }
}
