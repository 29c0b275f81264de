//! A first job spec for a file, made by looking at its beginning: packing, format, columns with their types. Pure.
//!
//! ```text
//! bytes ─ packing ─▶ text ─▶ shape: ndjson | delimited | lines ─▶ columns: types, dates ─▶ draft: YAML with remarks
//! ```

mod columns;
mod delimited;
mod draft;
mod json_lines;
mod lines;
mod packing;
mod types;

/// As much of a file is looked at, unpacked.
pub const SAMPLE_BYTES: usize = 1 << 20;
/// As many records are looked at.
const SAMPLE_RECORDS: usize = 10_000;

/// A first job spec.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The spec: YAML with remarks, complete.
    pub yaml: String,
    /// What was seen, in words: `csv with a header, delimited by ";"`.
    pub format: String,
    /// How sure that is, in percent of the records that look so.
    pub confidence: u8,
    /// What to look at before it is used.
    pub remarks: Vec<String>,
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// There is nothing.
    #[error("the file is empty")]
    Empty,
    /// It is packed, or written, as something that jobs do not read.
    #[error("this is {0}, which jobs do not read: unpack or convert it first")]
    NotRead(&'static str),
    /// The packing is broken at its very beginning.
    #[error("this begins like a gzip file, but cannot be unpacked: {0}")]
    Broken(String),
    /// Not text in UTF-8.
    #[error(
        "this is not text in UTF-8: byte {0} is wrong; jobs read UTF-8 only, so convert it first"
    )]
    NotText(usize),
}

/// Makes a first spec of a file's first bytes. `name` is the file's; `job` will be the index.
///
/// # Errors
/// For what jobs do not read, and for what is not recognised.
pub fn infer(bytes: &[u8], name: &str, job: &str) -> Result<Draft, Unknown> {
    let (text, packing) = packing::text(bytes)?;
    let source = draft::Source { name, job, packing };
    if let Some(shape) = json_lines::look(&text)? {
        return Ok(draft::json(&source, &shape));
    }
    if let Some(shape) = lines::look(&text) {
        return Ok(draft::log(&source, &shape));
    }
    if let Some(table) = delimited::look(&text) {
        return Ok(draft::table(&source, &table));
    }
    Ok(draft::plain(&source))
}
