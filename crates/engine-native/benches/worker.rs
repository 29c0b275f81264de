//! What a worker does by itself: the bundled flights, repeated, into a sink that counts and acknowledges `_bulk` and does
//! nothing else. Prints rows of a Markdown table; `make bench` runs it.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::{
    fs,
    io::{BufWriter, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use domain::{
    file::{Compression, ManifestFile},
    ids::FileKey,
    spec,
    units::{Bytes, Span},
    worker::{DmsEndpoint, ExitKind, RunFolder, WorkOrder, WorkerExit},
};
use flate2::{bufread::GzDecoder, write::GzEncoder};
use sha2::{Digest, Sha256};
use testkit::nullsink::{NullSink, Options};

/// Sizes of the files, unpacked. The worker's memory must not depend on it.
const SMALL: u64 = 100_000_000;
const LARGE: u64 = 1_000_000_000;

/// What the worker may take (a run's default).
const MEMORY: Bytes = Bytes::mib(512);
const CPU_MILLIS: u32 = 2000;

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
    compression: Compression,
    records: u64,
    /// Of the unpacked file.
    bytes: u64,
    folder: tempfile::TempDir,
}

impl Staged {
    /// Repeats the month until there are `bytes`.
    fn repeat(name: &'static str, bytes: u64) -> Self {
        let (header, month) = flights();
        let months = bytes.div_ceil(month.len() as u64);
        let folder = tempfile::tempdir().unwrap();
        let file = BufWriter::new(fs::File::create(folder.path().join("staged")).unwrap());
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
            compression: if packed {
                Compression::Gzip
            } else {
                Compression::None
            },
            records: months * month.iter().filter(|&&byte| byte == b'\n').count() as u64,
            bytes: header.len() as u64 + months * month.len() as u64,
            folder,
        }
    }

    /// Makes a run folder for it, as a claim does.
    fn claim(&self, order: &WorkOrder) -> (tempfile::TempDir, RunFolder) {
        let home = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(home.path());
        let path = self.folder.path().join("staged");
        let sha256 = hash(&path);
        let file = ManifestFile {
            index: 0,
            name: self.name.into(),
            bytes: fs::metadata(&path).unwrap().len(),
            file_key: FileKey::derive(&order.client, &order.job, &sha256, None),
            sha256,
            compression: self.compression,
            claimed_as: "0".into(),
        };
        fs::create_dir(folder.claimed()).unwrap();
        fs::hard_link(&path, folder.claimed().join("0")).unwrap();
        fs::write(folder.token(), "bench").unwrap();
        fs::write(
            folder.manifest(),
            format!("{}\n", serde_json::to_string(&file).unwrap()),
        )
        .unwrap();
        fs::write(folder.order(), serde_json::to_vec(order).unwrap()).unwrap();
        (home, folder)
    }
}

fn hash(path: &Path) -> String {
    let mut file = fs::File::open(path).unwrap();
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).unwrap() {
            0 => return hex::encode(hasher.finalize()),
            n => hasher.update(&buffer[..n]),
        }
    }
}

/// The example job's spec, into a sink.
fn order(sink: &NullSink) -> WorkOrder {
    let spec: serde_json::Value =
        serde_yaml_ng::from_slice(&fs::read(example("job.yaml")).unwrap()).unwrap();
    WorkOrder {
        client: "demo".parse().unwrap(),
        job: "flights".parse().unwrap(),
        run: format!("01{:024}", 1).parse().unwrap(),
        revision: 1,
        spec_digest: "bench".into(),
        spec: spec::parse(&spec).unwrap(),
        clock_ms: 1_700_000_000_000,
        dms: DmsEndpoint {
            url: format!("http://{}", sink.address),
            api_key_file: None,
            username: None,
            password_file: None,
            ca_file: None,
        },
        memory: MEMORY,
        cpu_millis: CPU_MILLIS,
        orphan_after: Span::secs(3600),
        hold: false,
    }
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
fn measure(staged: &Staged) {
    let sink = NullSink::start("127.0.0.1:0", Options::default()).unwrap();
    let (_home, folder) = staged.claim(&order(&sink));
    let began = Instant::now();
    let log = fs::File::create(folder.log()).unwrap();
    let mut worker = Command::new(env!("CARGO_BIN_EXE_ingestworker"))
        .arg("--folder")
        .arg(folder.path())
        .args(["--attempt", "1"])
        .stdin(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut peak = 0;
    while worker.try_wait().unwrap().is_none() {
        peak = peak_rss(&worker).unwrap_or(peak);
        thread::sleep(Duration::from_millis(10));
    }
    let took = began.elapsed().as_secs_f64();
    let exit: WorkerExit = serde_json::from_slice(&fs::read(folder.exit()).unwrap()).unwrap();
    assert_eq!(exit.kind, ExitKind::Drained);
    assert_eq!(exit.ledger.created, staged.records);
    assert_eq!(sink.counts.documents(), staged.records);
    println!(
        "| worker: {} of {:.1} GB, {:.1} million records: speed | {:.0} records/s ({:.0} MB/s) |",
        staged.name,
        staged.bytes as f64 / 1e9,
        staged.records as f64 / 1e6,
        staged.records as f64 / took,
        staged.bytes as f64 / 1e6 / took
    );
    println!("| the same: peak RSS | {:.0} MiB |", peak as f64 / 1_048_576.0);
}

fn main() {
    for (name, bytes) in [
        ("flights.csv", SMALL),
        ("flights.csv", LARGE),
        ("flights.csv.gz", LARGE),
    ] {
        measure(&Staged::repeat(name, bytes));
    }
}
