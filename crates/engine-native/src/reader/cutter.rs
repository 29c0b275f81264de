//! The records of a file: cuts what is read into segments of whole records.

use std::sync::Arc;

use domain::error::Failure;
use memchr::memchr_iter;

use super::passed::Passed;
use super::{Ended, MAX_SEGMENTS, Reader, Stopped};
use crate::batch::{FileContext, Mark, Oversized, Segment, SegmentKind};
use crate::decode::Boundary;
use crate::rejects::MAX_RAW_BYTES;
use crate::source::Source;

/// Smallest piece that is worth a read.
const MIN_PIECE: usize = 16 << 10;
/// Largest piece by which a block grows for a long record.
const MAX_PIECE: usize = 1 << 20;

/// Where the reader is in a file; its part of the block begins at `start`.
struct Cut<'f> {
    file: &'f Arc<FileContext>,
    /// Of the first byte of this file's part of the block.
    mark: Mark,
    start: usize,
    /// End of the last whole record in the block.
    whole: Option<usize>,
    boundary: Boundary,
}

impl Reader {
    /// Reads a file's records, from `mark` on, of which `rest` are the first bytes. The failure is of the source.
    pub(super) fn records(
        &mut self,
        source: &mut Source,
        file: &Arc<FileContext>,
        mark: Mark,
        rest: Vec<u8>,
    ) -> Result<Ended, Stopped> {
        let mut cut = Cut {
            file,
            mark,
            start: self.block.len(),
            whole: None,
            boundary: Boundary::new(self.framing),
        };
        self.append(&mut cut, &rest);
        loop {
            self.may_read()?;
            if self.block.len() >= self.block_bytes() {
                self.make_room(&mut cut)?;
            }
            if self.block.len() - cut.start > self.reading.max_record + 2 && cut.whole.is_none() {
                if let Err(failure) = self.oversized(&mut cut, source)? {
                    return Ok((cut.mark, Err(failure)));
                }
                continue;
            }
            match self.fill(&mut cut, source) {
                Ok(0) => {
                    self.segment(&mut cut, self.block.len());
                    return Ok((cut.mark, Ok(())));
                }
                Ok(_) => {}
                Err(failure) => {
                    // what follows the last whole record is a record cut off by the failure: none at all
                    let whole = cut.whole.unwrap_or(cut.start);
                    self.segment(&mut cut, whole);
                    self.block.truncate(whole);
                    return Ok((cut.mark, Err(failure)));
                }
            }
        }
    }

    /// Reads on into the block.
    fn fill(&mut self, cut: &mut Cut<'_>, source: &mut Source) -> Result<usize, Failure> {
        let length = self.block.len();
        let room = self
            .block_bytes()
            .saturating_sub(length)
            .max((length / 4).clamp(MIN_PIECE, MAX_PIECE));
        let at = cut.mark.position + (length - cut.start) as u64;
        self.block.resize(length + room, 0);
        let read = self
            .block
            .get_mut(length..)
            .map_or(Ok(0), |into| source.read(into, at));
        self.block
            .truncate(length + read.as_ref().copied().unwrap_or(0));
        if let Some(end) = cut
            .boundary
            .last(self.block.get(length..).unwrap_or_default())
        {
            cut.whole = Some(length + end);
        }
        read
    }

    fn append(&mut self, cut: &mut Cut<'_>, bytes: &[u8]) {
        let length = self.block.len();
        self.block.extend_from_slice(bytes);
        if let Some(end) = cut.boundary.last(bytes) {
            cut.whole = Some(length + end);
        }
    }

    /// The block is full: sends its whole records on; if it has none of this file, those of the files before.
    fn make_room(&mut self, cut: &mut Cut<'_>) -> Result<(), Stopped> {
        let keep_from = cut.whole.unwrap_or(cut.start);
        self.segment(cut, keep_from);
        if self.segments.is_empty() {
            return Ok(());
        }
        let mut carry = self.shared.blocks.take();
        carry.extend_from_slice(self.block.get(keep_from..).unwrap_or_default());
        self.block.truncate(keep_from);
        (cut.start, cut.whole) = (0, None);
        self.dispatch(carry)
    }

    /// Makes a segment of the block's bytes up to `end`.
    fn segment(&mut self, cut: &mut Cut<'_>, end: usize) {
        let bytes = self.block.get(cut.start..end).unwrap_or_default();
        if bytes.is_empty() {
            return;
        }
        let lines = memchr_iter(b'\n', bytes).count() as u64;
        let to = Mark {
            position: cut.mark.position + bytes.len() as u64,
            line: cut.mark.line + lines,
        };
        let kind = SegmentKind::Records(cut.start..end);
        self.segments.push(Segment {
            file: Arc::clone(cut.file),
            from: cut.mark,
            to,
            kind,
            cuts: None,
        });
        (cut.mark, cut.start, cut.whole) = (to, end, None);
    }

    /// The block holds the beginning of a record that is longer than the limit: passes over the rest of it.
    fn oversized(
        &mut self,
        cut: &mut Cut<'_>,
        source: &mut Source,
    ) -> Result<Result<(), Failure>, Stopped> {
        let begun = self.block.split_off(cut.start);
        let head = begun.get(..MAX_RAW_BYTES + 4).unwrap_or(&begun).to_vec();
        let mut passed = Passed::default();
        passed.add(&begun);
        let mut piece = begun;
        let rest = loop {
            self.may_read()?;
            piece.resize(MAX_PIECE, 0);
            let read = match source.read(&mut piece, cut.mark.position + passed.bytes()) {
                Ok(read) => read,
                Err(failure) => return Ok(Err(failure)),
            };
            let fresh = piece.get(..read).unwrap_or_default();
            if read == 0 {
                break Vec::new();
            }
            match cut.boundary.first(fresh) {
                Some(end) => {
                    let (record, next) = fresh.split_at_checked(end).unwrap_or_default();
                    passed.add(record);
                    break next.to_vec();
                }
                None => passed.add(fresh),
            }
        };
        let to = Mark {
            position: cut.mark.position + passed.bytes(),
            line: cut.mark.line + passed.lines(),
        };
        let kind = SegmentKind::Oversized(Oversized {
            head,
            bytes: passed.content(),
            limit: self.reading.max_record,
        });
        self.segments.push(Segment {
            file: Arc::clone(cut.file),
            from: cut.mark,
            to,
            kind,
            cuts: None,
        });
        (cut.mark, cut.whole) = (to, None);
        if self.segments.len() >= MAX_SEGMENTS {
            self.dispatch(Vec::new())?;
        }
        cut.start = self.block.len();
        self.append(cut, &rest);
        Ok(Ok(()))
    }
}
