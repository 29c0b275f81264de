//! Archives with any byte damaged, and cut off anywhere: no panic, no copy that nobody knows of.

use std::io::Write;

use domain::spec::Source;
use proptest::prelude::*;

use super::*;
use crate::folder::Folder;
use crate::intake::packing;
use crate::staging::Selector;

fn zip() -> Vec<u8> {
    let mut writer = ::zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, size) in [("dir/a.csv", 300), ("b.csv", 10), ("c", 0)] {
        let options = ::zip::write::SimpleFileOptions::default();
        writer.start_file(name, options).unwrap();
        writer.write_all(&vec![b'x'; size]).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn tar() -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, size) in [("dir/a.csv", 700), (&*"long/".repeat(40), 10), ("c", 0)] {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(size);
        let content = vec![b'x'; usize::try_from(size).unwrap()];
        builder
            .append_data(&mut header, format!("{name}x"), &*content)
            .unwrap();
    }
    builder.into_inner().unwrap()
}

/// Takes the members of an archive out; gives how many copies are known of.
fn taken(bytes: &[u8], kind: Archive, compression: Compression) -> usize {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("archive"), bytes).unwrap();
    std::fs::create_dir(folder.path().join("claimed")).unwrap();
    let into = Folder::open(&folder.path().join("claimed")).unwrap();
    let copy = File::open(folder.path().join("archive")).unwrap();
    let selector = Selector::new(&Source::default()).unwrap();
    let mut copies = 0;
    let mut room = Room::new("archive", &into, &selector, &mut copies, 1 << 20);
    let known = match expand(copy, kind, compression, &mut room) {
        Ok(()) => {
            let members = room.members();
            let copied = |member: &&Member| matches!(member.content, Content::Copied(_));
            members.iter().filter(copied).count()
        }
        Err(Trouble::Archive(_)) => room.abandon().map(|()| 0).unwrap(),
        Err(Trouble::Disk(e)) => panic!("{e}"),
    };
    assert_eq!(into.names().unwrap().len(), known);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    known
}

fn kinds() -> [(Vec<u8>, Archive, Compression); 3] {
    let packed = zstd::encode_all(&*tar(), 1).unwrap();
    [
        (zip(), Archive::Zip, Compression::None),
        (tar(), Archive::Tar, Compression::None),
        (packed, Archive::Tar, Compression::Zstd),
    ]
}

#[test]
fn archives_are_known_by_their_content() {
    for (bytes, kind, compression) in kinds() {
        assert_eq!(packing::compression(&bytes), compression);
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        io::Seek::rewind(&mut file).unwrap();
        let head = packing::unpacked_head(file, compression).unwrap();
        assert_eq!(packing::archive(&head), Some(kind));
        assert_eq!(taken(&bytes, kind, compression), 3);
    }
    for no_archive in [&b""[..], b"a,b\n1,2\n", &[0; 512], &[b'0'; 600]] {
        assert_eq!(packing::archive(no_archive), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_damaged_archive_does_no_harm(at: prop::sample::Index, value: u8, cut in any::<prop::sample::Index>(), whole: bool) {
        for (mut bytes, kind, compression) in kinds() {
            let at = at.index(bytes.len());
            bytes[at] = value;
            if !whole {
                bytes.truncate(cut.index(bytes.len()));
            }
            taken(&bytes, kind, compression);
        }
    }
}
