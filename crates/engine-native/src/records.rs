//! The records of a run for an engine that has something else wrangle and deliver them: first each is given as it was
//! decoded, later what became of each is entered into the run's book.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::error::Failure;
use domain::file::{FileState, ManifestFile};
use domain::ledger::Ledger;
use domain::worker::{RunFolder, WorkOrder};
use wrangling::Compiled;
use wrangling::ast::{Program, Statement};

use crate::batch::{Item, Segment, SegmentKind, Settled, SettledSegment, Wrangled, count};
use crate::book::Book;
use crate::checkpoint::Checkpoint;
use crate::control::Control;
use crate::files::IndexLog;
use crate::pass::Pass;
use crate::rejects::{Cause, LineCounter, Place};
use crate::sink::{CORE_DMS, Refusal};
use crate::worker::{compiled, manifest};

/// The records of a run's claimed files.
pub struct Records {
    folder: RunFolder,
    order: Arc<WorkOrder>,
    decoder: Arc<Compiled>,
    files: Vec<ManifestFile>,
}

/// A record as it was decoded.
#[derive(Debug, Clone, Copy)]
pub struct Decoded<'b> {
    /// Its file.
    pub file: &'b ManifestFile,
    /// Its position in it.
    pub position: u64,
    /// Its fields: a JSON object without line feeds.
    pub fields: &'b [u8],
}

/// What became of a record. Nothing at all: a filter dropped it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fate {
    /// Documents of it that this run wrote.
    pub created: u64,
    /// For each document that was there already: the run that had written it.
    pub duplicates: Vec<String>,
    /// Documents that were refused.
    pub refused: Vec<Refused>,
}

/// Why a document was refused; see [`domain::reject::Reject`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Stable code.
    pub code: String,
    /// What refused it.
    pub step: String,
    /// The field concerned, if one is.
    pub field: Option<String>,
    /// In words.
    pub message: String,
}

impl Refused {
    /// Refused by the core DMS with an error of this type and reason.
    pub fn by_core_dms(kind: &str, reason: &str) -> Self {
        let Refusal {
            code,
            field,
            message,
        } = Refusal::of(kind, reason);
        Self {
            code,
            step: CORE_DMS.into(),
            field,
            message,
        }
    }
}

/// Knows what became of records.
pub trait Judge {
    /// What became of a record; none if it was not processed. Asked for each record that can be decoded, in order.
    fn fate(&mut self, record: &Decoded<'_>) -> Result<Option<Fate>, Failure>;

    /// Whether everything that was told adds up.
    fn check(&self) -> Result<(), Failure>;
}

impl Records {
    /// The records of a run.
    pub fn of(folder: &RunFolder, order: &Arc<WorkOrder>) -> Result<Self, Failure> {
        Ok(Self {
            decoder: Arc::new(compiled(order.spec.program().map(decoding), order)?),
            files: manifest(folder)?,
            folder: folder.clone(),
            order: Arc::clone(order),
        })
    }

    /// The files, in order.
    pub fn files(&self) -> &[ManifestFile] {
        &self.files
    }

    /// Gives each record that can be decoded, in order. `control` can hold and stop it; none if it was stopped. Else the sums
    /// that are known: what was read, and what the decoder rejects.
    pub fn each(
        &self,
        control: &Arc<Control>,
        mut take: impl FnMut(&Decoded<'_>) -> Result<(), Failure>,
        mut come: impl FnMut(f64),
    ) -> Result<Option<Ledger>, Failure> {
        let bytes: u64 = self.files.iter().map(|file| file.bytes).sum();
        let mut pass = self.pass(control);
        let (mut sums, mut ended) = (Ledger::default(), 0);
        while let Some(wrangled) = pass.next() {
            for (_, decoded) in decoded(&wrangled) {
                take(&decoded)?;
            }
            sums += wrangled.ledgers.iter().copied().sum::<Ledger>();
            ended += ends(&wrangled);
            pass.done(wrangled);
            come(pass.bytes_read() as f64 / bytes.max(1) as f64);
        }
        pass.failure().map_or(Ok(()), Err)?;
        Ok((ended == self.files.len()).then_some(sums))
    }

    /// Enters what became of each record into the run's book, in place of what stood there; all of it or, after a failure,
    /// nothing. A record without a known fate was not processed: it does not count, and its file stays claimed. Says whether
    /// every record of every file stands in the book.
    pub fn settle(&self, judge: &mut impl Judge) -> Result<bool, Failure> {
        Checkpoint::forget(&self.folder)?;
        let mut book = Book::open(self.folder.clone())?;
        let mut pass = self.pass(&Arc::default());
        let (mut is_whole, mut claimed) = (true, 0);
        while let Some(mut wrangled) = pass.next() {
            let settled = settled(&mut wrangled, &mut is_whole, judge)?;
            let is_claimed = |it: &&SettledSegment| it.end == Some(FileState::Claimed);
            claimed += settled.segments.iter().filter(is_claimed).count();
            pass.done(wrangled);
            book.enter(settled)?;
        }
        pass.failure().map_or(Ok(()), Err)?;
        judge.check()?;
        book.turn()?.map_or(Ok(()), |page| page.save())?;
        Ok(book.entries().finished as usize - claimed == self.files.len())
    }

    /// Notes indices that the run has written to.
    pub fn note_indices(&self, indices: &BTreeSet<String>) -> Result<(), Failure> {
        let (mut log, known) = IndexLog::open(&self.folder)?;
        let mut new = indices.difference(&known);
        new.try_for_each(|index| log.append(index))
    }

    fn pass(&self, control: &Arc<Control>) -> Pass {
        let (files, program) = (self.files.clone(), Arc::clone(&self.decoder));
        Pass::over(
            files,
            &self.folder,
            &self.order,
            program,
            Arc::clone(control),
        )
    }
}

/// The part of a program that decodes.
fn decoding(program: Program) -> Program {
    let is_decode = |statement: &Statement| matches!(statement, Statement::Decode(_));
    let body = program.body.into_iter().filter(is_decode).collect();
    Program { body }
}

fn ends(wrangled: &Wrangled) -> usize {
    let is_end = |segment: &&Segment| matches!(segment.kind, SegmentKind::End(_));
    wrangled.batch.segments.iter().filter(is_end).count()
}

/// The records of a batch that were decoded.
fn decoded(wrangled: &Wrangled) -> impl Iterator<Item = (&Item, Decoded<'_>)> {
    wrangled.items.iter().filter_map(|item| {
        let segment = wrangled.batch.segments.get(item.segment as usize)?;
        let position = segment.position(item)?;
        // an action line, then the document
        let mut lines = wrangled
            .body
            .get(item.body_at as usize..)?
            .split(|&b| b == b'\n');
        let decoded = Decoded {
            file: &segment.file.manifest,
            position,
            fields: lines.nth(1)?,
        };
        Some((item, decoded))
    })
}

fn settled(
    wrangled: &mut Wrangled,
    is_whole: &mut bool,
    judge: &mut impl Judge,
) -> Result<Settled, Failure> {
    let mut ledgers = std::mem::take(&mut wrangled.ledgers);
    let mut rejects = std::mem::take(&mut wrangled.rejects);
    let mut owners = Vec::new();
    let mut unknown = vec![false; ledgers.len()];
    let mut lines: Option<(u32, LineCounter<'_>)> = None;
    for (item, record) in decoded(wrangled) {
        let number = item.segment as usize;
        let (Some(ledger), Some(segment)) =
            (ledgers.get_mut(number), wrangled.batch.segments.get(number))
        else {
            continue;
        };
        let Some(fate) = judge.fate(&record)? else {
            ledger.read -= 1;
            if let Some(unknown) = unknown.get_mut(number) {
                *unknown = true;
            }
            continue;
        };
        let outcomes = fate.created + (fate.duplicates.len() + fate.refused.len()) as u64;
        ledger.created += fate.created;
        ledger.duplicate += fate.duplicates.len() as u64;
        ledger.rejected += fate.refused.len() as u64;
        ledger.filtered += u64::from(outcomes == 0);
        ledger.added += outcomes.saturating_sub(1);
        for owner in &fate.duplicates {
            count(&mut owners, owner, 1);
        }
        if fate.refused.is_empty() {
            continue;
        }
        let block = &wrangled.batch.block;
        let (_, counter) = match &mut lines {
            Some(known) if known.0 == item.segment => known,
            other => other.insert((
                item.segment,
                LineCounter::new(block, segment.start(), segment.from.line),
            )),
        };
        let (at, length) = (item.record_at as usize, item.record_len as usize);
        let mut place = Place {
            file: &segment.file,
            position: record.position,
            line: counter.line(at),
            ordinal: u32::try_from(outcomes).unwrap_or(u32::MAX) - fate.refused.len() as u32,
            raw: block.get(at..at + length).unwrap_or_default(),
            raw_bytes: u64::from(item.record_len),
        };
        for refused in &fate.refused {
            let cause = Cause {
                code: &refused.code,
                step: &refused.step,
                field: refused.field.as_deref(),
                message: &refused.message,
            };
            rejects.push(cause, place);
            place.ordinal += 1;
        }
    }
    let mut segments = Vec::with_capacity(ledgers.len());
    for ((segment, ledger), unknown) in wrangled.batch.segments.iter().zip(ledgers).zip(unknown) {
        *is_whole &= !unknown;
        let end = match &segment.kind {
            // told by the records of the file, which may have begun in a batch before
            SegmentKind::End(_) if !std::mem::replace(is_whole, true) => Some(FileState::Claimed),
            SegmentKind::End(state) => Some(state.clone()),
            _ => None,
        };
        segments.push(SettledSegment {
            file: Arc::clone(&segment.file),
            to: segment.to,
            ledger,
            end,
        });
    }
    Ok(Settled {
        seq: wrangled.batch.seq,
        cost: wrangled.batch.cost,
        segments,
        rejects,
        owners,
    })
}
