//! What the decoder rejects.

use super::page::Page;
use crate::decode::{Charset, Flaw};
use crate::rejects::{Cause, Place};

/// The step that the decoder's rejects name.
const DECODE: &str = "decode";

fn trimmed(record: &[u8]) -> &[u8] {
    record
        .strip_suffix(b"\n")
        .map_or(record, |line| line.strip_suffix(b"\r").unwrap_or(line))
}

impl Page<'_> {
    pub(super) fn undecodable(&mut self, at: usize, record: &[u8], charset: Charset) {
        let record = trimmed(record);
        self.record(at, at + record.len());
        let good = match std::str::from_utf8(record) {
            Ok(_) => record,
            Err(e) => record.get(..e.valid_up_to()).unwrap_or_default(),
        };
        let characters = String::from_utf8_lossy(good).chars().count();
        let message = format!(
            "the record is not text in {}: what follows its first {characters} characters is none",
            charset.name()
        );
        self.refuse(Cause {
            code: "encoding",
            step: DECODE,
            field: None,
            message: &message,
        });
    }

    pub(super) fn too_many_lines(&mut self, lines: usize, limit: u32) {
        let message = format!("the record has {lines} lines, at most {limit} are allowed");
        self.refuse(Cause {
            code: "too_many_lines",
            step: DECODE,
            field: None,
            message: &message,
        });
    }

    pub(super) fn wrong_length(&mut self, found: usize, expected: usize) {
        let message = format!("the line has {found} characters, its fields have {expected}");
        self.refuse(Cause {
            code: "fixed_width",
            step: DECODE,
            field: None,
            message: &message,
        });
    }

    pub(super) fn too_long(&mut self, limit: usize) {
        let message = too_long(limit);
        self.refuse(Cause {
            code: "record_too_large",
            step: DECODE,
            field: None,
            message: &message,
        });
    }

    pub(super) fn flawed(&mut self, flaw: Flaw) {
        self.refuse(Cause {
            code: flaw.code(),
            step: DECODE,
            field: None,
            message: flaw.message(),
        });
    }

    pub(super) fn wrong_width(&mut self, found: usize, expected: usize) {
        let message = format!("the record has {found} values, the file has {expected} columns");
        self.refuse(Cause {
            code: "csv_columns",
            step: DECODE,
            field: None,
            message: &message,
        });
    }

    pub(super) fn oversized(&mut self, record: &crate::batch::Oversized) {
        let message = too_long(record.limit);
        let cause = Cause {
            code: "record_too_large",
            step: DECODE,
            field: None,
            message: &message,
        };
        self.refuse_unseen(cause, |file, from| Place {
            file,
            position: from.position,
            line: from.line,
            ordinal: 0,
            raw: &record.head,
            raw_bytes: record.bytes,
        });
    }
}

fn too_long(limit: usize) -> String {
    format!("the record is longer than {limit} bytes")
}
