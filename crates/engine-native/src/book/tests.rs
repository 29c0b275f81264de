//! The book against a naive model: whatever the sizes of batches, the order of answers and the moments of crashes, every
//! record is entered exactly once.

use std::fs;
use std::sync::Arc;

use domain::file::{Compression, FileProgress, FileState, ManifestFile};
use domain::ids::FileKey;
use domain::ledger::Ledger;
use domain::worker::RunFolder;
use proptest::prelude::*;

use super::Book;
use crate::batch::{FileContext, Mark, RejectLines, Settled, SettledSegment, count};
use crate::checkpoint::Checkpoint;
use crate::decode::Charset;
use crate::files::{finished_files, read_log};

/// What becomes of the record at a position: nothing but the position decides, as for a real record.
fn outcome(position: u64) -> Ledger {
    let ledger = Ledger {
        read: 1,
        bytes: 1,
        ..Ledger::default()
    };
    match position % 5 {
        0 => Ledger {
            rejected: 1,
            ..ledger
        },
        1 => Ledger {
            filtered: 1,
            ..ledger
        },
        2 => Ledger {
            duplicate: 1,
            ..ledger
        },
        3 => Ledger {
            added: 1,
            created: 2,
            ..ledger
        },
        _ => Ledger {
            created: 1,
            ..ledger
        },
    }
}

fn sum(records: u64) -> Ledger {
    (0..records).map(outcome).sum()
}

fn context(index: usize) -> Arc<FileContext> {
    let name = format!("f{index}");
    let file_key = FileKey::derive(&"acme".parse().unwrap(), &"j".parse().unwrap(), &name, None);
    let index = u32::try_from(index).unwrap();
    let manifest = ManifestFile {
        index,
        claimed_as: name.clone(),
        terms: Default::default(),
        name,
        bytes: 0,
        sha256: String::new(),
        compression: Compression::None,
        file_key,
    };
    Arc::new(FileContext {
        manifest,
        charset: Charset::new(encoding_rs::UTF_8),
        columns: None,
    })
}

/// A segment of records `from..to` of a file; its end if `ends`.
fn segment(index: usize, from: u64, to: u64, ends: bool) -> (SettledSegment, RejectLines) {
    let mut rejects = RejectLines::default();
    for position in (from..to).filter(|&p| outcome(p).rejected > 0) {
        rejects
            .lines
            .extend(format!("[{index},{position}]\n").bytes());
        count(&mut rejects.causes, "test", 1);
    }
    let segment = SettledSegment {
        file: context(index),
        to: Mark {
            position: to,
            line: to + 1,
        },
        ledger: (from..to).map(outcome).sum(),
        end: ends.then_some(FileState::Read),
    };
    (segment, rejects)
}

/// The batches that a reader would make of the files from a checkpoint on, of at most `size` records each.
fn batches(files: &[u64], from: &Checkpoint, size: u64) -> Vec<Settled> {
    let mut batches: Vec<Settled> = Vec::new();
    for (index, &records) in files.iter().enumerate().skip(from.finished as usize) {
        let open = from
            .open
            .as_ref()
            .filter(|open| open.index as usize == index);
        let mut at = open.map_or(0, |open| open.position);
        loop {
            let to = (at + size).min(records);
            let (segment, rejects) = segment(index, at, to, to == records);
            let seq = batches.len() as u64;
            batches.push(Settled {
                seq,
                cost: 1,
                segments: vec![segment],
                rejects,
                owners: Vec::new(),
            });
            at = to;
            if at == records {
                break;
            }
        }
    }
    batches
}

/// One attempt; true if it came to its end.
fn attempt(
    folder: &RunFolder,
    files: &[u64],
    size: u64,
    order: &[usize],
    saves: &[usize],
    crash_at: usize,
) -> bool {
    let mut book = Book::open(folder.clone()).unwrap();
    let mut waiting = batches(files, book.entries(), size);
    for step in 0.. {
        if waiting.is_empty() {
            book.turn()
                .unwrap()
                .map_or(Ok(()), |page| page.save())
                .unwrap();
            return true;
        }
        if step == crash_at {
            return false;
        }
        let next = order
            .get(step % order.len().max(1))
            .map_or(0, |n| n % waiting.len());
        book.enter(waiting.swap_remove(next)).unwrap();
        if saves.contains(&step)
            && let Some(page) = book.turn().unwrap()
        {
            page.save().unwrap();
        }
    }
    unreachable!()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_record_is_entered_once_whatever_crashes(
        files in prop::collection::vec(0u64..40, 1..6),
        size in 1u64..9,
        order in prop::collection::vec(0usize..100, 1..40),
        saves in prop::collection::vec(0usize..30, 0..12),
        crashes in prop::collection::vec(0usize..25, 0..6),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(dir.path());
        let mut ended = crashes.iter().any(|&crash| attempt(&folder, &files, size, &order, &saves, crash));
        ended = ended || attempt(&folder, &files, size, &order, &saves, usize::MAX);
        prop_assert!(ended);
        let checkpoint = Checkpoint::load(&folder).unwrap();
        let expected: Vec<Ledger> = files.iter().map(|&records| sum(records)).collect();
        let mut found = Vec::new();
        read_log(&finished_files(&folder), checkpoint.files_bytes, |file: FileProgress| {
            found.push(file.ledger);
            Ok(())
        }).unwrap();
        prop_assert_eq!(&found, &expected);
        prop_assert_eq!(checkpoint.ledger(), expected.into_iter().sum::<Ledger>());
        let rejects: String = files.iter().enumerate().flat_map(|(index, &records)| {
            (0..records).filter(|&p| outcome(p).rejected > 0).map(move |p| format!("[{index},{p}]\n"))
        }).collect();
        prop_assert_eq!(fs::read_to_string(folder.rejects()).unwrap(), rejects);
    }
}
