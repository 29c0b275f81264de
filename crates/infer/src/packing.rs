//! From bytes to text: packing by the first bytes, byte order mark, UTF-8. Here is the place for further packings.

use std::io::Read;

use flate2::read::MultiGzDecoder;

use crate::{SAMPLE_BYTES, Unknown};

/// How the file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
}

/// What jobs do not read, by first bytes.
const NOT_READ: [(&[u8], &str); 11] = [
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"PK\x03\x04", "a zip archive (or a spreadsheet)"),
    (b"PAR1", "a Parquet file"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
    (b"\xff\xfe", "text in UTF-16"),
    (b"\xfe\xff", "text in UTF-16"),
    (b"%PDF", "a PDF file"),
    (b"SQLite format 3", "an SQLite database"),
];

/// The text of a file's beginning, at most [`SAMPLE_BYTES`] of it, whole lines only where it is longer.
pub fn text(bytes: &[u8]) -> Result<(String, Packing), Unknown> {
    let (mut unpacked, packing) = match bytes.starts_with(&[0x1f, 0x8b, 8]) {
        true => (gunzip(bytes)?, Packing::Gzip),
        false => (bytes.to_vec(), Packing::None),
    };
    if let Some((_, what)) = NOT_READ
        .iter()
        .find(|(first, _)| unpacked.starts_with(first))
    {
        return Err(Unknown::NotRead(what));
    }
    let cut = unpacked.len() >= SAMPLE_BYTES;
    unpacked.truncate(SAMPLE_BYTES);
    if unpacked.starts_with(b"\xEF\xBB\xBF") {
        unpacked.drain(..3);
    }
    if let Some(end) = unpacked.iter().rposition(|&b| b == b'\n')
        && (cut || packing == Packing::Gzip)
    {
        unpacked.truncate(end + 1);
    }
    let text = match String::from_utf8(unpacked) {
        Ok(text) => text,
        Err(error) => return Err(Unknown::NotText(error.utf8_error().valid_up_to())),
    };
    if let Some(at) = text.find('\0') {
        return Err(Unknown::NotText(at));
    }
    match text.trim().is_empty() {
        true => Err(Unknown::Empty),
        false => Ok((text, packing)),
    }
}

/// Unpacks as much as is there: the bytes may be but the beginning.
fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, Unknown> {
    let mut unpacked = Vec::new();
    let mut decoder = MultiGzDecoder::new(bytes).take(SAMPLE_BYTES as u64);
    match decoder.read_to_end(&mut unpacked) {
        Err(error) if unpacked.is_empty() => Err(Unknown::Broken(error.to_string())),
        _ => Ok(unpacked),
    }
}
