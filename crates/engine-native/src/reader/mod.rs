//! The reading stage: claimed files in the manifest's order, cut into batches of whole records.

mod cutter;
mod gather;
mod opening;
mod passed;
mod pieces;
mod replay;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Sender;
use std::time::Instant;

use domain::error::Failure;
use domain::file::{FileState, ManifestFile};
use domain::spec::Format;
use wrangling::Compiled;

use crate::batch::{Batch, FileColumns, FileContext, Mark, Segment, SegmentKind, quarantined};
use crate::budget::Budget;
use crate::control::Control;
use crate::decode::{Charset, Framing};
use crate::limits::CpuPace;
use crate::meter::{Meter, Work};
use crate::pool::Pool;
use crate::rate::RatePace;
use crate::source::Source;
use opening::{Head, Way};
use replay::Slices;

/// A batch holds at most so many segments, however small the files are.
const MAX_SEGMENTS: usize = 4096;
/// Raw bytes of a batch, at least and at most (but for a longer record).
const MIN_BLOCK_BYTES: usize = 16 << 10;
const MAX_BLOCK_BYTES: usize = 2 << 20;
/// What a batch costs besides its bytes, for each segment.
const SEGMENT_COST: usize = 512;

/// What the reading stage needs to know.
#[derive(Debug)]
pub struct Reading {
    /// Files still to be read, in order.
    pub files: Vec<ManifestFile>,
    /// How far the first of them has been ingested.
    pub from: Mark,
    /// Where their claimed copies are.
    pub claimed: PathBuf,
    /// Which of their records are read, if there is such a list.
    pub replay: PathBuf,
    /// How the bytes become records.
    pub format: Format,
    /// Longest record, in bytes.
    pub max_record: usize,
    /// Binds columns.
    pub program: Arc<Compiled>,
    /// CPU cores that the worker may use, in thousandths.
    pub cpu_millis: u32,
    /// The run's share of its client's rates.
    pub rate: RatePace,
}

/// The reading stage was told to stop, or nobody wants its batches any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stopped;

/// What the reading stage shares with the others.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Whether to go on.
    pub control: Arc<Control>,
    /// Counters.
    pub meter: Arc<Meter>,
    /// Bytes under way.
    pub budget: Arc<Budget>,
    /// Blocks to be used again.
    pub blocks: Arc<Pool>,
}

/// Reads all files to their end, or until told to stop.
pub fn read(reading: Reading, shared: Shared, batches: Sender<Batch>) {
    let Reading { files, from, .. } = &reading;
    let (files, mut from) = (files.clone(), *from);
    let mut reader = Reader {
        pace: CpuPace::new(reading.cpu_millis),
        framing: Framing::of(&reading.format),
        reading,
        shared,
        batches,
        seq: 0,
        block: Vec::new(),
        segments: Vec::new(),
        columns: None,
        busy_since: Instant::now(),
    };
    let mut slices = match Slices::open(&reader.reading.replay) {
        Ok(slices) => slices,
        Err(failure) => return reader.shared.control.fail(failure),
    };
    for file in files {
        if reader
            .file(
                file,
                std::mem::replace(&mut from, Mark::START),
                slices.as_mut(),
            )
            .is_err()
        {
            return;
        }
    }
    // told to stop is as good as done here: nothing follows
    let _ = reader.dispatch(Vec::new());
}

struct Reader {
    reading: Reading,
    framing: Framing,
    shared: Shared,
    batches: Sender<Batch>,
    seq: u64,
    block: Vec<u8>,
    segments: Vec<Segment>,
    /// Those of the file before: most files of a job have the same.
    columns: Option<Arc<FileColumns>>,
    pace: CpuPace,
    busy_since: Instant,
}

impl Reader {
    fn file(
        &mut self,
        manifest: ManifestFile,
        from: Mark,
        slices: Option<&mut Slices>,
    ) -> Result<(), Stopped> {
        let charset = Charset::new(self.reading.format.charset());
        if let Some(decided) = manifest.terms.decided.clone() {
            return self.end(&context(manifest, charset, None), from, decided);
        }
        let opened = Source::open(
            &self.reading.claimed,
            &manifest,
            Arc::clone(&self.shared.meter.bytes_read),
        );
        let begun = opened.and_then(|mut source| {
            let head = Head::read(&mut source, charset)?;
            let charset = head.charset;
            let opening = self.opening(&mut source, head, from)?;
            Ok((source, charset, opening))
        });
        let (mut source, charset, opening) = match begun {
            Ok(begun) => begun,
            Err(failure) => {
                let state = self.given_up(failure)?;
                return self.end(&context(manifest, charset, None), from, state);
            }
        };
        let file = context(manifest, charset, opening.columns);
        let (mark, result) = match (opening.way, slices) {
            (Way::Cut(mark, rest), None) => self.records(&mut source, &file, mark, rest)?,
            (Way::Cut(mark, rest), Some(slices)) => {
                self.replayed(slices, &mut source, &file, mark, rest)?
            }
            (Way::Gather(gathering), slices) => {
                self.gathered(&mut source, &file, *gathering, from, slices)?
            }
        };
        let state = match result.and_then(|()| source.verify()) {
            Ok(()) => FileState::Read,
            Err(failure) => self.given_up(failure)?,
        };
        self.end(&file, mark, state)
    }

    /// What becomes of a file that cannot be read on: a broken one is quarantined. If the platform is at fault and may
    /// recover, the worker ends instead, to be started again from its checkpoint.
    fn given_up(&self, failure: Failure) -> Result<FileState, Stopped> {
        if failure.retryable {
            self.shared.control.fail(failure);
            return Err(Stopped);
        }
        Ok(quarantined(failure))
    }

    fn end(
        &mut self,
        file: &Arc<FileContext>,
        mark: Mark,
        state: FileState,
    ) -> Result<(), Stopped> {
        self.segments.push(Segment {
            file: Arc::clone(file),
            from: mark,
            to: mark,
            kind: SegmentKind::End(state),
            cuts: None,
        });
        if self.segments.len() >= MAX_SEGMENTS {
            self.dispatch(Vec::new())
        } else {
            Ok(())
        }
    }

    /// Sends what was collected on its way, and goes on with `carry` in a fresh block.
    fn dispatch(&mut self, carry: Vec<u8>) -> Result<(), Stopped> {
        let block = std::mem::replace(&mut self.block, carry);
        if self.segments.is_empty() {
            self.shared.blocks.put(block);
            return Ok(());
        }
        let segments = std::mem::take(&mut self.segments);
        let meter = &self.shared.meter;
        let cuts = segments
            .iter()
            .filter_map(|segment| segment.cuts.as_deref());
        let cuts: usize = cuts.map(size_of_val).sum();
        let cost = block.len() + meter.body_of(block.len()) + segments.len() * SEGMENT_COST + cuts;
        let waiting_since = meter.spent(Work::Read, self.busy_since);
        let taken = self.shared.budget.take(cost).ok_or(Stopped);
        self.busy_since = meter.spent(Work::Blocked, waiting_since);
        let batch = Batch {
            seq: self.seq,
            block,
            segments,
            cost: taken?,
        };
        self.seq += 1;
        self.batches.send(batch).map_err(|_| Stopped)
    }

    /// Waits until the run is within its share of its client's rates, or reading is to stop. That is no stall.
    fn keep_to_rate(&mut self) {
        loop {
            let (meter, control) = (&self.shared.meter, &self.shared.control);
            let (records, bytes) = (meter.records.load(Relaxed), meter.bytes_read.load(Relaxed));
            let wait = self.reading.rate.wait(records, bytes);
            if wait.is_zero() {
                return;
            }
            meter.spent(Work::Read, self.busy_since);
            meter.progress();
            let goes_on = control.rest(wait);
            self.busy_since = Instant::now();
            if !goes_on {
                return;
            }
        }
    }

    /// Waits while reading is held, or the worker has used more than its share of CPU time.
    fn may_read(&mut self) -> Result<(), Stopped> {
        self.keep_to_rate();
        let wait = self.pace.wait();
        if !wait.is_zero() {
            self.shared.meter.spent(Work::Read, self.busy_since);
            self.shared.control.rest(wait);
            self.busy_since = Instant::now();
        }
        if self.shared.control.is_paused() {
            self.shared.meter.spent(Work::Read, self.busy_since);
            let goes_on = self.shared.control.may_read();
            self.busy_since = Instant::now();
            return if goes_on { Ok(()) } else { Err(Stopped) };
        }
        if self.shared.control.stopping().is_cancelled() {
            Err(Stopped)
        } else {
            Ok(())
        }
    }

    /// Raw bytes that the present block should have.
    fn block_bytes(&self) -> usize {
        self.shared
            .meter
            .raw_for_bulk()
            .clamp(MIN_BLOCK_BYTES, MAX_BLOCK_BYTES)
    }
}

fn context(
    manifest: ManifestFile,
    charset: Charset,
    columns: Option<Arc<FileColumns>>,
) -> Arc<FileContext> {
    Arc::new(FileContext {
        manifest,
        charset,
        columns,
    })
}

/// What the end of reading a file's records means: where it is, and what was wrong.
type Ended = (Mark, Result<(), Failure>);

#[cfg(test)]
mod tests;
