//! Rejects: records that could not be stored, kept with everything needed to mend and replay them.

use serde::{Deserialize, Serialize};

use crate::ids::FileKey;

/// How the raw bytes of a record are written in a reject.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RawEncoding {
    /// As text: the bytes are UTF-8.
    #[default]
    Utf8,
    /// In base64 (RFC 4648, padded): they are not, or some of the record's bytes are no text and stand as they are.
    Base64,
}

/// One rejected record, a line of the run folder's `rejects.ndjson`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Reject {
    /// The file's place in the manifest.
    pub file_index: u32,
    /// The file's name.
    pub file: String,
    /// The file's identity.
    pub file_key: FileKey,
    /// Number of the line that the record begins on, from 1, in the uncompressed file.
    pub line: u64,
    /// Offset of the record's first byte in the uncompressed file.
    pub position: u64,
    /// Which document of the record, from 0.
    pub ordinal: u32,
    /// Stable cause, `snake_case`: `csv_columns`, `json_parse`, `encoding`, `record_too_large`, `schema_mismatch`, `mapping_conflict`, …
    pub code: String,
    /// What refused it: `decode`, the wrangling step by its pointer (`/wrangling/2`), `schema`, or `core_dms`.
    pub step: String,
    /// The field concerned, if one is.
    pub field: Option<String>,
    /// What happened, for people; the core DMS's own error where it refused.
    pub message: String,
    /// The record's text as it was read, at most the first 64 KiB; in UTF-8 whatever the file's encoding is.
    pub raw: String,
    /// How `raw` is written.
    pub raw_encoding: RawEncoding,
    /// The record's length in bytes; more than `raw` holds if that was cut.
    pub raw_bytes: u64,
}

/// Rejects of one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RejectCause {
    /// The cause.
    pub code: String,
    /// What refused them.
    pub step: String,
    /// The field concerned, if one is.
    pub field: Option<String>,
    /// How many.
    pub count: u64,
    /// One of them, as an example.
    pub sample: Reject,
    /// More examples, if more were asked for; of each raw record at most the first 4 KiB are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<Reject>,
}
