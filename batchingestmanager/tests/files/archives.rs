//! Staged archives: their members become files of the run, and what is wrong with one is told.

use std::collections::BTreeMap;
use std::io::Write;

use domain::file::{Compression, FileRecord, FileState, ManifestFile};
use domain::ids::FileKey;
use domain::plan::Plan;
use domain::run::Outcome;
use domain::units::Bytes;
use flate2::write::GzEncoder;
use serde_json::json;
use zip::write::SimpleFileOptions;

use crate::home::{Home, read};

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// One entry of a tar archive, whatever its name and kind are.
fn entry(kind: tar::EntryType, name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    if kind == tar::EntryType::GNUSparse {
        let gnu = header.as_gnu_mut().unwrap();
        gnu.set_real_size(content.len() as u64);
        gnu.sparse[0].set_offset(0);
        gnu.sparse[0].set_length(content.len() as u64);
    }
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

const FILE: tar::EntryType = tar::EntryType::Regular;

fn tar_of(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = entries.concat();
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let entries: Vec<_> = members
        .iter()
        .map(|(name, content)| entry(FILE, name, content))
        .collect();
    tar_of(&entries)
}

/// The names of files, each with the code of what was decided of it; `taken` if nothing was.
fn fates(files: &[ManifestFile]) -> BTreeMap<&str, &str> {
    let fate = |file: &ManifestFile| match &file.terms.decided {
        None => "taken".to_owned(),
        Some(FileState::Quarantined { failure }) => failure.code.clone(),
        Some(FileState::Skipped { failure }) => format!("skipped {}", failure.code),
        Some(other) => panic!("{other:?}"),
    };
    files
        .iter()
        .map(|file| (file.name.as_str(), &*fate(file).leak()))
        .collect()
}

/// The fates of a staged file's members, by their paths.
async fn fates_of(name: &str, bytes: &[u8]) -> BTreeMap<String, &'static str> {
    let home = Home::new().await;
    home.put(name, bytes);
    let run = home.run(1);
    let files = home.claim(&run).await.unwrap();
    let prefix = format!("{name}/");
    let copies = std::fs::read_dir(run.folder.claimed()).unwrap().count();
    let taken = files.iter().filter(|file| file.terms.decided.is_none());
    assert_eq!(copies, taken.count(), "one copy for each file to be read");
    assert_eq!(home.tree(&home.path("")).len(), 1);
    let plain = |file: &str| file.strip_prefix(&prefix).unwrap_or(file).to_owned();
    fates(&files)
        .into_iter()
        .map(|(name, fate)| (plain(name), &*fate.to_owned().leak()))
        .collect()
}

#[tokio::test]
async fn members_become_files_with_their_own_identity() {
    let members: [(&str, &[u8]); 3] = [
        ("dir/b.csv", b"b"),
        ("./a.csv", b"hello"),
        ("c.csv.gz", &gzip(b"c")),
    ];
    let tarball = tar(&members);
    for (name, bytes) in [
        ("data.zip", zip(&members)),
        ("data.tar", tarball.clone()),
        ("data.tgz", gzip(&tarball)),
        ("data.tar.zst", zstd::encode_all(&*tarball, 1).unwrap()),
    ] {
        let home = Home::new().await;
        home.put(name, bytes);
        let run = home.run(1);
        let files = home.claim(&run).await.unwrap();
        let names: Vec<_> = files.iter().map(|file| file.name.clone()).collect();
        let expected = ["dir/b.csv", "a.csv", "c.csv.gz"].map(|path| format!("{name}/{path}"));
        assert_eq!(names, expected);
        let hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        let a = &files[1];
        assert_eq!((a.index, a.bytes, a.sha256.as_str()), (1, 5, hello));
        let key = FileKey::derive(&home.job.client, &home.job.job, hello, None);
        assert_eq!(a.file_key, key, "as if it had been staged by itself");
        assert_eq!(files[2].compression, Compression::Gzip);
        assert!(files[2].terms.max_unpacked.is_some());
        let copy = std::fs::read(run.folder.claimed().join(&a.claimed_as)).unwrap();
        assert_eq!(copy, b"hello");
        assert_eq!(home.claim(&run).await.unwrap(), files);
    }
}

#[tokio::test]
async fn patterns_select_members_by_their_paths() {
    let source = json!({ "members": ["data/*.csv", "top.csv"], "exclude": ["*old*"] });
    let home = Home::with(Plan::default(), source).await;
    let members: [(&str, &[u8]); 4] = [
        ("data/a.csv", b"a"),
        ("data/readme.txt", b"b"),
        ("data/old.csv", b"c"),
        ("top.csv", b"d"),
    ];
    home.put("x.zip", zip(&members));
    home.put("y.zip", zip(&[("readme.txt", b"e")]));
    let files = home.claim(&home.run(1)).await.unwrap();
    let expected = [
        ("x.zip/data/a.csv", "taken"),
        ("x.zip/top.csv", "taken"),
        ("y.zip", "skipped archive_empty"),
    ];
    assert_eq!(fates(&files), expected.into());
}

#[tokio::test]
async fn equal_content_in_an_archive_is_taken_once_and_the_report_says_so() {
    let home = Home::new().await;
    home.put("a.csv", "same");
    home.put(
        "b.tar",
        tar(&[("x", b"same"), ("y", b"other"), ("z", b"other")]),
    );
    let files = home.claim(&home.run(1)).await.unwrap();
    let expected = [
        ("a.csv", "taken"),
        ("b.tar/x", "skipped same_content"),
        ("b.tar/y", "taken"),
        ("b.tar/z", "skipped same_content"),
    ];
    assert_eq!(fates(&files), expected.into());
    let keys: std::collections::BTreeSet<_> = files.iter().map(|file| &file.file_key).collect();
    assert_eq!(keys.len(), files.len(), "the core DMS counts by key");
}

#[tokio::test]
async fn an_archive_is_put_away_as_one_file() {
    let quarantined = |mut record: FileRecord| {
        let failure = domain::error::Failure::permanent(
            "gzip_corrupt",
            domain::error::Culprit::Client,
            "broken",
            "mend it",
        );
        record.state = FileState::Quarantined { failure };
        record
    };
    let unread = |record: FileRecord| FileRecord {
        state: FileState::Claimed,
        ..record
    };
    type Change = fn(FileRecord) -> FileRecord;
    let cases: [(&[Option<Change>], &str); 3] = [
        (&[None, None], "done"),
        (&[None, Some(quarantined)], "quarantine"),
        (&[Some(quarantined), Some(unread)], ""),
    ];
    for (changes, place) in cases {
        let home = Home::new().await;
        home.put("a.zip", zip(&[("x", b"1"), ("y", b"2")]));
        home.put("b.csv", "b");
        let run = home.run(1);
        let files = home.claim(&run).await.unwrap();
        let mut records: Vec<_> = files.iter().map(|file| read(&run, file)).collect();
        for (record, change) in records.iter_mut().zip(changes) {
            *record = change.map_or(record.clone(), |change| change(record.clone()));
        }
        for _ in 0..2 {
            home.settle(&run, &records, &Outcome::Completed).await;
            let at = match place {
                "" => home.path("a.zip"),
                place => home.path(&format!("{place}/{}/a.zip", run.run.id)),
            };
            assert!(at.exists(), "{place}");
            assert!(home.path(&format!("done/{}/b.csv", run.run.id)).exists());
        }
    }
}

#[tokio::test]
async fn names_that_lead_out_are_told_and_the_others_are_taken() {
    let members: [(&str, &[u8]); 8] = [
        ("good.csv", b"1"),
        ("../../evil", b"2"),
        ("/etc/cron.d/evil", b"3"),
        ("a/../../evil", b"4"),
        ("C:\\evil", b"5"),
        ("..\\evil", b"6"),
        ("line\nbreak", b"7"),
        ("__MACOSX/._good.csv", b"8"),
    ];
    for (name, bytes) in [("a.tar", tar(&members)), ("a.zip", zip(&members))] {
        let fates = fates_of(name, &bytes).await;
        let of = |code| {
            let names = fates.iter().filter(|(_, fate)| **fate == code);
            names.count()
        };
        assert_eq!(fates["good.csv"], "taken");
        assert_eq!(
            (of("taken"), of("member_name"), of("skipped member_hidden")),
            (1, 6, 1),
            "{name}: {fates:?}"
        );
    }
}

#[tokio::test]
async fn what_is_no_regular_file_is_left_out_or_told() {
    use tar::EntryType as T;
    let entries = [
        entry(T::Directory, "dir/", b""),
        entry(T::Symlink, "dir/link", b""),
        entry(T::Link, "hard", b""),
        entry(T::Char, "device", b""),
        entry(T::Fifo, "pipe", b""),
        entry(T::GNUSparse, "sparse", b"1234"),
        entry(FILE, "dir/a.csv", b"1"),
        entry(FILE, "inner.zip", &zip(&[("b.csv", b"2")])),
        entry(FILE, "inner.tgz", &gzip(&tar(&[("b.csv", b"2")]))),
    ];
    let fates = fates_of("a.tar", &tar_of(&entries)).await;
    let expected = [
        ("dir/link", "skipped member_not_a_file"),
        ("hard", "skipped member_not_a_file"),
        ("device", "skipped member_not_a_file"),
        ("pipe", "skipped member_not_a_file"),
        ("sparse", "member_unsupported"),
        ("dir/a.csv", "taken"),
        ("inner.zip", "nested_archive"),
        ("inner.tgz", "nested_archive"),
    ];
    let expected = expected.map(|(name, fate)| (name.to_owned(), fate));
    assert_eq!(fates, expected.into());
}

#[tokio::test]
async fn links_encrypted_and_damaged_members_of_a_zip_do_not_lose_the_others() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    writer.add_symlink("link", "/etc/passwd", stored).unwrap();
    for name in ["secret", "damaged", "good"] {
        writer.start_file(name, stored).unwrap();
        writer
            .write_all(format!("content of {name}").as_bytes())
            .unwrap();
    }
    let mut bytes = writer.finish().unwrap().into_inner();
    // says of both of its headers that it is encrypted
    for (magic, flags, name) in [(b"PK\x03\x04", 6, 30), (b"PK\x01\x02", 8, 46)] {
        let at = (0..bytes.len())
            .find(|&at| bytes[at..].starts_with(magic) && bytes[at + name..].starts_with(b"secret"))
            .unwrap();
        bytes[at + flags] |= 1;
    }
    let damage = b"content of damaged";
    let at = bytes
        .windows(damage.len())
        .position(|part| part == damage)
        .unwrap();
    bytes[at] ^= 1;
    let expected = [
        ("link", "skipped member_not_a_file"),
        ("secret", "member_encrypted"),
        ("damaged", "member_corrupt"),
        ("good", "taken"),
    ];
    let expected = expected.map(|(name, fate)| (name.to_owned(), fate));
    assert_eq!(fates_of("a.zip", &bytes).await, expected.into());
}

#[tokio::test]
async fn an_archive_that_is_wrong_as_a_whole_is_refused_whole() {
    let members: [(&str, &[u8]); 2] = [("a", &[b'a'; 3000]), ("b", b"b")];
    let (zipped, tarball) = (zip(&members), tar(&members));
    let packed = gzip(&tarball);
    let end = tarball.len() - 1024;
    let lying = {
        let mut header = tar::Header::new_gnu();
        header.set_path("lies").unwrap();
        header.set_size(1 << 60);
        header.set_cksum();
        [header.as_bytes(), &[0; 1024][..]].concat()
    };
    let long_name = tar_of(&[
        entry(
            tar::EntryType::GNULongName,
            "././@LongLink",
            &vec![b'n'; 2 << 20],
        ),
        entry(FILE, "a", b"1"),
    ]);
    for (what, bytes, code) in [
        (
            "cut zip",
            zipped[..zipped.len() / 2].to_vec(),
            "archive_corrupt",
        ),
        ("cut tar", tarball[..1500].to_vec(), "archive_corrupt"),
        (
            "tar without its end",
            tarball[..end].to_vec(),
            "archive_corrupt",
        ),
        (
            "cut tgz",
            packed[..packed.len() - 9].to_vec(),
            "archive_corrupt",
        ),
        ("lying size", lying, "archive_corrupt"),
        ("endless name", long_name, "archive_corrupt"),
        (
            "twice",
            tar(&[("a", b"1"), ("./a", b"2")]),
            "archive_duplicate_member",
        ),
        ("packed zip", gzip(&zipped), "nested_archive"),
    ] {
        let fates = fates_of("archive", &bytes).await;
        assert_eq!(fates, [("archive".to_owned(), code)].into(), "{what}");
    }
}

#[tokio::test]
async fn an_archive_that_bursts_is_refused_and_quarantined() {
    let zeros = vec![b'0'; 700 << 10];
    let members: [(&str, &[u8]); 2] = [("a", &zeros), ("b", &[&zeros[..], b"b"].concat())];
    for (name, bytes) in [
        ("a.zip", zip(&members)),
        ("a.tgz", gzip(&tar(&members))),
        // what is not selected counts as well: it is read
        ("b.tgz", gzip(&tar(&[("skipped", &vec![b'0'; 2 << 20])]))),
    ] {
        let plan = Plan {
            max_expanded_bytes: Bytes::mib(1),
            ..Plan::default()
        };
        let home = Home::with(plan, json!({ "members": ["a", "b"] })).await;
        home.put(name, bytes);
        let run = home.run(1);
        let files = home.claim(&run).await.unwrap();
        assert_eq!(fates(&files), [(name, "expansion_too_large")].into());
        assert!(home.tree(&run.folder.claimed()).is_empty());
        let record = FileRecord {
            state: files[0].terms.decided.clone().unwrap(),
            ..FileRecord::claimed(run.run.id.clone(), files[0].clone())
        };
        home.settle(&run, &[record], &Outcome::Cancelled).await;
        assert!(
            home.path(&format!("quarantine/{}/{name}", run.run.id))
                .exists()
        );
    }
}
