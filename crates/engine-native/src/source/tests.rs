//! Packed files: whole, in parts, broken, and made to burst.

use std::io::Write;

use domain::file::{Compression, Terms};
use domain::ids::FileKey;
use flate2::write::GzEncoder;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// Reads a packed file to its end; gives what came out, and what was wrong.
fn unpack(
    packed: &[u8],
    compression: Compression,
    max_unpacked: Option<u64>,
) -> (Vec<u8>, Option<Failure>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("0"), packed).unwrap();
    let sha256 = hex::encode(Sha256::digest(packed));
    let (client, job) = ("demo".parse().unwrap(), "flights".parse().unwrap());
    let manifest = ManifestFile {
        index: 0,
        name: "a".into(),
        bytes: packed.len() as u64,
        file_key: FileKey::derive(&client, &job, &sha256, None),
        sha256,
        compression,
        claimed_as: "0".into(),
        terms: Terms {
            max_unpacked,
            ..Terms::default()
        },
    };
    let mut source = Source::open(folder.path(), &manifest, Arc::default()).unwrap();
    let (mut out, mut piece) = (Vec::new(), vec![0; 1000]);
    loop {
        match source.read(&mut piece, out.len() as u64) {
            Ok(0) => return (out, source.verify().err()),
            Ok(n) => out.extend_from_slice(&piece[..n]),
            Err(failure) => return (out, Some(failure)),
        }
    }
}

/// Packs bytes.
type Packer = fn(&[u8]) -> Vec<u8>;

/// Each packer, and how its files are called in failures.
const PACKERS: [(Packer, Compression, &str); 2] = [
    (gzip, Compression::Gzip, "gzip"),
    (zstandard, Compression::Zstd, "zstd"),
];

/// Text that does not pack to nothing.
fn text() -> Vec<u8> {
    (0..20_000_u64)
        .flat_map(|i| format!("{}\n", i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).into_bytes())
        .collect()
}

#[test]
fn several_parts_one_behind_the_other_are_one_file() {
    let text = text();
    let (first, second) = text.split_at(12_345);
    for (pack, compression, name) in PACKERS {
        let packed = [pack(first), pack(b""), pack(second)].concat();
        let (out, failure) = unpack(&packed, compression, None);
        assert!(out == text && failure.is_none(), "{name}: {failure:?}");
    }
}

#[test]
fn a_truncated_and_a_corrupt_file_are_told_apart() {
    let text = text();
    for (pack, compression, name) in PACKERS {
        let packed = pack(&text);
        let (out, failure) = unpack(&packed[..packed.len() / 2], compression, None);
        assert!(text.starts_with(&out));
        assert_eq!(failure.unwrap().code, format!("{name}_truncated"));
        let garbage = [&packed[..], b"something else"].concat();
        let failure = unpack(&garbage, compression, None).1.unwrap();
        assert_eq!(failure.code, format!("{name}_corrupt"), "{failure}");
    }
}

#[test]
fn what_unpacks_to_more_than_it_may_is_given_up() {
    for (pack, compression, name) in PACKERS {
        let bomb = pack(&vec![b'0'; 4 << 20]);
        assert!(bomb.len() < 64 << 10);
        let (out, failure) = unpack(&bomb, compression, Some(1 << 20));
        assert!(out.len() <= 1 << 20, "{name}");
        assert_eq!(failure.unwrap().code, "expansion_too_large");
        assert!(unpack(&bomb, compression, Some(4 << 20)).1.is_none());
    }
    assert!(unpack(&text(), Compression::None, Some(1)).1.is_none());
}

#[test]
fn a_zstandard_window_beyond_the_bound_is_explained() {
    // magic number; no content size, no single segment; window of 2^31
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00];
    let failure = unpack(&frame, Compression::Zstd, None).1.unwrap();
    assert_eq!(failure.code, "zstd_window", "{failure}");
    assert!(failure.next_step.contains("--long=27"));
}

proptest::proptest! {
    #[test]
    fn damaged_bytes_never_harm(at in 0..2000_usize, value: u8, cut in 0..2000_usize) {
        let text = &text()[..4000];
        for (pack, compression, _) in PACKERS {
            let mut packed = pack(text);
            let length = packed.len();
            packed[at % length] ^= value;
            packed.truncate(cut % length + 1);
            unpack(&packed, compression, Some(1 << 20));
        }
    }
}
