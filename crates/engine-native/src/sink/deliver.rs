//! One batch's documents on their way, until each has an outcome.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use coredms::client::{BulkResponse, Provenance};
use domain::error::Failure;
use domain::file::FileState;

use super::Sink;
use super::answers::{ItemVerdict, Refusal, RequestVerdict, judge_item, judge_request};
use super::backoff::Backoff;
use super::conflicts::{Address, provenance};
use super::pace::Reply;
use crate::batch::{Item, SegmentKind, Settled, SettledSegment, Wrangled, count};
use crate::rejects::{Cause, LineCounter, Place};

/// The step that the sink's rejects name.
pub const CORE_DMS: &str = "core_dms";
/// So often an answer that makes no sense is borne with.
const MAX_DOUBTFUL: u32 = 5;
/// So often an id may be taken by a document that cannot be found: then it is one that the platform did not write.
const MAX_ROUNDS_NOT_FOUND: u8 = 3;
/// Owner of documents that do not say which run wrote them.
const UNKNOWN_OWNER: &str = "unknown";

/// Delivers a batch. It goes on for as long as the core DMS is away; whoever wants it to end sooner drops it.
pub async fn deliver(sink: &Sink, mut wrangled: Wrangled) -> Result<Settled, Failure> {
    let body = Bytes::from(std::mem::take(&mut wrangled.body));
    let mut delivery = Delivery {
        sink,
        settled: settled(&mut wrangled),
        wrangled,
        body,
        refused: BTreeMap::new(),
        not_found: HashMap::new(),
    };
    delivery.run().await?;
    Ok(delivery.finish())
}

struct Delivery<'s> {
    sink: &'s Sink,
    wrangled: Wrangled,
    body: Bytes,
    settled: Settled,
    /// Rejected items.
    refused: BTreeMap<u32, Refusal>,
    /// Items whose id is taken by something that could not be found, and how often.
    not_found: HashMap<u32, u8>,
}

/// Items that go into one request.
enum Set {
    All,
    These(Vec<u32>),
}

fn settled(wrangled: &mut Wrangled) -> Settled {
    let segments =
        wrangled
            .batch
            .segments
            .iter()
            .zip(&wrangled.ledgers)
            .map(|(segment, ledger)| SettledSegment {
                file: segment.file.clone(),
                to: segment.to,
                ledger: *ledger,
                end: match &segment.kind {
                    SegmentKind::End(state) => Some(FileState::clone(state)),
                    SegmentKind::Records(_) | SegmentKind::Oversized(_) => None,
                },
            });
    Settled {
        seq: wrangled.batch.seq,
        cost: wrangled.batch.cost,
        segments: segments.collect(),
        rejects: std::mem::take(&mut wrangled.rejects),
        owners: Vec::new(),
    }
}

/// What an answered request says about the core DMS: it has too much to do if it put documents off.
fn reply_of(answer: &BulkResponse) -> Reply {
    let put_off = answer
        .failures
        .iter()
        .find(|failure| judge_item(failure) == ItemVerdict::Again);
    put_off.map_or(Reply::Done, |failure| {
        Reply::PushedBack(format!("{}: {}", failure.kind, failure.reason))
    })
}

impl Delivery<'_> {
    async fn run(&mut self) -> Result<(), Failure> {
        let mut sets = if self.wrangled.items.is_empty() {
            Vec::new()
        } else {
            vec![Set::All]
        };
        let mut backoff = Backoff::new();
        let mut doubtful = 0;
        while let Some(set) = sets.pop() {
            let body = self.body_of(&set);
            let slot = self.sink.pace.slot(body.len()).await;
            let answer = self.sink.client.bulk(body, self.sink.gzip).await;
            let (reply, next, asked) = match answer {
                Ok(answer) if answer.statuses.len() != self.size(&set) => {
                    let message = format!(
                        "{} results for {} documents",
                        answer.statuses.len(),
                        self.size(&set)
                    );
                    return Err(crate::sink::nonsense(&message));
                }
                Ok(answer) => {
                    slot.answered(&reply_of(&answer));
                    doubtful = 0;
                    let again = self.read(&set, &answer).await?;
                    if again.is_empty() {
                        backoff.reset();
                        continue;
                    }
                    self.sink.pace.retried(again.len() as u64);
                    sets.push(Set::These(again));
                    backoff.wait(None).await;
                    continue;
                }
                Err(error) => {
                    let why = error.to_string();
                    match judge_request(&error) {
                        RequestVerdict::Again { pushed_back: true } => {
                            (Reply::PushedBack(why), vec![set], error.retry_after())
                        }
                        RequestVerdict::Again { pushed_back: false } => {
                            (Reply::Failed(why), vec![set], None)
                        }
                        RequestVerdict::Split => {
                            (Reply::PushedBack(why.clone()), self.halves(set, &why), None)
                        }
                        RequestVerdict::Doubtful(failure) if doubtful >= MAX_DOUBTFUL => {
                            return Err(failure);
                        }
                        RequestVerdict::Doubtful(_) => {
                            doubtful += 1;
                            (Reply::Failed(why), vec![set], None)
                        }
                        RequestVerdict::Fatal(failure) => return Err(failure),
                    }
                }
            };
            slot.answered(&reply);
            self.sink.pace.retried(next.len() as u64);
            sets.extend(next);
            backoff.wait(asked).await;
        }
        Ok(())
    }

    fn size(&self, set: &Set) -> usize {
        match set {
            Set::All => self.wrangled.items.len(),
            Set::These(items) => items.len(),
        }
    }

    /// The number, in the batch, of an item of a set.
    fn number(&self, set: &Set, place: usize) -> u32 {
        match set {
            Set::All => u32::try_from(place).unwrap_or(u32::MAX),
            Set::These(items) => items.get(place).copied().unwrap_or(u32::MAX),
        }
    }

    fn item(&self, number: u32) -> Option<&Item> {
        self.wrangled.items.get(number as usize)
    }

    /// An item's two lines.
    fn operation(&self, number: u32) -> &[u8] {
        let start = self.item(number).map_or(0, |item| item.body_at as usize);
        let end = self
            .item(number + 1)
            .map_or(self.body.len(), |next| next.body_at as usize);
        self.body.get(start..end).unwrap_or_default()
    }

    fn body_of(&self, set: &Set) -> Bytes {
        match set {
            Set::All => self.body.clone(),
            Set::These(items) => items
                .iter()
                .flat_map(|&number| self.operation(number))
                .copied()
                .collect(),
        }
    }

    /// A set in two halves; a document that is too large all by itself is rejected.
    fn halves(&mut self, set: Set, why: &str) -> Vec<Set> {
        let mut items = match set {
            Set::All => (0..u32::try_from(self.wrangled.items.len()).unwrap_or(u32::MAX)).collect(),
            Set::These(items) => items,
        };
        if let [single] = items[..] {
            self.refuse(
                single,
                Refusal {
                    code: "document_too_large".into(),
                    field: None,
                    message: why.to_owned(),
                },
            );
            return Vec::new();
        }
        let second = items.split_off(items.len() / 2);
        vec![Set::These(second), Set::These(items)]
    }

    /// Takes in the results of a request; gives the items that are to be sent again.
    async fn read(&mut self, set: &Set, answer: &BulkResponse) -> Result<Vec<u32>, Failure> {
        let (mut again, mut taken, mut pushed_back) = (Vec::new(), Vec::new(), 0);
        let mut failures = answer.failures.iter().peekable();
        for place in 0..answer.statuses.len() {
            let number = self.number(set, place);
            let Some(failure) = failures.next_if(|failure| failure.position == place) else {
                self.created(number);
                continue;
            };
            match judge_item(failure) {
                ItemVerdict::Conflict => taken.push(number),
                ItemVerdict::Again => {
                    pushed_back += 1;
                    again.push(number);
                }
                ItemVerdict::Refused(refusal) => self.refuse(number, refusal),
                ItemVerdict::Fatal(failure) => return Err(failure),
            }
        }
        self.sink.pace.pushed_back(pushed_back);
        if !taken.is_empty() {
            again.extend(self.conflicts(&taken).await?);
        }
        Ok(again)
    }

    /// Finds out who owns the ids that are taken; gives the items that nobody owns any more.
    async fn conflicts(&mut self, taken: &[u32]) -> Result<Vec<u32>, Failure> {
        let addresses = taken
            .iter()
            .map(|&number| Address::of(self.operation(number)))
            .collect::<Result<Vec<_>, _>>()?;
        let owners = provenance(self.sink, &addresses).await?;
        let mut again = Vec::new();
        for (&number, owner) in taken.iter().zip(&owners) {
            match owner {
                Some(owner) if self.is_ours(number, owner) => self.created(number),
                Some(owner) => self.duplicate(number, &owner.run),
                None => {
                    let rounds = self.not_found.entry(number).or_default();
                    *rounds += 1;
                    if *rounds < MAX_ROUNDS_NOT_FOUND {
                        again.push(number);
                    } else {
                        self.duplicate(number, UNKNOWN_OWNER);
                    }
                }
            }
        }
        Ok(again)
    }

    /// Whether a stored document is this very item: it was created, and only the answer was lost.
    fn is_ours(&self, number: u32, stored: &Provenance) -> bool {
        let Some(item) = self.item(number) else {
            return false;
        };
        let Some((file_key, position, _)) = self.origin(item) else {
            return false;
        };
        stored.run == self.sink.run
            && stored.file == file_key
            && stored.position == position
            && stored.ordinal == u64::from(item.ordinal)
    }

    /// File key and position of an item's record, and where its segment begins in the block.
    fn origin(&self, item: &Item) -> Option<(&str, u64, usize)> {
        let segment = self.wrangled.batch.segments.get(item.segment as usize)?;
        let position = segment.position(item)?;
        Some((
            segment.file.manifest.file_key.as_str(),
            position,
            segment.start(),
        ))
    }

    fn ledger(&mut self, number: u32) -> Option<&mut domain::ledger::Ledger> {
        let segment = self.item(number)?.segment as usize;
        self.settled
            .segments
            .get_mut(segment)
            .map(|segment| &mut segment.ledger)
    }

    fn created(&mut self, number: u32) {
        if let Some(ledger) = self.ledger(number) {
            ledger.created += 1;
        }
    }

    fn duplicate(&mut self, number: u32, owner: &str) {
        if let Some(ledger) = self.ledger(number) {
            ledger.duplicate += 1;
        }
        count(&mut self.settled.owners, owner, 1);
    }

    fn refuse(&mut self, number: u32, refusal: Refusal) {
        if let Some(ledger) = self.ledger(number) {
            ledger.rejected += 1;
        }
        self.refused.insert(number, refusal);
    }

    /// Writes the rejects and gives the buffers back.
    fn finish(mut self) -> Settled {
        let refused = std::mem::take(&mut self.refused);
        let mut settled = std::mem::replace(&mut self.settled, empty());
        let mut lines: Option<(u32, LineCounter<'_>)> = None;
        for (number, refusal) in &refused {
            let Some(item) = self.item(*number) else {
                continue;
            };
            let Some(((_, position, start), segment)) = self
                .origin(item)
                .zip(self.wrangled.batch.segments.get(item.segment as usize))
            else {
                continue;
            };
            let block = &self.wrangled.batch.block;
            let (_, counter) = match &mut lines {
                Some(known) if known.0 == item.segment => known,
                other => other.insert((
                    item.segment,
                    LineCounter::new(block, start, segment.from.line),
                )),
            };
            let raw = block
                .get(item.record_at as usize..(item.record_at + item.record_len) as usize)
                .unwrap_or_default();
            let place = Place {
                file: &segment.file,
                position,
                line: counter.line(item.record_at as usize),
                ordinal: item.ordinal,
                raw,
                raw_bytes: u64::from(item.record_len),
            };
            let Refusal {
                code,
                field,
                message,
            } = refusal;
            settled.rejects.push(
                Cause {
                    code,
                    step: CORE_DMS,
                    field: field.as_deref(),
                    message,
                },
                place,
            );
        }
        self.sink.blocks.put(self.wrangled.batch.block);
        recycle(self.sink, self.body);
        self.sink.meter.progress();
        settled
    }
}

fn empty() -> Settled {
    Settled {
        seq: 0,
        cost: 0,
        segments: Vec::new(),
        rejects: crate::batch::RejectLines::default(),
        owners: Vec::new(),
    }
}

/// Gets the body's buffer back, unless the transport still holds it.
fn recycle(sink: &Sink, mut body: Bytes) {
    if body.is_unique() {
        // without its content nothing needs to be copied
        body.truncate(0);
        sink.bodies.put(Vec::from(body));
    }
}
