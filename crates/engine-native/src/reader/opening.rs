//! The beginning of a file: byte order mark, header, and what has been ingested before.

use std::sync::Arc;

use domain::error::{Culprit, Failure};
use memchr::memchr_iter;

use super::Reader;
use crate::batch::{FileColumns, Mark};
use crate::decode::{BOM, Boundary, Dialect, Framing, column_names};
use crate::source::Source;

/// A file is opened in pieces of this size.
const PIECE: usize = 32 << 10;

/// A file whose next byte is the first of a record still to be ingested.
pub(super) struct Opening {
    /// csv: its columns.
    pub columns: Option<Arc<FileColumns>>,
    /// Where it is.
    pub mark: Mark,
    /// Bytes from there on that were read already.
    pub rest: Vec<u8>,
}

/// The bytes of a file's beginning.
struct Head<'s> {
    source: &'s mut Source,
    bytes: Vec<u8>,
    /// Offset of the first of `bytes` in the file.
    at: u64,
    ended: bool,
}

impl Head<'_> {
    /// Reads on; false at the end of the file.
    fn more(&mut self) -> Result<bool, Failure> {
        let length = self.bytes.len();
        self.bytes.resize(length + PIECE, 0);
        let offset = self.at + length as u64;
        let read = self
            .bytes
            .get_mut(length..)
            .map_or(Ok(0), |into| self.source.read(into, offset));
        self.bytes
            .truncate(length + read.as_ref().copied().unwrap_or(0));
        self.ended = matches!(read, Ok(0));
        read.map(|n| n > 0)
    }

    fn drop_first(&mut self, n: usize) {
        self.bytes.drain(..n);
        self.at += n as u64;
    }
}

impl Reader {
    /// Reads the beginning of a file, up to `from`.
    pub(super) fn opening(&mut self, source: &mut Source, from: Mark) -> Result<Opening, Failure> {
        let mut head = Head {
            source,
            bytes: Vec::new(),
            at: 0,
            ended: false,
        };
        while head.bytes.len() < BOM.len() && head.more()? {}
        if head.bytes.starts_with(BOM) {
            head.drop_first(BOM.len());
        }
        let mut line = 1;
        let columns = match self.framing {
            Framing::Lines => None,
            Framing::Csv(dialect) if self.reading.format.has_header() => {
                self.header(&mut head, dialect, &mut line)?
            }
            Framing::Csv(_) => {
                Some(self.bind(self.reading.format.columns.clone().unwrap_or_default())?)
            }
        };
        if from.position <= head.at {
            return Ok(Opening {
                columns,
                mark: Mark {
                    position: head.at,
                    line,
                },
                rest: head.bytes,
            });
        }
        while head.at < from.position {
            let known = usize::try_from(from.position - head.at)
                .unwrap_or(usize::MAX)
                .min(head.bytes.len());
            head.drop_first(known);
            if head.at < from.position && !head.more()? {
                break;
            }
        }
        Ok(Opening {
            columns,
            mark: Mark {
                position: head.at,
                line: from.line,
            },
            rest: head.bytes,
        })
    }

    /// Reads the header line; none if the file has no record at all.
    fn header(
        &mut self,
        head: &mut Head<'_>,
        dialect: Dialect,
        line: &mut u64,
    ) -> Result<Option<Arc<FileColumns>>, Failure> {
        loop {
            let Some(end) = self.first_record(head, dialect)? else {
                return Ok(None);
            };
            let bytes = head.bytes.get(..end).unwrap_or_default();
            let names = column_names(bytes, dialect, &self.reading.format)
                .map_err(|e| wrong_header(&e.to_string()))?;
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
        head: &mut Head<'_>,
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
            if scanned > self.reading.max_record {
                return Err(wrong_header(&format!(
                    "the header line is longer than {} bytes",
                    self.reading.max_record
                )));
            }
            if !head.more()? {
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
