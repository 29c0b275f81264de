//! The beginning of a file: byte order mark, header, and what has been ingested before.

use std::sync::Arc;

use domain::error::{Culprit, Failure};
use domain::spec::FormatType;
use memchr::memchr_iter;

use super::Reader;
use super::gather::Gathering;
use super::pieces::Pieces;
use crate::batch::{FileColumns, Mark};
use crate::decode::{Boundary, Charset, Dialect, Finder, Framing, Widths, column_names};
use crate::source::Source;

/// A file is opened in pieces of this size.
const PIECE: usize = 32 << 10;
/// Byte order marks are no longer than this.
const LONGEST_MARK: usize = 3;

/// A file whose next record is still to be ingested.
pub(super) struct Opening {
    /// csv, fixed: its columns.
    pub columns: Option<Arc<FileColumns>>,
    /// How its records are told apart.
    pub way: Way,
}

/// How the records of a file are told apart.
pub(super) enum Way {
    /// By line ends, in its bytes. Some have been read from the mark on.
    Cut(Mark, Vec<u8>),
    /// One by one, in its text.
    Gather(Box<Gathering>),
}

/// The bytes of a file's beginning.
pub(super) struct Head {
    /// How they are text.
    pub charset: Charset,
    /// The bytes, from `at` on.
    pub bytes: Vec<u8>,
    /// Offset of the first of `bytes` in the file.
    pub at: u64,
}

impl Head {
    /// Reads a file's byte order mark, if it has one.
    pub(super) fn read(source: &mut Source, by_default: Charset) -> Result<Self, Failure> {
        let mut head = Self {
            charset: by_default,
            bytes: Vec::new(),
            at: 0,
        };
        while head.bytes.len() < LONGEST_MARK && head.more(source)? {}
        if let Some((charset, length)) = Charset::of_mark(&head.bytes) {
            head.charset = charset;
            head.drop_first(length);
        }
        Ok(head)
    }

    /// Reads on; false at the end of the file.
    fn more(&mut self, source: &mut Source) -> Result<bool, Failure> {
        let length = self.bytes.len();
        self.bytes.resize(length + PIECE, 0);
        let offset = self.at + length as u64;
        let read = self
            .bytes
            .get_mut(length..)
            .map_or(Ok(0), |into| source.read(into, offset));
        self.bytes
            .truncate(length + read.as_ref().copied().unwrap_or(0));
        read.map(|n| n > 0)
    }

    fn drop_first(&mut self, n: usize) {
        self.bytes.drain(..n);
        self.at += n as u64;
    }
}

impl Reader {
    /// Reads the beginning of a file; where its records are told by line ends, up to `from`.
    pub(super) fn opening(
        &mut self,
        source: &mut Source,
        head: Head,
        from: Mark,
    ) -> Result<Opening, Failure> {
        if self.framing.is_by_line_ends() && head.charset.is_utf8() {
            return self.cutting(source, head, from);
        }
        let mut gathering = Gathering {
            pieces: Pieces::after(head),
            finder: Finder::new(&self.reading.format).map_err(|e| crate::worker_defect(&e))?,
            line: 1,
        };
        let columns = match self.framing {
            Framing::Csv(dialect) if self.reading.format.has_header() => {
                self.gathered_header(source, &mut gathering, dialect)?
            }
            _ => self.given_columns()?,
        };
        Ok(Opening {
            columns,
            way: Way::Gather(Box::new(gathering)),
        })
    }

    fn cutting(
        &mut self,
        source: &mut Source,
        mut head: Head,
        from: Mark,
    ) -> Result<Opening, Failure> {
        let mut line = 1;
        let columns = match self.framing {
            Framing::Csv(dialect) if self.reading.format.has_header() => {
                self.header(source, &mut head, dialect, &mut line)?
            }
            _ => self.given_columns()?,
        };
        if from.position > head.at {
            line = from.line;
        }
        while head.at < from.position {
            let known = usize::try_from(from.position - head.at)
                .unwrap_or(usize::MAX)
                .min(head.bytes.len());
            head.drop_first(known);
            if head.at < from.position && !head.more(source)? {
                break;
            }
        }
        let mark = Mark {
            position: head.at,
            line,
        };
        Ok(Opening {
            columns,
            way: Way::Cut(mark, head.bytes),
        })
    }

    /// The columns that the spec names; none if records have no columns.
    fn given_columns(&mut self) -> Result<Option<Arc<FileColumns>>, Failure> {
        let format = &self.reading.format;
        let names = match format.kind {
            FormatType::Csv => format.columns.clone().unwrap_or_default(),
            FormatType::Fixed => Widths::names(format),
            _ => return Ok(None),
        };
        self.bind(names).map(Some)
    }

    /// Reads the header line of a text; none if the file has no record at all.
    fn gathered_header(
        &mut self,
        source: &mut Source,
        gathering: &mut Gathering,
        dialect: Dialect,
    ) -> Result<Option<Arc<FileColumns>>, Failure> {
        let mut boundary = Boundary::new(self.framing);
        let (mut text, mut scanned) = (Vec::new(), 0);
        loop {
            let piece = gathering.pieces.next(source, &mut text)?;
            let fresh = text.get(scanned..).unwrap_or_default();
            let is_whole = boundary.first(fresh).is_some() || piece.is_none();
            scanned = text.len();
            if is_whole {
                let names = self.named(&text, dialect)?;
                gathering.line += memchr_iter(b'\n', &text).count() as u64;
                match names {
                    Some(names) => return self.bind(names).map(Some),
                    None if piece.is_none() => return Ok(None),
                    None => (text, scanned) = (Vec::new(), 0),
                }
            }
            self.check_header(scanned)?;
        }
    }

    /// The columns that a header line names; none if it is blank.
    fn named(&self, line: &[u8], dialect: Dialect) -> Result<Option<Vec<String>>, Failure> {
        column_names(line, dialect, &self.reading.format).map_err(|e| wrong_header(&e.to_string()))
    }

    fn check_header(&self, length: usize) -> Result<(), Failure> {
        let limit = self.reading.max_record;
        if length > limit {
            let message = format!("the header line is longer than {limit} bytes");
            return Err(wrong_header(&message));
        }
        Ok(())
    }

    /// Reads the header line; none if the file has no record at all.
    fn header(
        &mut self,
        source: &mut Source,
        head: &mut Head,
        dialect: Dialect,
        line: &mut u64,
    ) -> Result<Option<Arc<FileColumns>>, Failure> {
        loop {
            let Some(end) = self.first_record(source, head, dialect)? else {
                return Ok(None);
            };
            let bytes = head.bytes.get(..end).unwrap_or_default();
            let names = self.named(bytes, dialect)?;
            *line += memchr_iter(b'\n', bytes).count() as u64;
            head.drop_first(end);
            if let Some(names) = names {
                return self.bind(names).map(Some);
            }
        }
    }

    /// Where the first record ends; none if there is none.
    fn first_record(
        &self,
        source: &mut Source,
        head: &mut Head,
        dialect: Dialect,
    ) -> Result<Option<usize>, Failure> {
        let mut boundary = Boundary::new(Framing::Csv(dialect));
        let mut scanned = 0;
        loop {
            let fresh = head.bytes.get(scanned..).unwrap_or_default();
            if let Some(end) = boundary.first(fresh) {
                return Ok(Some(scanned + end));
            }
            scanned = head.bytes.len();
            self.check_header(scanned)?;
            if !head.more(source)? {
                return Ok((scanned > 0).then_some(scanned));
            }
        }
    }

    fn bind(&mut self, names: Vec<String>) -> Result<Arc<FileColumns>, Failure> {
        if let Some(same) = self
            .columns
            .as_ref()
            .filter(|columns| columns.names == names)
        {
            return Ok(Arc::clone(same));
        }
        let bound = self
            .reading
            .program
            .bind_columns(&names)
            .map_err(|violations| {
                let all: Vec<String> = violations
                    .iter()
                    .map(|violation| violation.message.clone())
                    .collect();
                wrong_header(&all.join("; "))
            })?;
        let columns = Arc::new(FileColumns { names, bound });
        self.columns = Some(Arc::clone(&columns));
        Ok(columns)
    }
}

fn wrong_header(message: &str) -> Failure {
    let next_step =
        "mend the file's first line, or name the columns in the spec, and deliver the file again";
    Failure::permanent("csv_header", Culprit::Client, message, next_step)
}
