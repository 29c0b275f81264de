//! Frames: how records come to Filebeat, whatever format their file has.
//!
//! A line reader cuts a file into other records than a decoder does: quoted newlines, other encodings, packed files, a last
//! line without its end. So the native decoder cuts them, once for both engines (rule 1), and each record becomes a line: the
//! file's key, the record's position, and the fields that it was decoded to, as JSON without a line feed.
//!
//! ```text
//! 0123456789abcdef01234567 96 {"carrier":"UA","dep_delay":"2","@timestamp":"2013-01-31T08:00:00.000Z"}
//! ```

use domain::spec::JobSpec;
use wrangling::ast::{Program, Statement};
use wrangling::{
    Columns, Compiled, Document, Environment, Output, Record, Reject, Scratch, Violation,
};

/// Makes frames of a job's records.
#[derive(Debug)]
pub struct Framer {
    decoder: Compiled,
    scratch: Scratch,
}

/// Why a record is no frame: the decoder refuses it, on both engines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// As [`wrangling::Reject::code`].
    pub code: &'static str,
    /// What is wrong, for people.
    pub message: String,
}

impl Framer {
    /// A framer for a job's files.
    ///
    /// # Errors
    /// Those of the spec, see [`JobSpec::program`].
    pub fn new(spec: &JobSpec, environment: &Environment) -> Result<Self, Vec<Violation>> {
        let decode = |statement: &Statement| matches!(statement, Statement::Decode(_));
        let body = spec.program()?.body.into_iter().filter(decode).collect();
        let decoder = Compiled::compile(&Program { body }, environment)?;
        let scratch = decoder.scratch();
        Ok(Self { decoder, scratch })
    }

    /// Binds a file's columns, see [`Compiled::bind_columns`].
    ///
    /// # Errors
    /// Names that cannot be fields.
    pub fn bind_columns(&self, names: &[String]) -> Result<Columns, Vec<Violation>> {
        self.decoder.bind_columns(names)
    }

    /// Appends a record's frame, with its line feed.
    ///
    /// # Errors
    /// If the decoder refuses the record.
    pub fn frame(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
        let mut framing = Framing {
            record,
            out,
            refused: None,
        };
        self.decoder.run(record, &mut self.scratch, &mut framing);
        framing.refused.map_or(Ok(()), Err)
    }
}

struct Framing<'f> {
    record: &'f Record<'f>,
    out: &'f mut Vec<u8>,
    refused: Option<Refused>,
}

impl Output for Framing<'_> {
    fn document(&mut self, document: &Document<'_>) {
        let head = format!("{} {} ", self.record.file_key, self.record.position);
        self.out.extend_from_slice(head.as_bytes());
        document.encode(self.out);
        self.out.push(b'\n');
    }

    fn reject(&mut self, reject: &Reject<'_>) {
        self.refused = Some(Refused {
            code: reject.code,
            message: reject.message.to_owned(),
        });
    }
}
