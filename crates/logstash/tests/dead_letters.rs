//! Dead letter queues on disk, as Logstash writes and reads them.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic, too")]

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use logstash::dead_letters::{Damage, Entry, Kept, Position, Queue, ReadError, read, read_from};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const UNLIMITED: u64 = u64::MAX / 2;

fn entry(reason: impl Into<String>, fields: &Value) -> Entry {
    Entry {
        entry_time: Timestamp::from_millisecond(1_700_000_000_123).unwrap(),
        plugin_type: "elasticsearch".to_owned(),
        plugin_id: "es".to_owned(),
        reason: reason.into(),
        fields: fields.as_object().unwrap().clone(),
        metadata: Map::new(),
    }
}

fn write(folder: &Path, entries: &[Entry]) {
    let queue = Queue::new(folder.to_owned(), UNLIMITED);
    for entry in entries {
        assert_eq!(queue.keep(entry).unwrap(), Kept::Stored);
    }
    queue.close().unwrap();
}

fn read_all(folder: &Path) -> Vec<Entry> {
    let letters = read(folder).unwrap();
    letters.map(|letter| letter.unwrap().entry).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".lock")
        .collect();
    names.sort();
    names
}

// A segment put together by hand, from the layout that is documented.

fn crc(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

fn record(kind: u8, total: i32, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend((data.len() as i32).to_be_bytes());
    bytes.extend(total.to_be_bytes());
    bytes.extend(crc(data).to_be_bytes());
    bytes.extend(data);
    bytes
}

fn parts(parts: &[&[u8]]) -> Vec<u8> {
    let with_length = |part: &&[u8]| [&(part.len() as u32).to_be_bytes(), *part].concat();
    parts.iter().flat_map(with_length).collect()
}

/// An event as Jackson writes it: lists and maps without a length, numbers in full width.
fn event() -> Vec<u8> {
    let mut bytes = Vec::new();
    let class = |name: &str, bytes: &mut Vec<u8>| {
        bytes.push(0x9f);
        text(name, bytes);
    };
    fn text(text: &str, bytes: &mut Vec<u8>) {
        match text.len() {
            short @ 0..24 => bytes.push(0x60 + short as u8),
            long => bytes.extend([0x78, long as u8]),
        }
        bytes.extend(text.as_bytes());
    }
    class("java.util.HashMap", &mut bytes);
    bytes.push(0xbf);
    text("DATA", &mut bytes);
    class("org.logstash.ConvertedMap", &mut bytes);
    bytes.push(0xbf);
    text("@timestamp", &mut bytes);
    class("org.logstash.Timestamp", &mut bytes);
    text("2026-01-02T03:04:05.678Z", &mut bytes);
    bytes.push(0xff);
    text("message", &mut bytes);
    class("org.jruby.RubyString", &mut bytes);
    // in two chunks
    bytes.extend([0x7f, 0x63, b'h', 0xc3, 0xa9, 0x61, b'!', 0xff, 0xff]);
    text("plain", &mut bytes);
    text("text", &mut bytes);
    text("int", &mut bytes);
    bytes.extend([0x1b, 0, 0, 0, 0, 0, 0, 0, 7]);
    text("less", &mut bytes);
    bytes.extend([0x3a, 0, 0, 0, 9]);
    text("float", &mut bytes);
    bytes.push(0xfb);
    bytes.extend(2.25_f64.to_be_bytes());
    text("yes", &mut bytes);
    bytes.push(0xf5);
    text("nil", &mut bytes);
    class("org.jruby.RubyNil", &mut bytes);
    bytes.extend([0xf6, 0xff]);
    text("big", &mut bytes);
    bytes.extend([0xc2, 0x49, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    text("decimal", &mut bytes);
    class("java.math.BigDecimal", &mut bytes);
    bytes.extend([0xc4, 0x82, 0x21, 0xc2, 0x42, 0x04, 0xd2, 0xff]);
    text("list", &mut bytes);
    class("org.logstash.ConvertedList", &mut bytes);
    bytes.push(0x9f);
    class("org.jruby.RubyString", &mut bytes);
    text("a", &mut bytes);
    bytes.push(0xff);
    class("java.util.LinkedHashMap", &mut bytes);
    bytes.extend([0xbf, 0xff, 0xff]);
    bytes.extend([0xff, 0xff]);
    bytes.extend([0xff, 0xff]);
    text("META", &mut bytes);
    class("org.logstash.ConvertedMap", &mut bytes);
    bytes.push(0xbf);
    text("n", &mut bytes);
    bytes.extend([0x1a, 0, 0, 0, 1]);
    bytes.extend([0xff, 0xff]);
    bytes.extend([0xff, 0xff]);
    bytes
}

fn by_hand(reason: &str) -> Vec<u8> {
    parts(&[
        b"2026-01-02T03:04:06.789123Z",
        &event(),
        b"elasticsearch",
        b"out-1",
        reason.as_bytes(),
    ])
}

#[test]
fn a_segment_of_logstash_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut segment = b"1".to_vec();
    segment.extend(record(b'c', -1, &by_hand("first")));
    // the next one begins in this block and ends in the third
    let long = by_hand(&"long ".repeat(14_000));
    let room = 1 + 32768 - segment.len() - 13;
    let (start, rest) = long.split_at(room);
    // Logstash may pad more than it must
    let (middle, end) = rest.split_at(32768 - 13 - 20);
    segment.extend(record(b's', long.len() as i32, start));
    segment.extend(record(b'm', -1, middle));
    segment.extend([0; 20]);
    segment.extend(record(b'e', -1, end));
    // one that leaves less than a header at the end of the block, and one behind the padding
    let left = 1 + 3 * 32768 - segment.len();
    let filler = left - 13 - by_hand("").len() - 5;
    segment.extend(record(b'c', -1, &by_hand(&"x".repeat(filler))));
    segment.extend([0; 5]);
    assert_eq!(segment.len(), 1 + 3 * 32768);
    segment.extend(record(b'c', -1, &by_hand("last")));
    fs::write(folder.path().join("7.log"), &segment).unwrap();

    let found = read_all(folder.path());
    let expected = json!({
        "@timestamp": "2026-01-02T03:04:05.678Z", "message": "hé!", "plain": "text", "int": 7, "less": -10,
        "float": 2.25, "yes": true, "nil": null, "big": 18446744073709551616.0, "decimal": 12.34, "list": ["a", {}],
    });
    let reasons: Vec<&str> = found
        .iter()
        .map(|entry| {
            assert_eq!(Value::Object(entry.fields.clone()), expected);
            assert_eq!(Value::Object(entry.metadata.clone()), json!({"n": 1}));
            assert_eq!(entry.entry_time.to_string(), "2026-01-02T03:04:06.789123Z");
            assert_eq!(
                (entry.plugin_type.as_str(), entry.plugin_id.as_str()),
                ("elasticsearch", "out-1")
            );
            entry.reason.as_str()
        })
        .collect();
    assert_eq!(reasons[0], "first");
    assert_eq!(reasons[1].len(), 70_000);
    assert_eq!((reasons[2].len(), reasons[3]), (filler, "last"));
    assert_eq!(reasons.len(), 4);
}

#[test]
fn what_is_written_is_what_is_documented() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[entry("why", &json!({"a": "b", "n": 5}))]);
    let segment = fs::read(folder.path().join("1.log")).unwrap();
    let mut event = vec![0x82, 0x71];
    event.extend(b"java.util.HashMap");
    event.extend(b"\xa2\x64DATA\x82\x78\x19org.logstash.ConvertedMap");
    event.extend(b"\xa2\x61a\x82\x74org.jruby.RubyString\x61b\x61n\x05");
    event.extend(b"\x64META\x82\x78\x19org.logstash.ConvertedMap\xa0");
    let entry = parts(&[
        b"2023-11-14T22:13:20.123Z",
        &event,
        b"elasticsearch",
        b"es",
        b"why",
    ]);
    assert_eq!(segment, [&b"1"[..], &record(b'c', -1, &entry)].concat());
}

#[test]
fn segments_are_finished_by_size_and_at_the_end_and_read_in_the_order_of_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let entries: Vec<Entry> = (0..12)
        .map(|number| entry("x".repeat(6 << 20), &json!({ "number": number })))
        .collect();
    let queue = Queue::new(folder.path().to_owned(), UNLIMITED);
    for entry in &entries {
        queue.keep(entry).unwrap();
    }
    assert!(names(folder.path()).contains(&"12.log.tmp".to_owned()));
    assert_eq!(read_all(folder.path()), entries);
    queue.close().unwrap();
    let names = names(folder.path());
    assert_eq!(names.len(), 12);
    assert!(names.iter().all(|name| name.ends_with(".log")), "{names:?}");
    assert_eq!(read_all(folder.path()), entries);
}

#[test]
fn reading_goes_on_where_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    assert!(read(&folder.path().join("none")).unwrap().next().is_none());
    let queue = Queue::new(folder.path().to_owned(), UNLIMITED);
    let mut at = Position::default();
    let mut more = |expected: &[&str]| {
        let mut found = Vec::new();
        for letter in read_from(folder.path(), at).unwrap() {
            let letter = letter.unwrap();
            at = letter.next;
            found.push(letter.entry.reason);
        }
        assert_eq!(found, expected);
    };
    let keep = |reason: &str| queue.keep(&entry(reason, &json!({}))).unwrap();
    keep("a");
    keep("b");
    more(&["a", "b"]);
    more(&[]);
    keep("c");
    queue.close().unwrap();
    keep("d");
    more(&["c", "d"]);
}

#[test]
fn a_full_queue_drops_what_is_newer() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::new(folder.path().to_owned(), 1000);
    let long = entry("x".repeat(500), &json!({}));
    assert_eq!(queue.keep(&long).unwrap(), Kept::Stored);
    assert_eq!(queue.keep(&long).unwrap(), Kept::Dropped);
    let status = queue.status();
    assert_eq!((status.dropped, status.max_bytes), (1, 1000));
    assert!(status.last_error.unwrap().contains("it is full"));
    queue.close().unwrap();
    assert_eq!(read_all(folder.path()), std::slice::from_ref(&long));
    // somebody made room
    fs::remove_file(folder.path().join("1.log")).unwrap();
    assert_eq!(queue.keep(&long).unwrap(), Kept::Stored);
}

#[test]
fn a_queue_has_one_writer_who_finishes_what_others_left() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a", "b"].map(|reason| entry(reason, &json!({})));
    write(folder.path(), &[a.clone(), b.clone()]);
    let path = |name: &str| folder.path().join(name);
    let segment = fs::read(path("1.log")).unwrap();
    fs::remove_file(path("1.log")).unwrap();
    // one that was being written, one that was only begun, one that is damaged, and one that is finished already
    fs::write(path("3.log.tmp"), &segment[..segment.len() - 1]).unwrap();
    fs::write(path("4.log.tmp"), b"1").unwrap();
    let mut damaged = segment.clone();
    damaged[20] ^= 1;
    fs::write(path("5.log.tmp"), damaged).unwrap();
    fs::write(path("2.log.tmp"), &segment).unwrap();
    fs::write(path("2.log"), &segment).unwrap();
    let queue = Queue::new(folder.path().to_owned(), UNLIMITED);
    queue.keep(&b).unwrap();
    let other = Queue::new(folder.path().to_owned(), UNLIMITED);
    let refused = other.keep(&a).unwrap_err().to_string();
    assert!(refused.contains("another process"), "{refused}");
    assert_eq!(
        names(folder.path()),
        ["2.log", "3.log", "4.log.tmp", "5.err"]
    );
    assert_eq!(
        read_all(folder.path()),
        [a.clone(), b.clone(), a, b.clone()]
    );
}

/// What is wrong with a segment, and the reasons of the entries that are read all the same.
fn look(segment: &[u8]) -> (Vec<(u64, Damage)>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.log");
    fs::write(&path, segment).unwrap();
    let (mut damages, mut reasons) = (Vec::new(), Vec::new());
    for letter in read(folder.path()).unwrap() {
        match letter {
            Ok(letter) => reasons.push(letter.entry.reason),
            Err(ReadError::Damaged {
                path: named,
                offset,
                damage,
            }) => {
                assert_eq!(named, path);
                damages.push((offset, damage));
            }
            Err(error) => panic!("{error}"),
        }
    }
    (damages, reasons)
}

#[test]
fn damage_is_told_with_its_place_and_what_follows_is_read() {
    assert_eq!(look(b""), (vec![], vec![]));
    assert_eq!(look(b"2").0, [(0, Damage::Version(b'2'))]);
    let good = record(b'c', -1, &by_hand("good"));
    let at = 1 + good.len() as u64;
    let after = |bytes: &[u8]| {
        let mut segment = [b"1", good.as_slice(), bytes].concat();
        segment.resize(1 + 32768, 0);
        segment.extend(&good);
        let (damages, reasons) = look(&segment);
        assert_eq!(reasons, ["good", "good"], "{damages:?}");
        damages
    };
    assert_eq!(after(b"x"), [(at, Damage::RecordType(b'x'))]);
    let mut huge = good.clone();
    huge[1] = 0x70;
    let size = i32::from_be_bytes(huge[1..5].try_into().unwrap());
    assert_eq!(after(&huge), [(at, Damage::RecordSize(size))]);
    let mut flipped = good.clone();
    flipped[40] ^= 4;
    assert_eq!(after(&flipped), [(at, Damage::Checksum)]);
    assert_eq!(
        after(&record(b'e', -1, b"end")),
        [(at, Damage::NoBeginning)]
    );
    assert_eq!(after(&record(b's', 100, b"start")), [(at, Damage::NoEnd)]);
    assert_eq!(
        after(&record(b's', i32::MAX, b"start")),
        [(at, Damage::EntrySize(i32::MAX))]
    );
    assert_eq!(
        after(&record(b's', 2, b"start")),
        [(at, Damage::EntrySize(2))]
    );
    let damages = after(&record(b'c', -1, b"no entry"));
    assert!(matches!(&damages[..], [(found, Damage::Entry(_))] if *found == at));
    // values that are nested without end
    let deep = parts(&[
        b"2026-01-02T03:04:06Z",
        &[0x81; 20_000],
        b"elasticsearch",
        b"",
        b"",
    ]);
    assert!(matches!(
        &after(&record(b'c', -1, &deep))[..],
        [(_, Damage::Entry(_))]
    ));
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |number| number.is_finite().then(|| number.into())),
        ".{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,10}", inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn entries() -> impl Strategy<Value = Entry> {
    let fields = || prop::collection::vec((".{0,12}", values()), 0..8);
    // from nothing to three blocks, and as often about one block
    let size = prop_oneof![0_usize..300, 32_000_usize..33_000, 0_usize..100_000];
    let time = 0_i64..4_000_000_000_000;
    (time, ".{0,20}", ".{0,8}", size, fields(), fields()).prop_map(
        |(time, plugin_type, plugin_id, size, fields, metadata)| Entry {
            entry_time: Timestamp::from_millisecond(time).unwrap(),
            plugin_type,
            plugin_id,
            reason: "é".repeat(size / 2),
            fields: fields.into_iter().collect(),
            metadata: metadata.into_iter().collect(),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_again(entries in prop::collection::vec(entries(), 0..8)) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &entries);
        prop_assert_eq!(read_all(folder.path()), entries);
    }

    #[test]
    fn whatever_is_cut_off_or_changed_the_rest_is_read(
        sizes in prop::collection::vec(0_usize..40_000, 1..6),
        cut in any::<prop::sample::Index>(),
        changed in any::<prop::sample::Index>(),
        by in 1_u8..,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let reasons: Vec<String> = sizes.iter().map(|size| "r".repeat(*size)).collect();
        let entries: Vec<Entry> = reasons.iter().map(|reason| entry(reason.as_str(), &json!({"a": 1}))).collect();
        write(folder.path(), &entries);
        let mut segment = fs::read(folder.path().join("1.log")).unwrap();
        let (damages, found) = look(&segment[..cut.index(segment.len())]);
        prop_assert_eq!(damages, vec![]);
        prop_assert!(reasons.starts_with(&found));
        let place = changed.index(segment.len());
        segment[place] ^= by;
        let (_, found) = look(&segment);
        prop_assert!(found.iter().all(|reason| reasons.contains(reason)));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        event in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        look(&[b"1", bytes.as_slice()].concat());
        look(&[b"1", record(b'c', -1, &bytes).as_slice()].concat());
        let entry = parts(&[b"2026-01-02T03:04:06Z", &event, b"", b"", b""]);
        look(&[b"1", record(b'c', -1, &entry).as_slice()].concat());
    }
}
