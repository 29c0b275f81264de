//! A whole queue, read entry by entry.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::vec::IntoIter;

use super::entry::Entry;
use super::error::{Damage, ReadError};
use super::segment::Segment;

/// A place in a queue, between entries: to go on there another time.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Default,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Position {
    /// The segment's number.
    pub segment: u64,
    /// Bytes of the segment that were read.
    pub offset: u64,
}

/// An entry and the place behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// The entry.
    pub entry: Entry,
    /// Where the next one is.
    pub next: Position,
}

/// Goes through the entries of a queue, oldest first, one in memory at a time.
///
/// Damage is an item, too; what comes behind it follows. An entry that is not written to its end yet ends its segment.
#[derive(Debug)]
pub struct Letters {
    folder: PathBuf,
    waiting: IntoIter<u64>,
    from: Position,
    current: Option<(u64, Segment)>,
}

/// Reads the queue in `folder`, `<path.dead_letter_queue>/<pipeline id>`. A folder that is not there is an empty queue.
///
/// # Errors
/// When the folder cannot be read.
pub fn read(folder: &Path) -> Result<Letters, ReadError> {
    read_from(folder, Position::default())
}

/// Reads what was added behind `from`, the [`Letter::next`] of a letter that was read before.
///
/// # Errors
/// As [`read`].
pub fn read_from(folder: &Path, from: Position) -> Result<Letters, ReadError> {
    let mut numbers = segments(folder).map_err(|error| ReadError::Io {
        path: folder.to_owned(),
        error,
    })?;
    numbers.retain(|number| *number >= from.segment);
    Ok(Letters {
        folder: folder.to_owned(),
        waiting: numbers.into_iter(),
        from,
        current: None,
    })
}

/// The numbers of a folder's segments, in order, whether they are finished or not.
pub(super) fn segments(folder: &Path) -> io::Result<Vec<u64>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let number: Option<u64> = name.to_str().and_then(|name| {
            let name = name.strip_suffix(".tmp").unwrap_or(name);
            name.strip_suffix(".log")?.parse().ok()
        });
        numbers.extend(number);
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// The path of a finished segment.
pub(super) fn finished(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number}.log"))
}

/// The path of a segment that is being written.
pub(super) fn unfinished(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number}.log.tmp"))
}

impl Letters {
    /// Opens a segment; `None` if it was cleaned away meanwhile.
    fn open(&self, number: u64) -> Result<Option<Segment>, ReadError> {
        let offset = match number == self.from.segment {
            true => self.from.offset,
            false => 0,
        };
        // it may be finished between two looks
        let finished = finished(&self.folder, number);
        for path in [&finished, &unfinished(&self.folder, number), &finished] {
            match Segment::open(path, offset) {
                Err(ReadError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {}
                opened => return opened.map(Some),
            }
        }
        Ok(None)
    }

    /// The next entry of the segment that is open; `None` at its end.
    fn next_of_current(&mut self) -> Option<Result<Letter, ReadError>> {
        let (number, segment) = self.current.as_mut()?;
        let (begin, bytes) = match segment.next_entry() {
            Ok(found) => found?,
            Err(error) => return Some(Err(error)),
        };
        let next = Position {
            segment: *number,
            offset: segment.offset(),
        };
        let entry = Entry::decode(&bytes);
        let damaged = |what| segment.damaged(begin, Damage::Entry(what));
        Some(entry.map(|entry| Letter { entry, next }).map_err(damaged))
    }
}

impl Iterator for Letters {
    type Item = Result<Letter, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_of_current() {
                // a file that cannot be read gets no better by trying again
                Some(Err(error @ ReadError::Io { .. })) => {
                    self.current = None;
                    return Some(Err(error));
                }
                Some(item) => return Some(item),
                None => self.current = None,
            }
            let number = self.waiting.next()?;
            match self.open(number) {
                Ok(opened) => self.current = opened.map(|segment| (number, segment)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
