//! The records that a replay reads: of each file, only those that were rejected before.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use domain::error::{Culprit, Failure};
use domain::replay::Slice;

use super::{Ended, MAX_SEGMENTS, Reader, Stopped};
use crate::batch::{FileContext, Mark};
use crate::source::Source;

/// Bytes between two records that are passed over at once.
const PIECE: usize = 256 << 10;

/// The list of the records, read as it is needed.
#[derive(Debug)]
pub(super) struct Slices {
    lines: BufReader<File>,
    next: Option<Slice>,
}

impl Slices {
    /// The list at `path`; none if there is none, and files are to be read whole.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, Failure> {
        match File::open(path) {
            Ok(file) => Ok(Some(Self {
                lines: BufReader::new(file),
                next: None,
            })),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(unreadable(&e)),
        }
    }

    /// The next record of a file that ends behind `position`; none if there is none any more.
    fn next_of(&mut self, file_index: u32, position: u64) -> Result<Option<Slice>, Failure> {
        loop {
            if self.next.is_none() {
                self.next = self.read().map_err(|e| unreadable(&e))?;
            }
            match self.next {
                Some(slice) if slice.file_index > file_index => return Ok(None),
                Some(slice) => {
                    self.next = None;
                    if slice.file_index == file_index && slice.position + slice.bytes > position {
                        return Ok(Some(slice));
                    }
                }
                None => return Ok(None),
            }
        }
    }

    /// Whether the record of a file that begins at `position` is one of them, or part of one. Positions are asked in order.
    pub(super) fn want(&mut self, file_index: u32, position: u64) -> Result<bool, Failure> {
        loop {
            if self.next.is_none() {
                self.next = self.read().map_err(|e| unreadable(&e))?;
            }
            let Some(slice) = self.next else {
                return Ok(false);
            };
            let is_later = slice.file_index > file_index
                || slice.file_index == file_index && slice.position + slice.bytes > position;
            if is_later {
                return Ok(slice.file_index == file_index && slice.position <= position);
            }
            self.next = None;
        }
    }

    fn read(&mut self) -> io::Result<Option<Slice>> {
        let mut line = String::new();
        match self.lines.read_line(&mut line)? {
            0 => Ok(None),
            _ => Ok(Some(serde_json::from_str(&line)?)),
        }
    }
}

fn unreadable(error: &io::Error) -> Failure {
    Failure::transient(
        "replay_unreadable",
        Culprit::Platform,
        format!("the list of the records to be replayed cannot be read: {error}"),
        "it is tried again; the operator has to look at the disk of the run folder",
    )
}

impl Reader {
    /// Reads a file's records that are to be replayed, from `mark` on, of which `rest` are the first bytes. Each one is cut
    /// as if it were all there is: what its mended format makes several records of becomes several.
    pub(super) fn replayed(
        &mut self,
        slices: &mut Slices,
        source: &mut Source,
        file: &Arc<FileContext>,
        mut mark: Mark,
        mut rest: Vec<u8>,
    ) -> Result<Ended, Stopped> {
        let mut at = mark.position;
        loop {
            let slice = match slices.next_of(file.manifest.index, mark.position) {
                Ok(Some(slice)) => slice,
                Ok(None) => return Ok((mark, Ok(()))),
                Err(failure) => return Ok((mark, Err(failure))),
            };
            if slice.position > mark.position {
                mark = Mark {
                    position: slice.position,
                    line: slice.line,
                };
            }
            if let Err(failure) = self.pass_over(source, &mut rest, &mut at, mark.position)? {
                return Ok((mark, Err(failure)));
            }
            let length = slice.position + slice.bytes - mark.position;
            let known = usize::try_from(length)
                .unwrap_or(usize::MAX)
                .min(rest.len());
            let first: Vec<u8> = rest.drain(..known).collect();
            source.limit(length - known as u64);
            let (reached, result) = self.records(source, file, mark, first)?;
            source.unlimit();
            (mark, at) = (reached, at + length);
            if result.is_err() {
                return Ok((mark, result));
            }
            if self.segments.len() >= MAX_SEGMENTS {
                self.dispatch(Vec::new())?;
            }
        }
    }

    /// Reads on until the next byte is the one at `to`; `rest` are bytes from `at` on that were read already.
    fn pass_over(
        &mut self,
        source: &mut Source,
        rest: &mut Vec<u8>,
        at: &mut u64,
        to: u64,
    ) -> Result<Result<(), Failure>, Stopped> {
        loop {
            let known = usize::try_from(to.saturating_sub(*at))
                .unwrap_or(usize::MAX)
                .min(rest.len());
            rest.drain(..known);
            *at += known as u64;
            if *at >= to {
                return Ok(Ok(()));
            }
            self.may_read()?;
            rest.resize(PIECE, 0);
            let read = source.read(rest, *at);
            rest.truncate(read.as_ref().copied().unwrap_or(0));
            match read {
                // the file ends early: its hash will tell
                Ok(0) => return Ok(Ok(())),
                Ok(_) => {}
                Err(failure) => return Ok(Err(failure)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::mpsc::channel;

    use domain::file::{Compression, FileState, ManifestFile};
    use domain::ids::FileKey;
    use domain::spec::JobSpec;
    use sha2::{Digest, Sha256};
    use wrangling::{Compiled, Environment};

    use super::super::{Reading, Shared, read};
    use super::*;
    use crate::batch::SegmentKind;
    use crate::budget::Budget;
    use crate::pool::Pool;
    use crate::rate::RatePace;

    const TEXT: &str = "id,n\na,1\nb,2\n\"c\nd\",3\ne,4\nf,5";

    /// A file that holds this text, and a list of records to be read of it.
    fn staged(text: &str, slices: &[(u64, u64, u64)]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("0"), text).unwrap();
        let lines: String = slices
            .iter()
            .map(|&(position, bytes, line)| {
                let slice = Slice {
                    file_index: 0,
                    position,
                    bytes,
                    line,
                };
                serde_json::to_string(&slice).unwrap() + "\n"
            })
            .collect();
        std::fs::write(home.path().join("replay.ndjson"), lines).unwrap();
        home
    }

    fn manifest(text: &str) -> ManifestFile {
        let (client, job) = ("acme".parse().unwrap(), "flights".parse().unwrap());
        let sha256 = hex::encode(Sha256::digest(text));
        ManifestFile {
            index: 0,
            name: "a.csv".into(),
            bytes: text.len() as u64,
            file_key: FileKey::derive(&client, &job, &sha256, None),
            sha256,
            compression: Compression::None,
            claimed_as: "0".into(),
            terms: Default::default(),
        }
    }

    /// Position, line and text of what is read, and how the file ended.
    fn read_from(home: PathBuf, from: Mark) -> (Vec<(u64, u64, String)>, Option<FileState>) {
        read_as("csv", TEXT, home, from)
    }

    fn read_as(
        format: &str,
        text: &str,
        home: PathBuf,
        from: Mark,
    ) -> (Vec<(u64, u64, String)>, Option<FileState>) {
        let spec: JobSpec = serde_json::from_value(serde_json::json!({
            "mode": "batch", "format": { "type": format }, "destination": { "index": "rows" },
        }))
        .unwrap();
        let program = Compiled::compile(&spec.program().unwrap(), &Environment::default()).unwrap();
        let reading = Reading {
            files: vec![manifest(text)],
            from,
            claimed: home.clone(),
            replay: home.join("replay.ndjson"),
            format: spec.format,
            max_record: 1 << 20,
            program: Arc::new(program),
            cpu_millis: 1000,
            rate: RatePace::new(home.join("share.json"), 0, 0),
        };
        let shared = Shared {
            control: Arc::default(),
            meter: Arc::default(),
            budget: Arc::new(Budget::new(16 << 20)),
            blocks: Arc::new(Pool::new(2)),
        };
        let (send, batches) = channel();
        read(reading, shared, send);
        let (mut seen, mut state) = (Vec::new(), None);
        for batch in batches {
            for segment in batch.segments {
                match segment.kind {
                    SegmentKind::Records(range) if segment.cuts.is_some() => {
                        for cut in segment.cuts.unwrap() {
                            let before = &batch.block[range.start..cut.start];
                            let lines = before.iter().filter(|&&b| b == b'\n').count() as u64;
                            let text = &batch.block[cut.start..cut.end];
                            let text = String::from_utf8(text.to_vec()).unwrap();
                            seen.push((cut.position, segment.from.line + lines, text));
                        }
                    }
                    SegmentKind::Records(range) => {
                        let text = String::from_utf8(batch.block[range].to_vec()).unwrap();
                        seen.push((segment.from.position, segment.from.line, text));
                    }
                    SegmentKind::End(end) => state = Some(end),
                    SegmentKind::Oversized(_) => panic!("nothing here is long"),
                }
            }
        }
        (seen, state)
    }

    #[test]
    fn only_what_was_rejected_is_read_with_its_own_place() {
        let home = staged(TEXT, &[(9, 3, 3), (13, 7, 4), (25, 3, 7)]);
        let (seen, state) = read_from(home.path().into(), Mark::START);
        let expected = [
            (9, 3, "b,2".to_owned()),
            (13, 4, "\"c\nd\",3".to_owned()),
            (25, 7, "f,5".to_owned()),
        ];
        assert_eq!(seen, expected);
        assert_eq!(state, Some(FileState::Read));
    }

    #[test]
    fn of_records_that_are_found_one_by_one_the_others_are_left_out() {
        let text = "[{\"a\":1},\n {\"a\":\n2},\n\n{\"a\":3}, {\"a\":4},\n{\"a\":5}\n]";
        let at = |element: &str| text.find(element).unwrap() as u64;
        let two = (at("{\"a\":\n2}"), "{\"a\":\n2}");
        let (four, five) = (
            (at("{\"a\":4}"), "{\"a\":4}"),
            (at("{\"a\":5}"), "{\"a\":5}"),
        );
        let home = staged(text, &[(two.0, 8, 2), (four.0, 7, 5), (five.0, 7, 6)]);
        let (seen, state) = read_as("json", text, home.path().into(), Mark::START);
        let expected = [(two, 2), (four, 5), (five, 6)];
        let expected = expected.map(|((at, text), line)| (at, line, text.to_owned()));
        assert_eq!(seen, expected);
        assert_eq!(state, Some(FileState::Read));
        let from = Mark {
            position: four.0,
            line: 5,
        };
        let (seen, _) = read_as("json", text, home.path().into(), from);
        assert_eq!(seen, expected[1..]);
    }

    #[test]
    fn it_goes_on_behind_what_is_done_even_inside_of_what_was_one_record() {
        // three records where the format of before saw one, and two of them are done
        let home = staged(TEXT, &[(5, 15, 2), (25, 3, 7)]);
        let (seen, _) = read_from(
            home.path().into(),
            Mark {
                position: 13,
                line: 4,
            },
        );
        assert_eq!(
            seen,
            [(13, 4, "\"c\nd\",3".to_owned()), (25, 7, "f,5".to_owned())]
        );
        let (seen, state) = read_from(
            home.path().into(),
            Mark {
                position: 28,
                line: 7,
            },
        );
        assert_eq!((seen.len(), state), (0, Some(FileState::Read)));
    }
}
