//! Unpacking: gzip and Zstandard, as streams.

use std::fs::File;
use std::io::{self, BufReader, Read};

use domain::error::{Culprit, Failure};
use domain::file::Compression;
use flate2::bufread::MultiGzDecoder;
use zstd::stream::read::Decoder;

use super::Hashed;

/// Packed bytes are read in pieces of this size.
const PACKED_PIECE: usize = 64 << 10;
/// Largest Zstandard window, as a power of two: 128 MiB, what `zstd` itself unpacks without being asked to.
const MAX_WINDOW_LOG: u32 = 27;

/// The bytes of a file, however they are packed.
pub(super) enum Unpacked {
    Plain(Hashed<File>),
    Gzip(Box<MultiGzDecoder<BufReader<Hashed<File>>>>),
    Zstd(Box<Decoder<'static, BufReader<Hashed<File>>>>),
}

impl std::fmt::Debug for Unpacked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.packing().unwrap_or("plain"))
    }
}

impl Unpacked {
    pub(super) fn new(file: Hashed<File>, compression: Compression) -> io::Result<Self> {
        let buffered = |file| BufReader::with_capacity(PACKED_PIECE, file);
        Ok(match compression {
            Compression::None => Unpacked::Plain(file),
            Compression::Gzip => Unpacked::Gzip(Box::new(MultiGzDecoder::new(buffered(file)))),
            Compression::Zstd => {
                let mut decoder = Decoder::with_buffer(buffered(file))?;
                decoder.window_log_max(MAX_WINDOW_LOG)?;
                Unpacked::Zstd(Box::new(decoder))
            }
        })
    }

    /// The file itself, behind what was read of it.
    pub(super) fn into_inner(self) -> Hashed<File> {
        match self {
            Unpacked::Plain(file) => file,
            Unpacked::Gzip(unpacked) => unpacked.into_inner().into_inner(),
            Unpacked::Zstd(unpacked) => unpacked.finish().into_inner(),
        }
    }

    /// How it is packed, if it is.
    pub(super) fn packing(&self) -> Option<&'static str> {
        match self {
            Unpacked::Plain(_) => None,
            Unpacked::Gzip(_) => Some("gzip"),
            Unpacked::Zstd(_) => Some("zstd"),
        }
    }

    /// What an error says of the packed content of the file `name`, after `at` unpacked bytes; none if it is the disk's.
    pub(super) fn fault(&self, name: &str, at: u64, error: &io::Error) -> Option<Failure> {
        let packing = self.packing()?;
        let permanent = |code: &str, message: String, next_step: &str| {
            let code = format!("{packing}_{code}");
            Some(Failure::permanent(
                &code,
                Culprit::Client,
                message,
                next_step,
            ))
        };
        let whole = domain::run::REDELIVER_WHOLE;
        match error.kind() {
            _ if error.raw_os_error().is_some() => None,
            io::ErrorKind::UnexpectedEof => {
                let message = format!(
                    "{name:?} is a truncated {packing} file: it ends after {at} unpacked bytes"
                );
                permanent("truncated", message, whole)
            }
            _ if error.to_string().contains("too much memory") => {
                let message =
                    format!("{name:?} was packed with a window of more than 128 MiB: {error}");
                permanent(
                    "window",
                    message,
                    "pack it with a window of at most 128 MiB (zstd without --long, or with --long=27), and deliver it again",
                )
            }
            _ => {
                let message = format!(
                    "{name:?} is a corrupt {packing} file: after {at} unpacked bytes: {error}"
                );
                permanent("corrupt", message, whole)
            }
        }
    }
}

impl Read for Unpacked {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Unpacked::Plain(file) => file.read(into),
            Unpacked::Gzip(unpacked) => unpacked.read(into),
            Unpacked::Zstd(unpacked) => unpacked.read(into),
        }
    }
}
