//! Records: how entries of any size lie in blocks of one size.
//!
//! A record is a header of 13 bytes and its data: the type (`c` for a whole entry; `s`, `m` and `e` for the start, the
//! middles and the end of one that is divided), the size of the data, the size of the whole entry (only in `s`, otherwise
//! -1) and the CRC-32 of the data, all big-endian. No record crosses a block; where a header and one byte do not fit any
//! more, the rest of the block is zeros.

/// The byte that a segment begins with.
pub const VERSION: u8 = b'1';
/// Bytes before the first block.
pub const VERSION_SIZE: u64 = 1;
/// Bytes of a block.
pub const BLOCK: u64 = 32 * 1024;
/// Bytes of a record's header.
pub const HEADER: usize = 13;
/// The longest entry that is read or written, in bytes. It bounds what damage can make the reader take of memory; Beats send
/// events of 10 MB by default at most, and an entry holds its event twice, the second time within the reason.
pub const MAX_ENTRY: usize = 64 * 1024 * 1024;

/// Which part of an entry a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it, or the start: an entry begins here.
    First,
    /// A middle or the end.
    Later,
}

/// A record's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The type's byte.
    pub kind: u8,
    /// Bytes of data.
    pub size: i32,
    /// Bytes of the whole entry; -1 if the record does not say.
    pub total: i32,
    /// CRC-32 of the data.
    pub checksum: u32,
}

impl Header {
    /// Reads a header; any bytes are one.
    pub fn parse(bytes: [u8; HEADER]) -> Self {
        let [kind, s0, s1, s2, s3, t0, t1, t2, t3, c0, c1, c2, c3] = bytes;
        Self {
            kind,
            size: i32::from_be_bytes([s0, s1, s2, s3]),
            total: i32::from_be_bytes([t0, t1, t2, t3]),
            checksum: u32::from_be_bytes([c0, c1, c2, c3]),
        }
    }

    /// Which part of an entry it is; `None` for a byte that is no type.
    pub fn part(&self) -> Option<Part> {
        match self.kind {
            b'c' | b's' => Some(Part::First),
            b'm' | b'e' => Some(Part::Later),
            _ => None,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(self.kind);
        out.extend_from_slice(&self.size.to_be_bytes());
        out.extend_from_slice(&self.total.to_be_bytes());
        out.extend_from_slice(&self.checksum.to_be_bytes());
    }
}

/// Bytes from a place in a segment, behind the version, to the end of its block; never 0.
pub fn left_in_block(offset: u64) -> u64 {
    BLOCK - offset.saturating_sub(VERSION_SIZE) % BLOCK
}

/// The records of an entry that begins at `offset` of its segment, with the padding before and between them. The entry has
/// 1 to [`MAX_ENTRY`] bytes.
pub fn records(entry: &[u8], offset: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(entry.len() + 2 * HEADER);
    let mut rest = entry;
    while !rest.is_empty() {
        let left = left_in_block(offset + out.len() as u64) as usize;
        let Some(room @ 1..) = left.checked_sub(HEADER) else {
            out.resize(out.len() + left, 0);
            continue;
        };
        let first = rest.len() == entry.len();
        let (data, more) = rest.split_at(room.min(rest.len()));
        let header = Header {
            kind: match (first, more.is_empty()) {
                (true, true) => b'c',
                (true, false) => b's',
                (false, false) => b'm',
                (false, true) => b'e',
            },
            size: data.len() as i32,
            total: match first && !more.is_empty() {
                true => entry.len() as i32,
                false => -1,
            },
            checksum: crc32fast::hash(data),
        };
        header.write(&mut out);
        out.extend_from_slice(data);
        rest = more;
    }
    out
}
