//! The records of a file that are found one by one in its text.

use std::sync::Arc;

use domain::error::{Culprit, Failure};
use memchr::memchr_iter;

use super::passed::Passed;
use super::pieces::{Piece, Pieces};
use super::replay::Slices;
use super::{Ended, MAX_SEGMENTS, Reader, Stopped};
use crate::batch::{Cut, FileContext, Mark, Oversized, Segment, SegmentKind};
use crate::decode::{Broken, Edge, Finder};
use crate::rejects::MAX_RAW_BYTES;
use crate::source::Source;

/// A file whose records are found one by one.
pub(super) struct Gathering {
    pub pieces: Pieces,
    pub finder: Finder,
    /// The line of the next piece.
    pub line: u64,
}

/// Where the reader is in the file; its part of the block begins at `start`.
struct Gather<'f> {
    file: &'f Arc<FileContext>,
    /// Of the first byte of this file's part of the block.
    mark: Mark,
    start: usize,
    /// The end of the last whole record, in the block and in the file.
    whole: (usize, u64),
    cuts: Vec<Cut>,
    open: Option<Open>,
    /// Records before this offset have been ingested; none once they are passed.
    skip_to: Option<u64>,
    /// The only records that are to be read; none if all are.
    slices: Option<&'f mut Slices>,
}

impl Gather<'_> {
    fn wants(&mut self, position: u64) -> Result<bool, Failure> {
        let file = self.file.manifest.index;
        let slices = self.slices.as_mut();
        slices.map_or(Ok(true), |slices| slices.want(file, position))
    }
}

/// A record that has begun.
struct Open {
    /// In the block.
    start: usize,
    /// In the file.
    position: u64,
    /// What was passed over of it, once it is longer than the limit.
    passed: Option<Passed>,
}

impl Reader {
    /// Reads a file's records, from `from` on. The file is read from its beginning, because what a record is may depend on
    /// what stands before it. The failure is of the source, or says where no record can be told any more.
    pub(super) fn gathered(
        &mut self,
        source: &mut Source,
        file: &Arc<FileContext>,
        gathering: Gathering,
        from: Mark,
        slices: Option<&mut Slices>,
    ) -> Result<Ended, Stopped> {
        let Gathering {
            mut pieces,
            mut finder,
            line,
        } = gathering;
        let position = pieces.position().max(from.position);
        let mut gather = Gather {
            file,
            mark: Mark { position, line },
            start: self.block.len(),
            whole: (self.block.len(), position),
            cuts: Vec::new(),
            open: None,
            skip_to: (from.position > pieces.position()).then_some(from.position),
            slices,
        };
        let (mut text, mut edges) = (Vec::new(), Vec::new());
        loop {
            if pieces.is_empty() {
                self.may_read()?;
            }
            text.clear();
            edges.clear();
            let piece = match pieces.next(source, &mut text) {
                Ok(Some(piece)) => piece,
                Ok(None) => {
                    let ended = finder.end();
                    return self.gathered_all(gather, pieces.position(), ended);
                }
                Err(failure) => return Ok(self.given_up_at(gather, failure)),
            };
            if text.is_empty() {
                continue;
            }
            let found = finder.piece(&text, &mut edges);
            self.take(&mut gather, &pieces, piece, &text, &edges)?;
            if let Err(broken) = found {
                let at = pieces.place(piece, &text, broken.at.unwrap_or_default());
                return Ok(self.given_up_at(gather, not_told(broken, at)));
            }
            if gather.open.is_none() && gather.skip_to.is_none() {
                // what stands between records needs not be kept for one
                gather.whole = (self.block.len(), piece.to);
            }
            if self.block.len() >= self.block_bytes() {
                self.make_room_for(&mut gather)?;
            }
        }
    }

    /// Takes a piece, with where records begin and end in it.
    fn take(
        &mut self,
        gather: &mut Gather<'_>,
        pieces: &Pieces,
        piece: Piece,
        text: &[u8],
        edges: &[Edge],
    ) -> Result<(), Stopped> {
        let mut taken = 0;
        for edge in edges {
            let (Edge::Start(at) | Edge::End(at)) = *edge;
            self.keep(gather, text.get(taken..at).unwrap_or_default());
            taken = at;
            let position = pieces.place(piece, text, at);
            match edge {
                Edge::Start(_) => self.begin(gather, position),
                Edge::End(_) => self.close(gather, position)?,
            }
        }
        self.keep(gather, text.get(taken..).unwrap_or_default());
        Ok(())
    }

    /// A record begins.
    fn begin(&mut self, gather: &mut Gather<'_>, position: u64) {
        if gather.skip_to.is_some_and(|to| position >= to) {
            gather.skip_to = None;
        }
        gather.open = Some(Open {
            start: self.block.len(),
            position,
            passed: None,
        });
    }

    /// Takes text, of a record or between two.
    fn keep(&mut self, gather: &mut Gather<'_>, text: &[u8]) {
        if gather.skip_to.is_some() {
            gather.mark.line += memchr_iter(b'\n', text).count() as u64;
            return;
        }
        let Some(open) = &mut gather.open else {
            self.block.extend_from_slice(text);
            return;
        };
        if let Some(passed) = &mut open.passed {
            passed.add(text);
            return;
        }
        self.block.extend_from_slice(text);
        let begun = self.block.get(open.start..).unwrap_or_default();
        if begun.len() > self.reading.max_record + 2 {
            let mut passed = Passed::default();
            passed.add(begun);
            open.passed = Some(passed);
            self.block.truncate(open.start + MAX_RAW_BYTES + 4);
        }
    }

    /// A record ends, at this offset of the file.
    fn close(&mut self, gather: &mut Gather<'_>, position: u64) -> Result<(), Stopped> {
        let Some(open) = gather.open.take() else {
            return Ok(());
        };
        if gather.skip_to.is_some() {
            return Ok(());
        }
        match gather.wants(open.position) {
            Ok(true) => {}
            Ok(false) => {
                self.leave_out(gather, &open, position);
                return Ok(());
            }
            Err(failure) => {
                self.shared.control.fail(failure);
                return Err(Stopped);
            }
        }
        let Some(passed) = open.passed else {
            gather.cuts.push(Cut {
                start: open.start,
                end: self.block.len(),
                position: open.position,
            });
            gather.whole = (self.block.len(), position);
            return Ok(());
        };
        self.gathered_segment(gather, open.start, open.position);
        let head = self.block.split_off(open.start);
        let to = Mark {
            position,
            line: gather.mark.line + passed.lines(),
        };
        self.segments.push(Segment {
            file: Arc::clone(gather.file),
            from: gather.mark,
            to,
            kind: SegmentKind::Oversized(Oversized {
                head,
                bytes: passed.content(),
                limit: self.reading.max_record,
            }),
            cuts: None,
        });
        gather.mark = to;
        gather.whole.1 = position;
        if self.segments.len() >= MAX_SEGMENTS {
            self.dispatch(Vec::new())?;
        }
        gather.start = self.block.len();
        gather.whole.0 = gather.start;
        Ok(())
    }

    /// Takes a record out of the block again that ends at this offset of the file.
    fn leave_out(&mut self, gather: &mut Gather<'_>, open: &Open, position: u64) {
        let end = if gather.cuts.is_empty() {
            gather.start
        } else {
            open.start
        };
        let text = self.block.get(end..).unwrap_or_default();
        let lines = match &open.passed {
            // what the block still holds of it is counted there, too
            Some(passed) => {
                let between = self.block.get(end..open.start).unwrap_or_default();
                memchr_iter(b'\n', between).count() as u64 + passed.lines()
            }
            None => memchr_iter(b'\n', text).count() as u64,
        };
        if !gather.cuts.is_empty() {
            self.gathered_segment(gather, open.start, open.position);
        }
        self.block.truncate(end);
        gather.mark = Mark {
            position,
            line: gather.mark.line + lines,
        };
        (gather.start, gather.whole) = (end, (end, position));
    }

    /// Makes a segment of the block's bytes up to `end`, which is this offset of the file.
    fn gathered_segment(&mut self, gather: &mut Gather<'_>, end: usize, position: u64) {
        let text = self.block.get(gather.start..end).unwrap_or_default();
        let to = Mark {
            position,
            line: gather.mark.line + memchr_iter(b'\n', text).count() as u64,
        };
        if to != gather.mark {
            self.segments.push(Segment {
                file: Arc::clone(gather.file),
                from: gather.mark,
                to,
                kind: SegmentKind::Records(gather.start..end),
                cuts: Some(std::mem::take(&mut gather.cuts)),
            });
        }
        (gather.mark, gather.start, gather.whole) = (to, end, (end, position));
    }

    /// The block is full: sends its whole records on; if it has none of this file, those of the files before.
    fn make_room_for(&mut self, gather: &mut Gather<'_>) -> Result<(), Stopped> {
        let (keep_from, position) = gather.whole;
        self.gathered_segment(gather, keep_from, position);
        if self.segments.is_empty() {
            return Ok(());
        }
        let mut carry = self.shared.blocks.take();
        carry.extend_from_slice(self.block.get(keep_from..).unwrap_or_default());
        self.block.truncate(keep_from);
        (gather.start, gather.whole.0) = (0, 0);
        if let Some(open) = &mut gather.open {
            open.start -= keep_from;
        }
        self.dispatch(carry)
    }

    /// The file has ended, at this offset.
    fn gathered_all(
        &mut self,
        mut gather: Gather<'_>,
        end: u64,
        ended: Result<(), Broken>,
    ) -> Result<Ended, Stopped> {
        if let Err(broken) = ended {
            return Ok(self.given_up_at(gather, not_told(broken, end)));
        }
        self.close(&mut gather, end)?;
        let length = self.block.len();
        self.gathered_segment(&mut gather, length, end);
        Ok((gather.mark, Ok(())))
    }

    /// What follows the last whole record is none.
    fn given_up_at(&mut self, mut gather: Gather<'_>, failure: Failure) -> Ended {
        let (whole, position) = gather.whole;
        self.gathered_segment(&mut gather, whole, position);
        self.block.truncate(whole);
        (gather.mark, Err(failure))
    }
}

/// The failure of a file in which no further record can be told, at this offset.
fn not_told(broken: Broken, at: u64) -> Failure {
    let message = match broken.at {
        Some(_) => format!(
            "no record can be told from byte {at} of the file on: {}",
            broken.reason
        ),
        None => format!(
            "the file ends too early, after {at} bytes: {}",
            broken.reason
        ),
    };
    let next_step = "the records before it are ingested; mend the file and deliver it again";
    Failure::permanent(broken.code, Culprit::Client, message, next_step)
}
