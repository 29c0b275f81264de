//! One segment, read record by record.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::error::{Damage, ReadError};
use super::record::{HEADER, Header, MAX_ENTRY, Part, VERSION, VERSION_SIZE, left_in_block};

/// A segment that is being read. What is at its end but not whole was being written: the segment ends before it.
#[derive(Debug)]
pub struct Segment {
    path: PathBuf,
    file: BufReader<File>,
    /// Where the next byte is read.
    offset: u64,
    /// Whether what goes on with an entry is skipped, because its beginning was damaged.
    skipping: bool,
}

/// What was found where a record should be.
enum Found {
    Record(Part, Header),
    End,
}

impl Segment {
    /// Opens a segment to read it from `offset` on, where an entry begins; 0 is its first one.
    pub fn open(path: &Path, offset: u64) -> Result<Self, ReadError> {
        let failed = |error| ReadError::Io {
            path: path.to_owned(),
            error,
        };
        let mut segment = Self {
            path: path.to_owned(),
            file: BufReader::with_capacity(64 * 1024, File::open(path).map_err(failed)?),
            offset: 0,
            skipping: false,
        };
        let mut version = [0];
        // a file without a byte was only just created
        if segment.fill(&mut version)? && version != [VERSION] {
            let [found] = version;
            return Err(segment.damaged(0, Damage::Version(found)));
        }
        if offset > VERSION_SIZE {
            segment.offset = segment.file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        }
        Ok(segment)
    }

    /// Where the next record is looked for.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next entry's bytes, with where it begins; `None` at the end. After damage it goes on behind it.
    pub fn next_entry(&mut self) -> Result<Option<(u64, Vec<u8>)>, ReadError> {
        let mut entry = Vec::new();
        loop {
            let (begin, found) = self.next_record(&mut entry)?;
            match found {
                Found::End => return Ok(None),
                Found::Record(Part::Later, _) if self.skipping => entry.clear(),
                Found::Record(Part::Later, _) => {
                    self.skipping = true;
                    return Err(self.damaged(begin, Damage::NoBeginning));
                }
                Found::Record(Part::First, header) => {
                    self.skipping = false;
                    let whole = self.complete(begin, header, entry)?;
                    return Ok(whole.map(|entry| (begin, entry)));
                }
            }
        }
    }

    /// Reads the rest of an entry whose first record is read.
    fn complete(
        &mut self,
        begin: u64,
        first: Header,
        mut entry: Vec<u8>,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        let total = match first.total {
            -1 => entry.len(),
            total => usize::try_from(total).unwrap_or(0),
        };
        if total < entry.len() || total > MAX_ENTRY {
            self.skipping = true;
            return Err(self.damaged(begin, Damage::EntrySize(first.total)));
        }
        while entry.len() < total {
            match self.next_record(&mut entry)? {
                (_, Found::End) => return Ok(None),
                (_, Found::Record(Part::Later, _)) => {}
                (next, Found::Record(Part::First, _)) => {
                    // it is an entry of its own
                    self.go_to(next)?;
                    return Err(self.damaged(begin, Damage::NoEnd));
                }
            }
        }
        match entry.len() == total {
            true => Ok(Some(entry)),
            false => Err(self.damaged(begin, Damage::EntrySize(first.total))),
        }
    }

    /// Appends the next record's data to `entry`; where the record begins, and what it is.
    fn next_record(&mut self, entry: &mut Vec<u8>) -> Result<(u64, Found), ReadError> {
        loop {
            let begin = self.offset;
            let left = left_in_block(begin);
            let end_of_block = begin + left;
            let mut header = [0; HEADER];
            if left <= HEADER as u64 {
                self.go_to(end_of_block)?;
                continue;
            }
            if !self.fill(&mut header)? {
                return Ok((begin, Found::End));
            }
            let header = Header::parse(header);
            if header.kind == 0 {
                self.go_to(end_of_block)?;
                continue;
            }
            let Some(part) = header.part() else {
                return Err(self.lost(begin, end_of_block, Damage::RecordType(header.kind))?);
            };
            let size = u64::try_from(header.size).unwrap_or(0);
            if size == 0 || size > left - HEADER as u64 {
                return Err(self.lost(begin, end_of_block, Damage::RecordSize(header.size))?);
            }
            let before = entry.len();
            entry.resize(before + size as usize, 0);
            let data = entry.get_mut(before..).unwrap_or_default();
            if !self.fill(data)? {
                return Ok((begin, Found::End));
            }
            if crc32fast::hash(data) != header.checksum {
                return Err(self.lost(begin, end_of_block, Damage::Checksum)?);
            }
            return Ok((begin, Found::Record(part, header)));
        }
    }

    /// The error for a block in which no record can be found any more; goes on with the next block.
    fn lost(&mut self, at: u64, end_of_block: u64, damage: Damage) -> Result<ReadError, ReadError> {
        self.skipping = true;
        self.go_to(end_of_block)?;
        Ok(self.damaged(at, damage))
    }

    /// Fills `bytes` from the file; false if it ends before.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<bool, ReadError> {
        match self.file.read_exact(bytes) {
            Ok(()) => {
                self.offset += bytes.len() as u64;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn go_to(&mut self, offset: u64) -> Result<(), ReadError> {
        let by = offset.wrapping_sub(self.offset) as i64;
        self.file
            .seek_relative(by)
            .map_err(|error| self.failed(error))?;
        self.offset = offset;
        Ok(())
    }

    fn failed(&self, error: io::Error) -> ReadError {
        let path = self.path.clone();
        ReadError::Io { path, error }
    }

    /// An error of this segment.
    pub fn damaged(&self, offset: u64, damage: Damage) -> ReadError {
        let path = self.path.clone();
        ReadError::Damaged {
            path,
            offset,
            damage,
        }
    }
}
