//! The write-ahead log: frames of operations, encoded, checked and read back.
//!
//! A frame is all accepted operations of one request on one index:
//!
//! ```text
//! magic  4 bytes  "cdw1"
//! length u32 LE   bytes of the payload
//! crc    u32 LE   CRC-32 of the payload
//! payload:
//!   first_seq u64 LE   sequence number of the first operation; the others follow without a gap
//!   count     u32 LE
//!   count ×   kind u8 (0 add, 1 replace, 2 delete), version u64 LE,
//!             id length u16 LE, id, source length u32 LE, source
//! ```
//!
//! A frame counts only whole: a torn one was never acknowledged, and is cut off at the next start.

use bytes::Bytes;

const MAGIC: &[u8; 4] = b"cdw1";
const HEADER: usize = 12;

/// What an operation does to its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A document whose id did not exist.
    Add,
    /// A document whose id existed.
    Replace,
    /// The removal of an id that existed.
    Delete,
}

/// One logged operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Sequence number.
    pub seq: u64,
    /// What it does.
    pub kind: Kind,
    /// Version of the document after it.
    pub version: u64,
    /// The document's id.
    pub id: String,
    /// The document; empty for a removal.
    pub source: Bytes,
}

/// A frame under construction.
#[derive(Debug)]
pub struct Frame {
    bytes: Vec<u8>,
    count: u32,
}

impl Frame {
    /// An empty frame whose first operation will have `first_seq`.
    pub fn new(first_seq: u64) -> Self {
        let mut bytes = Vec::with_capacity(4096);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&first_seq.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        Self { bytes, count: 0 }
    }

    /// Whether no operation was added.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds an operation; returns the offset of its source in the finished frame.
    /// Ids have at most 512 bytes and sources less than 4 GiB: the callers refuse others.
    pub fn push(&mut self, kind: Kind, version: u64, id: &str, source: &[u8]) -> u64 {
        let kind = match kind {
            Kind::Add => 0,
            Kind::Replace => 1,
            Kind::Delete => 2,
        };
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&version.to_le_bytes());
        self.bytes
            .extend_from_slice(&(id.len() as u16).to_le_bytes());
        self.bytes.extend_from_slice(id.as_bytes());
        self.bytes
            .extend_from_slice(&(source.len() as u32).to_le_bytes());
        let offset = self.bytes.len() as u64;
        self.bytes.extend_from_slice(source);
        self.count += 1;
        offset
    }

    /// The finished bytes.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes[HEADER + 8..HEADER + 12].copy_from_slice(&self.count.to_le_bytes());
        let length = (self.bytes.len() - HEADER) as u32;
        let crc = crc32fast::hash(&self.bytes[HEADER..]);
        self.bytes[4..8].copy_from_slice(&length.to_le_bytes());
        self.bytes[8..12].copy_from_slice(&crc.to_le_bytes());
        self.bytes
    }
}

/// Reads the next frame of `log` from `offset`: its entries and the offset after it.
/// `None` at the end of the log and at a frame that is not whole.
pub fn read_frame(log: &Bytes, offset: usize) -> Option<(Vec<Entry>, usize)> {
    let header = log.get(offset..offset + HEADER)?;
    if &header[..4] != MAGIC {
        return None;
    }
    let length = u32::from_le_bytes(header[4..8].try_into().ok()?) as usize;
    let crc = u32::from_le_bytes(header[8..12].try_into().ok()?);
    let (start, end) = (offset + HEADER, offset + HEADER + length);
    if crc32fast::hash(log.get(start..end)?) != crc {
        return None;
    }
    Some((read_payload(&log.slice(start..end))?, end))
}

fn read_payload(payload: &Bytes) -> Option<Vec<Entry>> {
    let mut at = 0;
    let mut take = |length: usize| {
        let slice = payload.get(at..at + length)?;
        at += length;
        Some((slice, at - length))
    };
    let first_seq = u64::from_le_bytes(take(8)?.0.try_into().ok()?);
    let count = u32::from_le_bytes(take(4)?.0.try_into().ok()?);
    let mut entries = Vec::with_capacity(count.min(100_000) as usize);
    for n in 0..u64::from(count) {
        let kind = match take(1)?.0 {
            [0] => Kind::Add,
            [1] => Kind::Replace,
            [2] => Kind::Delete,
            _ => return None,
        };
        let version = u64::from_le_bytes(take(8)?.0.try_into().ok()?);
        let id_length = u16::from_le_bytes(take(2)?.0.try_into().ok()?) as usize;
        let id = std::str::from_utf8(take(id_length)?.0).ok()?.to_owned();
        let length = u32::from_le_bytes(take(4)?.0.try_into().ok()?) as usize;
        let (_, start) = take(length)?;
        let source = payload.slice(start..start + length);
        entries.push(Entry {
            seq: first_seq + n,
            kind,
            version,
            id,
            source,
        });
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Kind, version, id, source.
    type Written = (u8, u64, String, Vec<u8>);

    fn entries() -> impl Strategy<Value = Vec<Vec<Written>>> {
        let entry = (
            0u8..3,
            any::<u64>(),
            ".{0,40}",
            prop::collection::vec(any::<u8>(), 0..200),
        );
        prop::collection::vec(prop::collection::vec(entry, 1..6), 0..6)
    }

    fn encode(frames: &[Vec<Written>]) -> (Vec<u8>, Vec<Entry>, Vec<usize>) {
        let (mut log, mut model, mut ends, mut seq) = (Vec::new(), Vec::new(), vec![0], 7);
        for frame in frames {
            let mut writer = Frame::new(seq);
            for (kind, version, id, source) in frame {
                let kind = [Kind::Add, Kind::Replace, Kind::Delete][*kind as usize];
                writer.push(kind, *version, id, source);
                let source = Bytes::copy_from_slice(source);
                model.push(Entry {
                    seq,
                    kind,
                    version: *version,
                    id: id.clone(),
                    source,
                });
                seq += 1;
            }
            log.extend(writer.finish());
            ends.push(log.len());
        }
        (log, model, ends)
    }

    fn read_all(log: Vec<u8>) -> (Vec<Entry>, usize) {
        let (log, mut at, mut all) = (Bytes::from(log), 0, Vec::new());
        while let Some((entries, next)) = read_frame(&log, at) {
            all.extend(entries);
            at = next;
        }
        (all, at)
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_and_a_torn_tail_is_cut_at_a_frame(frames in entries(), cut in any::<prop::sample::Index>()) {
            let (log, model, ends) = encode(&frames);
            prop_assert_eq!(read_all(log.clone()), (model.clone(), log.len()));
            let cut = cut.index(log.len() + 1);
            let (read, end) = read_all(log[..cut].to_vec());
            let whole = ends.iter().rev().find(|end| **end <= cut).unwrap();
            prop_assert_eq!(end, *whole);
            prop_assert_eq!(&read[..], &model[..read.len()]);
        }

        #[test]
        fn a_flipped_bit_never_yields_another_entry(frames in entries(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let (mut log, model, _) = encode(&frames);
            prop_assume!(!log.is_empty());
            let at = at.index(log.len());
            log[at] ^= 1 << bit;
            let (read, _) = read_all(log);
            prop_assert_eq!(&read[..], &model[..read.len()]);
        }

        #[test]
        fn a_source_is_found_at_its_offset(source in prop::collection::vec(any::<u8>(), 0..50)) {
            let mut frame = Frame::new(0);
            frame.push(Kind::Add, 1, "first", b"{}");
            let offset = frame.push(Kind::Add, 1, "second", &source) as usize;
            let bytes = frame.finish();
            prop_assert_eq!(&bytes[offset..offset + source.len()], &source[..]);
        }
    }
}
