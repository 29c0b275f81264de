//! Input files that know what is to become of each of their records, independently of the code under test.

use std::{collections::BTreeMap, io::Write as _};

use domain::ids::JobRef;
use domain::ledger::Ledger;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

/// What is to become of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It becomes a document.
    Stored,
    /// The pipeline drops it.
    Filtered,
    /// It is rejected with this code.
    Rejected(&'static str),
}

/// A record of an input file.
#[derive(Debug, Clone)]
pub struct Record {
    /// Offset of its first byte.
    pub position: u64,
    /// The line it begins on, from 1.
    pub line: u64,
    /// Its bytes, without the line end.
    pub raw: Vec<u8>,
    /// What is to become of it.
    pub fate: Fate,
}

/// How a file lies in the staging directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    /// A whole gzip member with everything, and the beginning of another one.
    TruncatedGzip,
}

/// An input file.
#[derive(Debug, Clone)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its records.
    pub records: Vec<Record>,
    bytes: Vec<u8>,
    lines: u64,
    packing: Packing,
}

impl Input {
    /// An empty file; packed if its name ends with `.gz`.
    pub fn new(name: &str) -> Self {
        let packing = if name.ends_with(".gz") {
            Packing::Gzip
        } else {
            Packing::Plain
        };
        Self {
            name: name.into(),
            records: Vec::new(),
            bytes: Vec::new(),
            lines: 0,
            packing,
        }
    }

    /// The same, ending in the middle of its compressed bytes, behind all the records.
    pub fn truncated(mut self) -> Self {
        self.packing = Packing::TruncatedGzip;
        self
    }

    /// Appends bytes that are no record: a header, blank lines.
    pub fn without_record(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self.lines += bytes.iter().filter(|&&b| b == b'\n').count() as u64;
        self
    }

    /// Appends a record and its line end.
    pub fn record(&mut self, raw: impl AsRef<[u8]>, fate: Fate) -> &mut Self {
        self.unterminated(raw, fate).without_record(b"\n")
    }

    /// Appends a record without a line end.
    pub fn unterminated(&mut self, raw: impl AsRef<[u8]>, fate: Fate) -> &mut Self {
        let raw = raw.as_ref().to_vec();
        let (position, line) = (self.bytes.len() as u64, self.lines + 1);
        self.without_record(&raw);
        self.records.push(Record {
            position,
            line,
            raw,
            fate,
        });
        self
    }

    /// Its bytes as they are staged.
    pub fn staged(&self) -> Vec<u8> {
        let pack = |bytes: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        };
        match self.packing {
            Packing::Plain => self.bytes.clone(),
            Packing::Gzip => pack(&self.bytes),
            Packing::TruncatedGzip => {
                let mut bytes = pack(&self.bytes);
                // as much as a member's header
                bytes.extend_from_slice(&pack(b"lost")[..10]);
                bytes
            }
        }
    }

    /// Whether it can be read to its end.
    pub fn is_whole(&self) -> bool {
        self.packing != Packing::TruncatedGzip
    }

    /// The ledger of a first run over it.
    pub fn ledger(&self) -> Ledger {
        let count = |wanted: fn(&Fate) -> bool| {
            self.records.iter().filter(|r| wanted(&r.fate)).count() as u64
        };
        Ledger {
            read: self.records.len() as u64,
            filtered: count(|fate| *fate == Fate::Filtered),
            rejected: count(|fate| matches!(fate, Fate::Rejected(_))),
            created: count(|fate| *fate == Fate::Stored),
            ..Ledger::default()
        }
    }

    /// Its key in a job (rule 3): 96 bits of SHA-256 over client, job and the SHA-256 of what is staged.
    pub fn key(&self, job: &JobRef) -> String {
        let content = hex(&Sha256::digest(self.staged()));
        let identity = format!("{}\0{}\0{content}\0\0", job.client, job.job);
        hex(&Sha256::digest(identity))[..24].to_owned()
    }

    /// Its documents in a job: their ids and records.
    pub fn documents(&self, job: &JobRef) -> BTreeMap<String, &Record> {
        let key = self.key(job);
        let stored = self
            .records
            .iter()
            .filter(|record| record.fate == Fate::Stored);
        stored
            .map(|record| (format!("{key}-{}", record.position), record))
            .collect()
    }
}

/// SHA-256 as the upload's checksum header has it.
pub fn checksum(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
