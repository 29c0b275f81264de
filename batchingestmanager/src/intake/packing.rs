//! How a claimed copy is packed. Its content tells: names are anybody's choice.

use std::fs::File;
use std::io::{self, BufReader, Read};

use domain::file::Compression;
use flate2::read::MultiGzDecoder;

/// So many first bytes tell how a file is packed.
pub const HEAD: usize = 512;

/// First bytes of a gzip member: the magic number and the only method there is.
const GZIP: &[u8] = &[0x1f, 0x8b, 8];
/// First bytes of a Zstandard frame.
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// First bytes of a frame that is to be skipped, behind a byte of `0x50` to `0x5f`; parallel packers begin with one.
const ZSTD_SKIPPED: &[u8] = &[0x2a, 0x4d, 0x18];
/// First bytes of a zip archive: of a member, of the end of an empty archive, of one in several parts.
const ZIP: [&[u8]; 3] = [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"];

/// What holds several files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Archive {
    /// tar in any of its dialects, packed or not.
    Tar,
    /// zip.
    Zip,
}

/// How a file is compressed.
pub fn compression(head: &[u8]) -> Compression {
    let skipped = head.first().is_some_and(|byte| byte & 0xf0 == 0x50)
        && head
            .get(1..)
            .is_some_and(|rest| rest.starts_with(ZSTD_SKIPPED));
    if head.starts_with(GZIP) {
        Compression::Gzip
    } else if head.starts_with(ZSTD) || skipped {
        Compression::Zstd
    } else {
        Compression::None
    }
}

/// Which archive begins with these bytes, after unpacking.
pub fn archive(head: &[u8]) -> Option<Archive> {
    if ZIP.iter().any(|magic| head.starts_with(magic)) {
        return Some(Archive::Zip);
    }
    let block = head.get(..HEAD)?;
    let (before, behind) = (block.get(..148)?, block.get(156..)?);
    let sum: u32 = before
        .iter()
        .chain(behind)
        .map(|&byte| u32::from(byte))
        .sum();
    // the header's sum is of its bytes with its own place blank
    let is_header = tar::Header::from_byte_slice(block)
        .cksum()
        .is_ok_and(|told| told == sum + 8 * u32::from(b' '));
    is_header.then_some(Archive::Tar)
}

/// The first unpacked bytes of a file; fewer, or none, where it cannot be unpacked: who reads it will say why.
pub fn unpacked_head(file: File, compression: Compression) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD);
    match unpacked(file, compression)?
        .take(HEAD as u64)
        .read_to_end(&mut head)
    {
        Err(e) if e.raw_os_error().is_some() => Err(e),
        Ok(_) | Err(_) => Ok(head),
    }
}

/// A file's unpacked bytes. The Zstandard window has the library's bound of 128 MiB, as in the worker.
pub fn unpacked(file: File, compression: Compression) -> io::Result<Box<dyn Read>> {
    Ok(match compression {
        Compression::None => Box::new(BufReader::new(file)),
        Compression::Gzip => Box::new(MultiGzDecoder::new(file)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(file)?),
    })
}
