//! What became of each record: from what Logstash has noted that it sent and rejected, its dead letters, and what the core
//! DMS says who wrote a document.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use domain::error::Failure;
use domain::file::ManifestFile;
use engine_native::lookup::{Address, Lookup};
use engine_native::read_log;
use engine_native::records::{Decoded, Fate, Judge, Records, Refused};
use engine_native::worker::{Live, Shell};
use serde::Deserialize;
use tokio::runtime::Handle;

use super::counters::Counters;
use super::dead::{self, DeadLetters};
use super::failures::{unaccounted, unusable};
use super::parts::Parts;
use crate::plan::Files;
use crate::render::{rejected_of, sent_of};

/// So many documents are asked for at once.
const PAGE: usize = 1000;

/// It is shown that the run moves whenever so many records more are settled.
const MOVES_EVERY: u64 = 1 << 10;

/// Enters what became of each record into the run's book; says whether every file stands there. `counters` are the last
/// ones of a run in which all went their way to the end; without, the run was called off in the middle.
pub fn settle(
    shell: &Shell,
    records: &Records,
    parts: &Parts,
    counters: Option<Counters>,
    runtime: Handle,
) -> Result<bool, Failure> {
    let files = Files::of(&shell.folder);
    let once = |it: &Counters| it.events_in == parts.total();
    let sent_once = counters.as_ref().is_some_and(once);
    let all_new = |it: &Counters| it.documents.successes == it.documents_in;
    let lookup = match sent_once && counters.as_ref().is_some_and(all_new) {
        true => None,
        false => Some((Lookup::new(&shell.order)?, runtime)),
    };
    let mut ways = Ways {
        live: &shell.live,
        journal: Journal {
            folder: files.outcomes,
            run: shell.order.run.to_string(),
            keys: keys(records.files()),
            lookup,
            sent_once,
        },
        dead: dead::letters(&files.dead_letters)?,
        counters,
        records,
        parts,
        next: 0,
        left: 0,
        part: Part::default(),
        sums: Sums::default(),
    };
    records.settle(&mut ways)
}

fn keys(files: &[ManifestFile]) -> HashMap<String, u32> {
    let each = files.iter();
    each.map(|it| (it.file_key.to_string(), it.index)).collect()
}

/// A record: its file's place in the manifest, and its position.
type Place = (u32, u64);

/// Follows the records in order, part after part.
struct Ways<'r> {
    live: &'r Live,
    journal: Journal,
    dead: DeadLetters,
    counters: Option<Counters>,
    records: &'r Records,
    parts: &'r Parts,
    /// The next part.
    next: usize,
    /// Records of the present part that are still to come.
    left: u64,
    part: Part,
    sums: Sums,
}

/// What all parts hold together.
#[derive(Default)]
struct Sums {
    sent: u64,
    rejected: u64,
    filtered: u64,
    added: u64,
}

impl Judge for Ways<'_> {
    fn fate(&mut self, record: &Decoded<'_>) -> Result<Option<Fate>, Failure> {
        while self.left == 0 {
            self.turn()?;
        }
        self.left -= 1;
        if self.left.is_multiple_of(MOVES_EVERY) {
            self.live.moved();
        }
        let place = (record.file.index, record.position);
        let was_processed = self.counters.is_some() || self.part.last() >= Some(place);
        let mut fate = Fate::default();
        for outcome in self.part.sent_of(place) {
            match outcome {
                Outcome::Created => fate.created += 1,
                Outcome::Duplicate(owner) => fate.duplicates.push(owner.clone()),
                Outcome::Missing => {
                    match self.dead.of(record.file.file_key.as_str(), record.position) {
                        Some(refused) => fate.refused.push(refused),
                        None if self.counters.is_some() => return Err(missing(record)),
                        // given to Logstash, and not yet to the core DMS
                        None => return Ok(None),
                    }
                }
            }
        }
        fate.refused.extend(self.part.rejected_of(place));
        let outcomes = fate.created + (fate.duplicates.len() + fate.refused.len()) as u64;
        self.sums.filtered += u64::from(outcomes == 0);
        self.sums.added += outcomes.saturating_sub(1);
        Ok(was_processed.then_some(fate))
    }

    fn check(&self) -> Result<(), Failure> {
        let Some(counters) = &self.counters else {
            return Ok(());
        };
        let (sums, total) = (&self.sums, self.parts.total());
        let noted = (sums.sent, sums.rejected) == (counters.documents_in, counters.rejected);
        let came_out = i128::from(total) + i128::from(sums.added) - i128::from(sums.filtered);
        let adds_up = !self.journal.sent_once || came_out == i128::from(counters.events_out);
        if noted && adds_up {
            return Ok(());
        }
        Err(unaccounted(format!(
            "Logstash counted {} events in, {} out, {} of them documents and {} rejects; it has noted {} documents and {} rejects of {total} records, {} dropped and {} more than one of a record",
            counters.events_in,
            counters.events_out,
            counters.documents_in,
            counters.rejected,
            sums.sent,
            sums.rejected,
            sums.filtered,
            sums.added,
        )))
    }
}

impl Ways<'_> {
    /// Goes on to the next part.
    fn turn(&mut self) -> Result<(), Failure> {
        let number = self.next;
        let Some(&records) = self.parts.records.get(number) else {
            return Err(unaccounted(
                "the files hold more records than were sent".into(),
            ));
        };
        self.next += 1;
        self.left = records;
        let mut indices = BTreeSet::new();
        self.part = self.journal.part(number, &mut indices)?;
        self.sums.sent += self.part.lines_sent;
        self.sums.rejected += self.part.lines_rejected;
        self.records.note_indices(&indices)
    }
}

fn missing(record: &Decoded<'_>) -> Failure {
    unaccounted(format!(
        "{:?}, position {}: Logstash has sent the document, but the core DMS does not hold it, and no dead letter says why",
        record.file.name, record.position
    ))
}

/// What became of one document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// This run wrote it, as this record's.
    Created,
    /// It was there already; who had written it.
    Duplicate(String),
    /// The core DMS does not hold it.
    Missing,
}

/// What is known of one part.
#[derive(Debug, Default)]
struct Part {
    /// Documents by record: in order.
    sent: Vec<(Place, Outcome)>,
    /// Rejects by record: in order.
    rejected: Vec<(Place, Refused)>,
    /// Lines that Logstash has noted, with those of frames that came again.
    lines_sent: u64,
    lines_rejected: u64,
}

impl Part {
    fn sent_of(&self, place: Place) -> impl Iterator<Item = &Outcome> {
        of(&self.sent, place).iter().map(|(_, outcome)| outcome)
    }

    fn rejected_of(&self, place: Place) -> impl Iterator<Item = Refused> {
        of(&self.rejected, place)
            .iter()
            .map(|(_, refused)| refused.clone())
    }

    /// The last record of which anything is known. Filebeat sends a part in order: those before it were processed as well.
    fn last(&self) -> Option<Place> {
        let sent = self.sent.last().map(|(place, _)| *place);
        let rejected = self.rejected.last().map(|(place, _)| *place);
        sent.max(rejected)
    }
}

fn of<T>(all: &[(Place, T)], place: Place) -> &[(Place, T)] {
    let from = all.partition_point(|(it, _)| *it < place);
    let rest = all.get(from..).unwrap_or_default();
    let to = rest.iter().take_while(|(it, _)| *it == place).count();
    rest.get(..to).unwrap_or_default()
}

/// What Logstash has noted.
struct Journal {
    folder: PathBuf,
    run: String,
    keys: HashMap<String, u32>,
    /// Who is asked about documents; none if all are known to be this run's.
    lookup: Option<(Lookup, Handle)>,
    /// Whether every frame came to Logstash once.
    sent_once: bool,
}

/// A line that Logstash notes: what the pipeline has put into `[@metadata][ingest]`.
#[derive(Deserialize)]
struct Sent {
    file: String,
    position: String,
    index: String,
    id: String,
}

/// The same of a rejected record.
#[derive(Deserialize)]
struct Rejected {
    file: String,
    position: String,
    reject: Reason,
}

#[derive(Deserialize)]
struct Reason {
    code: String,
    step: String,
    #[serde(default)]
    field: String,
    message: String,
}

impl Journal {
    /// What is known of a part; adds the indices that its documents went to.
    fn part(&self, number: usize, indices: &mut BTreeSet<String>) -> Result<Part, Failure> {
        let mut part = Part::default();
        let mut page = Vec::with_capacity(PAGE);
        let mut known = Vec::new();
        let path = self.folder.join(sent_of(number));
        read_log(&path, u64::MAX, |line: Sent| {
            part.lines_sent += 1;
            let place = self.place(&path, &line.file, &line.position)?;
            if !indices.contains(&line.index) {
                indices.insert(line.index.clone());
            }
            page.push((place, line));
            match page.len() < PAGE {
                true => Ok(()),
                false => self.judge(&mut page, &mut known),
            }
        })?;
        self.judge(&mut page, &mut known)?;
        known.sort_unstable();
        part.sent = self.distinct(known);
        let path = self.folder.join(rejected_of(number));
        read_log(&path, u64::MAX, |line: Rejected| {
            part.lines_rejected += 1;
            let place = self.place(&path, &line.file, &line.position)?;
            part.rejected.push((place, line.reject.into()));
            Ok(())
        })?;
        part.rejected.sort_by_key(|(place, _)| *place);
        if !self.sent_once {
            part.rejected.dedup();
        }
        Ok(part)
    }

    /// Finds out what became of a page of documents.
    fn judge(
        &self,
        page: &mut Vec<(Place, Sent)>,
        known: &mut Vec<(Place, u64, Outcome)>,
    ) -> Result<(), Failure> {
        let Some((lookup, runtime)) = &self.lookup else {
            let created = |(place, line): (Place, Sent)| (place, hash(&line), Outcome::Created);
            known.extend(page.drain(..).map(created));
            return Ok(());
        };
        let address = |(_, line): &(Place, Sent)| Address {
            index: line.index.clone(),
            id: line.id.clone(),
        };
        let addresses: Vec<Address> = page.iter().map(address).collect();
        let found = runtime.block_on(lookup.provenance(&addresses))?;
        for ((place, line), found) in page.drain(..).zip(found) {
            let outcome = match found {
                None => Outcome::Missing,
                Some(it)
                    if it.run == self.run && it.file == line.file && it.position == place.1 =>
                {
                    Outcome::Created
                }
                Some(it) => Outcome::Duplicate(it.run),
            };
            known.push((place, hash(&line), outcome));
        }
        Ok(())
    }

    /// One outcome for each document. A frame that came again gives the same ones again; but two documents of one record
    /// may have one id, of which the second is the duplicate of the first.
    fn distinct(&self, known: Vec<(Place, u64, Outcome)>) -> Vec<(Place, Outcome)> {
        let mut all: Vec<(Place, Outcome)> = Vec::with_capacity(known.len());
        let mut before = None;
        for (place, id, outcome) in known {
            let again = before.replace((place, id)) == Some((place, id));
            match (again, outcome) {
                (true, _) if !self.sent_once => {}
                (true, Outcome::Created) => all.push((place, Outcome::Duplicate(self.run.clone()))),
                (_, outcome) => all.push((place, outcome)),
            }
        }
        all
    }

    fn place(&self, path: &Path, file: &str, position: &str) -> Result<Place, Failure> {
        let place = self.keys.get(file).copied().zip(position.parse().ok());
        place.ok_or_else(|| {
            let what = format!("it speaks of position {position:?} of an unknown file {file:?}");
            unusable(path, &io::Error::other(what))
        })
    }
}

fn hash(line: &Sent) -> u64 {
    let mut hasher = DefaultHasher::new();
    (&line.index, &line.id).hash(&mut hasher);
    hasher.finish()
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self {
            code: reason.code,
            step: reason.step,
            field: (!reason.field.is_empty()).then_some(reason.field),
            message: reason.message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn journal(folder: &Path, sent_once: bool) -> Journal {
        Journal {
            folder: folder.to_owned(),
            run: "this".into(),
            keys: HashMap::from([("a".into(), 0), ("b".into(), 1)]),
            lookup: None,
            sent_once,
        }
    }

    fn sent(file: &str, position: u64, id: &str) -> String {
        format!(
            "{{\"part\":\"0\",\"file\":\"{file}\",\"position\":\"{position}\",\"index\":\"i\",\"id\":\"{id}\"}}\n"
        )
    }

    #[test]
    fn a_frame_that_came_again_is_one_and_an_id_that_came_twice_is_a_duplicate() {
        let folder = tempfile::tempdir().unwrap();
        let lines = [
            sent("b", 7, "x\\n y"),
            sent("a", 96, "a-96"),
            sent("b", 7, "x\\n y"),
            sent("b", 7, "z"),
        ];
        fs::write(folder.path().join("0.sent.ndjson"), lines.concat()).unwrap();
        for (sent_once, expected) in [
            (false, vec![Outcome::Created; 2]),
            (
                true,
                vec![
                    Outcome::Created,
                    Outcome::Created,
                    Outcome::Duplicate("this".into()),
                ],
            ),
        ] {
            let mut indices = BTreeSet::new();
            let part = journal(folder.path(), sent_once)
                .part(0, &mut indices)
                .unwrap();
            let mut found: Vec<Outcome> = part.sent_of((1, 7)).cloned().collect();
            found.sort();
            assert_eq!(found, expected);
            assert_eq!(part.sent_of((0, 96)).count(), 1);
            assert_eq!(part.sent_of((0, 7)).count(), 0);
            assert_eq!((part.lines_sent, part.last()), (4, Some((1, 7))));
            assert_eq!(indices, BTreeSet::from(["i".into()]));
        }
    }

    #[test]
    fn rejects_keep_their_reason_and_a_half_line_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let line = r#"{"file":"a","position":"5","reject":{"code":"c","step":"schema","field":"[n]","message":"m"}}"#;
        let lines = format!("{line}\n{line}\n{}", line.split_at(20).0);
        fs::write(folder.path().join("3.rejected.ndjson"), lines).unwrap();
        let part = journal(folder.path(), false).part(3, &mut BTreeSet::new());
        let part = part.unwrap();
        let found: Vec<Refused> = part.rejected_of((0, 5)).collect();
        assert_eq!((found.len(), part.lines_rejected), (1, 2));
        assert_eq!(found[0].field.as_deref(), Some("[n]"));
    }

    #[test]
    fn an_unknown_file_is_no_result() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("0.sent.ndjson"), sent("c", 1, "x")).unwrap();
        let part = journal(folder.path(), true).part(0, &mut BTreeSet::new());
        assert!(part.unwrap_err().message.contains("unknown file"));
    }
}
