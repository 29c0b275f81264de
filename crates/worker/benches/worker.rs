//! What a worker does by itself: the bundled flights, repeated, and lines of an access log, into a sink that counts and
//! acknowledges `_bulk` and does nothing else. Prints rows of a Markdown table; `make bench` runs it.

#![allow(clippy::expect_used, clippy::unwrap_used)]

#[path = "../../wrangling/benches/access/mod.rs"]
mod access;
#[path = "../tests/common/mod.rs"]
mod common;

use std::{
    fs,
    io::{BufWriter, Read, Write},
    path::{Path, PathBuf},
    process::Child,
    thread,
    time::{Duration, Instant},
};

use domain::worker::{ExitKind, RunFolder, WorkOrder};
use flate2::{bufread::GzDecoder, write::GzEncoder};
use serde_json::{Value, json};
use testkit::nullsink::{NullSink, Options};

/// Sizes of the files, unpacked. The worker's memory must not depend on it.
const SMALL: u64 = 100_000_000;
const LARGE: u64 = 1_000_000_000;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../clientapps/flights")
        .join(name)
}

/// The flights' header and the rows of the month.
fn flights() -> (Vec<u8>, Vec<u8>) {
    let packed = fs::read(example("flights-2013-01.csv.gz")).unwrap();
    let mut all = Vec::new();
    GzDecoder::new(&packed[..]).read_to_end(&mut all).unwrap();
    let header = all.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let rows = all.split_off(header);
    (all, rows)
}

/// A staged file.
struct Staged {
    name: &'static str,
    records: u64,
    /// Of the unpacked file.
    bytes: u64,
    folder: tempfile::TempDir,
}

impl Staged {
    /// Access lines, repeated until there are `bytes`.
    fn access(name: &'static str, bytes: u64) -> Self {
        let mut lines = access::access_lines(100_000).join("\n").into_bytes();
        lines.push(b'\n');
        Self::repeat(name, bytes, (Vec::new(), lines))
    }

    /// Repeats what comes after the header until there are `bytes`.
    fn repeat(name: &'static str, bytes: u64, (header, month): (Vec<u8>, Vec<u8>)) -> Self {
        let months = bytes.div_ceil(month.len() as u64);
        let folder = tempfile::tempdir().unwrap();
        let file = BufWriter::new(fs::File::create(folder.path().join(name)).unwrap());
        let packed = name.ends_with(".gz");
        let mut out: Box<dyn Write> = if packed {
            Box::new(GzEncoder::new(file, flate2::Compression::fast()))
        } else {
            Box::new(file)
        };
        out.write_all(&header).unwrap();
        for _ in 0..months {
            out.write_all(&month).unwrap();
        }
        out.flush().unwrap();
        drop(out);
        Self {
            name,
            records: months * month.iter().filter(|&&byte| byte == b'\n').count() as u64,
            bytes: header.len() as u64 + months * month.len() as u64,
            folder,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(self.name)
    }
}

/// Steps of a benchmark as a spec has them.
fn steps(named: Vec<(&'static str, Value)>) -> Value {
    named.into_iter().map(|(_, step)| step).collect()
}

/// The example job.
fn flights_spec() -> Value {
    serde_yaml_ng::from_slice(&fs::read(example("job.yaml")).unwrap()).unwrap()
}

/// The example job with a dictionary besides.
fn translated_spec() -> Value {
    let mut spec = flights_spec();
    spec["wrangling"] = steps(access::flights_steps());
    spec
}

/// A job over access lines.
fn access_spec() -> Value {
    json!({
        "mode": "batch",
        "format": { "type": "lines" },
        "wrangling": steps(access::access_steps()),
        "destination": { "index": "access" },
    })
}

/// A job into a sink.
fn work_order(sink: &NullSink, spec: &Value) -> WorkOrder {
    common::order(format!("http://{}", sink.address), common::parse(spec))
}

/// The most memory that a process has had resident so far, in bytes; none once it has ended.
fn peak_rss(process: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace()
        .nth(1)?
        .parse::<u64>()
        .ok()
        .map(|kib| kib * 1024)
}

/// Has a worker do a file; prints how fast, and with how much memory.
fn measure(what: &str, spec: &Value, staged: &Staged) {
    let sink = NullSink::start("127.0.0.1:0", Options::default()).unwrap();
    let home = tempfile::tempdir().unwrap();
    let folder = RunFolder::new(home.path());
    common::claim(&folder, &work_order(&sink, spec), &[&staged.path()]);
    let began = Instant::now();
    let mut worker = common::worker(&folder, 1).spawn().unwrap();
    let mut peak = 0;
    while worker.try_wait().unwrap().is_none() {
        peak = peak_rss(&worker).unwrap_or(peak);
        thread::sleep(Duration::from_millis(10));
    }
    let took = began.elapsed().as_secs_f64();
    let exit = common::exit(&folder);
    assert_eq!(exit.kind, ExitKind::Drained);
    assert_eq!(exit.ledger.created, staged.records);
    assert_eq!(sink.counts.documents(), staged.records);
    println!(
        "| worker: {what}, {} of {:.1} GB, {:.1} million records: speed | {:.0} records/s ({:.0} MB/s) |",
        staged.name,
        staged.bytes as f64 / 1e9,
        staged.records as f64 / 1e6,
        staged.records as f64 / took,
        staged.bytes as f64 / 1e6 / took
    );
    println!(
        "| the same: peak RSS | {:.0} MiB |",
        peak as f64 / 1_048_576.0
    );
}

/// `cargo bench --bench worker -- access` measures only the rows of a name with `access` in it.
fn main() {
    let only = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let wanted = |name: &str| {
        only.as_ref()
            .is_none_or(|only| name.contains(only.as_str()))
    };
    let plain = flights_spec();
    for (name, bytes) in [
        ("flights.csv", SMALL),
        ("flights.csv", LARGE),
        ("flights.csv.gz", LARGE),
    ] {
        if wanted(name) {
            let staged = Staged::repeat(name, bytes, flights());
            measure("csv, convert, date", &plain, &staged);
        }
    }
    if wanted("translated flights.csv") {
        let staged = Staged::repeat("flights.csv", LARGE, flights());
        measure("csv, convert, date, translate", &translated_spec(), &staged);
    }
    if wanted("access.log") {
        let staged = Staged::access("access.log", LARGE);
        measure("grok COMBINEDAPACHELOG, date", &access_spec(), &staged);
    }
}
