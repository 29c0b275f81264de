use std::io::Write;

use domain::preview::Counts;
use domain::units::{Bytes, Span};
use domain::worker::DmsEndpoint;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::*;

fn order(spec: Value) -> WorkOrder {
    WorkOrder {
        client: "acme".parse().unwrap(),
        job: "rows".parse().unwrap(),
        run: "00000000000000000000000000".parse().unwrap(),
        revision: 1,
        spec_digest: String::new(),
        spec: domain::spec::parse(&spec).unwrap(),
        clock_ms: 0,
        dms: DmsEndpoint {
            url: String::new(),
            api_key_file: None,
            username: None,
            password_file: None,
            ca_file: None,
        },
        memory: Bytes::mib(64),
        cpu_millis: 1000,
        orphan_after: Span::secs(1),
        hold: false,
        provisions: Default::default(),
        containers: Default::default(),
    }
}

fn spec() -> Value {
    json!({
        "mode": "batch",
        "format": { "type": "csv" },
        "wrangling": [{ "if": "[kind] == 'no'", "then": [{ "drop": {} }] }],
        "schema": { "fields": { "n": { "type": "integer" } } },
        "destination": { "index": "rows" },
    })
}

fn sampled(spec: Value, contents: &[&[u8]], records: usize, cut: bool) -> Vec<SampledFile> {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::new(dir.path());
    std::fs::create_dir(folder.claimed()).unwrap();
    for (number, content) in contents.iter().enumerate() {
        std::fs::write(sample_path(&folder, number), content).unwrap();
    }
    let names: Vec<_> = (0..contents.len()).map(|n| format!("{n}.csv")).collect();
    lay_out(&folder, &order(spec), &names, Take { records, cut }).unwrap();
    preview(&folder).unwrap()
}

#[test]
fn every_record_is_told_with_what_became_of_it() {
    let text = b"kind,n\nyes,1\nno,2\n\nyes,many\nyes\n";
    let [file] = &sampled(spec(), &[text], 10, false)[..] else {
        panic!("one file")
    };
    assert!(file.ended && file.failure.is_none());
    let told: Vec<_> = file
        .records
        .iter()
        .map(|record| {
            let reject = record.rejects.first().map(|reject| reject.code.as_str());
            (
                record.position,
                record.line,
                record.raw.as_str(),
                record.documents.len(),
                reject,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (7, 2, "yes,1", 1, None),
            (13, 3, "no,2", 0, None),
            (19, 5, "yes,many", 0, Some("schema_mismatch")),
            (28, 6, "yes", 0, Some("csv_columns")),
        ]
    );
    let document = &file.records[0].documents[0];
    assert_eq!(document.index, "acme.rows");
    assert!(document.id.ends_with("-7"), "{}", document.id);
    assert_eq!(document.document["n"], 1);
    let counts = Counts::of(&file.records);
    assert_eq!(
        (counts.documents, counts.rejected, counts.filtered),
        (1, 2, 1)
    );
}

#[test]
fn no_more_than_is_wanted_is_looked_at() {
    let mut text = b"kind,n\n".to_vec();
    (0..100_000).for_each(|n| writeln!(text, "yes,{n}").unwrap());
    let [file] = &sampled(spec(), &[&text], 3, false)[..] else {
        panic!("one file")
    };
    assert_eq!((file.records.len(), file.ended), (3, false));
    let all = sampled(spec(), &[b"kind,n\nyes,1\n", b"kind,n\nyes,2\n"], 10, false);
    let each: Vec<_> = all.iter().map(|file| file.records.len()).collect();
    assert_eq!(each, [1, 1]);
}

#[test]
fn what_a_sample_cuts_off_is_no_record() {
    let [file] = &sampled(spec(), &[b"kind,n\nyes,1\nyes,2"], 10, true)[..] else {
        panic!("one file")
    };
    assert_eq!((file.records.len(), file.ended), (1, false));
    let mut packed = GzEncoder::new(Vec::new(), Level::fast());
    (0..5000).for_each(|n| writeln!(packed, "yes,{}", n * 7919).unwrap());
    let packed = packed.finish().unwrap();
    let mut spec = spec();
    spec["format"] = json!({ "type": "csv", "columns": ["kind", "n"] });
    let half = &packed[..packed.len() / 2];
    let [file] = &sampled(spec.clone(), &[half], 100_000, true)[..] else {
        panic!("one file")
    };
    assert!(file.records.len() > 10 && file.failure.is_none());
    assert!(file.records.iter().all(|record| record.rejects.is_empty()));
    let [file] = &sampled(spec, &[half], 100_000, false)[..] else {
        panic!("one file")
    };
    assert_eq!(file.failure.as_ref().unwrap().code, "gzip_truncated");
}

#[test]
fn a_file_that_cannot_be_read_says_why_and_an_oversized_record_is_told() {
    let mut spec = spec();
    spec["format"] = json!({ "type": "lines", "max_record": "8B" });
    let long = vec![b'x'; 300_000];
    let text = [b"short\n", &long[..], b"\nshort\n"].concat();
    let [file] = &sampled(spec.clone(), &[&text], 10, false)[..] else {
        panic!("one file")
    };
    assert_eq!(file.records.len(), 3);
    assert_eq!(file.records[1].rejects[0].code, "record_too_large");
    assert_eq!(
        (file.records[1].position, file.records[1].raw_bytes),
        (6, 300_000)
    );
    spec["format"] = json!({ "type": "csv", "header": true, "columns": ["a"] });
    let [file] = &sampled(spec, &[b"b\n1\n"], 10, true)[..] else {
        panic!("one file")
    };
    assert_eq!(file.failure.as_ref().unwrap().code, "csv_header");
}
