//! Readers of a run's reject log: pages of it, and its rejects by cause.
//!
//! Only complete lines count: a worker may be writing the last one. A cursor is the byte offset behind the last reject
//! that was given.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use domain::reject::{Reject, RejectCause};
use domain::worker::RunFolder;
use serde::Deserialize;

use crate::folder::blocking;

/// Causes told apart; the rejects of all further ones are counted together.
pub const MAX_CAUSES: usize = 100;

/// Code of the cause that stands for all beyond [`MAX_CAUSES`].
pub const OTHER_CAUSES: &str = "other_causes";

/// The longest line that a worker writes is well below: 64 KiB of raw record, escaped, and a message.
const MAX_LINE: u64 = 4 << 20;

/// Why a reject log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RejectsError {
    /// The cursor is none that was given for this run.
    #[error("{0} is no cursor of this run's rejects")]
    Cursor(u64),
    /// A line is no reject.
    #[error("the reject log is damaged at byte {offset}: {reason}")]
    Damaged {
        /// Where the line begins.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// The file could not be read.
    #[error("the reject log cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// One page of rejects, in the order in which they were rejected.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RejectPage {
    /// The rejects.
    pub items: Vec<Reject>,
    /// Cursor of the next page; none if this one reaches the end of the log as it is now.
    pub next: Option<u64>,
}

/// At most `limit` rejects behind the cursor `after` (none: from the first).
pub async fn page(
    folder: &RunFolder,
    after: Option<u64>,
    limit: usize,
) -> Result<RejectPage, RejectsError> {
    let path = folder.rejects();
    blocking(move || Ok(read_page(&path, after.unwrap_or(0), limit))).await?
}

/// The rejects by cause, the commonest first, each with at most `samples` examples (one in any case). Streamed: memory does
/// not grow with the log.
pub async fn causes(folder: &RunFolder, samples: usize) -> Result<Vec<RejectCause>, RejectsError> {
    let path = folder.rejects();
    blocking(move || Ok(count_causes(&path, samples))).await?
}

/// The complete lines of a log from an offset on.
struct Lines {
    reader: BufReader<File>,
    offset: u64,
    line: Vec<u8>,
}

impl Lines {
    /// None if there is no log.
    fn open(path: &Path, from: u64) -> Result<Option<Self>, RejectsError> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound && from == 0 => return Ok(None),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(RejectsError::Cursor(from));
            }
            Err(e) => return Err(e.into()),
        };
        if let Some(before) = from.checked_sub(1) {
            let mut byte = [0];
            file.seek(SeekFrom::Start(before))?;
            if file.read(&mut byte)? != 1 || byte[0] != b'\n' {
                return Err(RejectsError::Cursor(from));
            }
        }
        Ok(Some(Self {
            reader: BufReader::new(file),
            offset: from,
            line: Vec::new(),
        }))
    }

    /// The next complete line and where it begins.
    fn next(&mut self) -> Result<Option<(u64, &[u8])>, RejectsError> {
        self.line.clear();
        let read = self
            .reader
            .by_ref()
            .take(MAX_LINE)
            .read_until(b'\n', &mut self.line)? as u64;
        if self.line.last() != Some(&b'\n') {
            let too_long = read == MAX_LINE;
            let reason = format!("a line is longer than {MAX_LINE} bytes");
            return if too_long {
                Err(RejectsError::Damaged {
                    offset: self.offset,
                    reason,
                })
            } else {
                Ok(None)
            };
        }
        let begin = self.offset;
        self.offset += read;
        Ok(Some((begin, &self.line)))
    }
}

fn parse<'a, T: Deserialize<'a>>(offset: u64, line: &'a [u8]) -> Result<T, RejectsError> {
    serde_json::from_slice(line).map_err(|e| RejectsError::Damaged {
        offset,
        reason: e.to_string(),
    })
}

fn read_page(path: &Path, after: u64, limit: usize) -> Result<RejectPage, RejectsError> {
    let Some(mut lines) = Lines::open(path, after)? else {
        return Ok(RejectPage::default());
    };
    let mut items = Vec::new();
    while let Some((offset, line)) = lines.next()? {
        if items.len() == limit {
            return Ok(RejectPage {
                items,
                next: Some(offset),
            });
        }
        items.push(parse(offset, line)?);
    }
    Ok(RejectPage { items, next: None })
}

/// As much of a reject as its cause needs.
#[derive(Deserialize)]
struct CauseOf {
    code: String,
    step: String,
    field: Option<String>,
}

fn count_causes(path: &Path, samples: usize) -> Result<Vec<RejectCause>, RejectsError> {
    let Some(mut lines) = Lines::open(path, 0)? else {
        return Ok(Vec::new());
    };
    let mut causes: HashMap<(String, String, Option<String>), RejectCause> = HashMap::new();
    while let Some((offset, line)) = lines.next()? {
        let CauseOf { code, step, field } = parse(offset, line)?;
        let mut key = (code, step, field);
        if causes.len() >= MAX_CAUSES && !causes.contains_key(&key) {
            key = (OTHER_CAUSES.into(), String::new(), None);
        }
        if let Some(cause) = causes.get_mut(&key) {
            cause.count += 1;
            if cause.more.len() + 1 < samples {
                cause.more.push(shortened(parse(offset, line)?));
            }
        } else {
            let (code, step, field) = key.clone();
            causes.insert(
                key,
                RejectCause {
                    code,
                    step,
                    field,
                    count: 1,
                    sample: parse(offset, line)?,
                    more: Vec::new(),
                },
            );
        }
    }
    let mut causes: Vec<_> = causes.into_values().collect();
    causes.sort_by(|a, b| {
        b.count
            .cmp(&a.count)
            .then_with(|| (&a.code, &a.step, &a.field).cmp(&(&b.code, &b.step, &b.field)))
    });
    Ok(causes)
}

/// Characters that are kept of the raw record of a further example; a multiple of what base64 takes together.
const MORE_RAW: usize = 4 << 10;

fn shortened(mut reject: Reject) -> Reject {
    let end = reject.raw.floor_char_boundary(MORE_RAW);
    reject.raw.truncate(end);
    reject
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::FileKey;
    use domain::reject::RawEncoding;
    use std::fs;

    fn reject(code: &str, position: u64) -> Reject {
        Reject {
            file_index: 0,
            file: "a.csv".into(),
            file_key: FileKey::derive(
                &"acme".parse().unwrap(),
                &"flights".parse().unwrap(),
                "00",
                None,
            ),
            line: position + 1,
            position,
            ordinal: 0,
            code: code.into(),
            step: "decode".into(),
            field: None,
            message: "5 values, 4 columns".into(),
            raw: "a,\"b\n\",c".into(),
            raw_encoding: RawEncoding::Utf8,
            raw_bytes: 8,
        }
    }

    fn log(rejects: impl IntoIterator<Item = Reject>) -> (tempfile::TempDir, RunFolder) {
        let home = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(home.path());
        let lines: String = rejects
            .into_iter()
            .map(|reject| serde_json::to_string(&reject).unwrap() + "\n")
            .collect();
        fs::write(folder.rejects(), lines).unwrap();
        (home, folder)
    }

    #[tokio::test]
    async fn pages_give_every_reject_once_and_see_what_is_added_later() {
        let (_home, folder) = log((0..7).map(|i| reject("csv_columns", i)));
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = page(&folder, cursor, 3).await.unwrap();
            seen.extend(page.items.iter().map(|reject| reject.position));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, (0..7).collect::<Vec<_>>());
        assert_eq!(
            page(&RunFolder::new("/nowhere"), None, 3).await.unwrap(),
            RejectPage::default()
        );
    }

    #[tokio::test]
    async fn a_line_that_is_still_being_written_is_not_there_yet() {
        let (_home, folder) = log([reject("csv_columns", 0)]);
        let mut text = fs::read_to_string(folder.rejects()).unwrap();
        text.push_str("{\"file_index\":0,");
        fs::write(folder.rejects(), text).unwrap();
        let page = page(&folder, None, 10).await.unwrap();
        assert_eq!((page.items.len(), page.next), (1, None));
        assert_eq!(causes(&folder, 1).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn only_cursors_that_were_given_are_taken() {
        let (_home, folder) = log((0..3).map(|i| reject("csv_columns", i)));
        for wrong in [1, 100_000] {
            assert!(
                matches!(page(&folder, Some(wrong), 3).await, Err(RejectsError::Cursor(at)) if at == wrong)
            );
        }
    }

    #[tokio::test]
    async fn damage_is_told_with_its_place() {
        let (_home, folder) = log([reject("csv_columns", 0)]);
        let text = fs::read_to_string(folder.rejects()).unwrap();
        fs::write(folder.rejects(), format!("{text}no json\n")).unwrap();
        let found = causes(&folder, 1).await;
        assert!(
            matches!(found, Err(RejectsError::Damaged { offset, .. }) if offset == text.len() as u64),
            "{found:?}"
        );
    }

    #[tokio::test]
    async fn causes_are_counted_the_commonest_first_and_are_bounded() {
        let many = (0..250).map(|i| reject(&format!("cause_{i:03}"), i));
        let (_home, folder) = log((0..5).map(|i| reject("csv_columns", i)).chain(many));
        let causes = causes(&folder, 3).await.unwrap();
        assert_eq!(causes[1].more.len(), 2);
        assert_eq!(causes[1].more[1].position, 2);
        assert_eq!(causes.len(), MAX_CAUSES + 1);
        assert_eq!(
            (causes[0].code.as_str(), causes[0].count),
            (OTHER_CAUSES, 151)
        );
        assert_eq!(
            (
                causes[1].code.as_str(),
                causes[1].count,
                causes[1].sample.position
            ),
            ("csv_columns", 5, 0)
        );
        assert_eq!(causes.iter().map(|cause| cause.count).sum::<u64>(), 255);
    }
}
