//! What goes into a compiled program and what comes out of it, record by record.

use bumpalo::Bump;

use crate::exec::Body;
use crate::field::Field;
use crate::field_ref::FieldRef;
use crate::json::write_debug;
use crate::layout::Columns;
use crate::value::Value;

/// One record as the decoder found it. Everything is borrowed from the input buffer.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The record's content.
    pub payload: Payload<'a>,
    /// Offset of the record's first raw byte in the uncompressed file (Kafka: offset; Parquet: row number).
    pub position: u64,
    /// The file's key: 24 lowercase hex characters.
    pub file_key: &'a str,
}

/// A record's content by format.
#[derive(Debug, Clone, Copy)]
pub enum Payload<'a> {
    /// A plain line; becomes the field `message`.
    Line(&'a str),
    /// A JSON object; its members become fields. Anything else is rejected (`json_parse`).
    Json(&'a str),
    /// A CSV row.
    Row {
        /// The file's columns, bound once per file by [`crate::Compiled::bind_columns`].
        columns: &'a Columns,
        /// The values, unquoted and unescaped, in column order. Values beyond the last column are ignored and missing
        /// ones are absent: whether such a row is a record at all is the decoder's policy.
        values: &'a [&'a str],
        /// The row as it stands in the file; read only when the program keeps originals.
        raw: &'a str,
    },
    /// An event that a codec made. No original is kept besides the fields given.
    Event {
        /// Number of the source it is from: decides which [`crate::ast::Source`] statements apply.
        source: u32,
        /// When it was read, in milliseconds since 1970: its timestamp, and its clock.
        at_ms: i64,
        /// Field references and what is set there, in order. An empty reference sets the members
        /// of a JSON object; those that are objects are merged into objects that are there.
        fields: &'a [(String, Field)],
        /// Set where the event has nothing yet; left out where they cannot be set.
        defaults: &'a [(String, Field)],
    },
}

/// Receives what a record became. No call at all means that the pipeline filtered the record out.
pub trait Output {
    /// A document to store.
    fn document(&mut self, document: &Document<'_>);
    /// The record is rejected; nothing of it is stored.
    fn reject(&mut self, reject: &Reject<'_>);
    /// An outlet gets an event; called once for each [`crate::ast::Deliver`] that was carried out.
    fn deliver(&mut self, delivery: &Delivery<'_>) {
        let _unwanted = delivery;
    }
}

/// An event for an outlet.
#[derive(Debug)]
pub struct Delivery<'a> {
    /// The outlet's number.
    pub outlet: u32,
    /// The texts that the outlet asked for, in its order.
    pub texts: &'a [&'a str],
    pub(crate) body: &'a Body<'a>,
    pub(crate) metadata: Value<'a>,
}

impl Delivery<'_> {
    /// Appends the event without `@metadata`, one line of JSON without a line feed.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.body.encode(0, out);
    }

    /// A field as text, as Ruby's `to_s` gives it; `None` if there is none.
    #[must_use]
    pub fn value(&self, field: &FieldRef) -> Option<String> {
        let root = match field.root() {
            "@metadata" => self.metadata,
            name => self.body.members().find(|(known, _)| *known == name)?.1,
        };
        shown(root.at(field.rest()))
    }

    /// The names of all fields but `@metadata`, with their values as [`Self::value`] gives them.
    pub fn values(&self) -> impl Iterator<Item = (&str, Option<String>)> {
        let members = self.body.members();
        members.map(|(name, value)| (name, shown(value)))
    }

    /// Appends the event as Ruby's `awesome_print` shows it, with `@metadata` if it is wanted.
    pub fn debug(&self, with_metadata: bool, out: &mut Vec<u8>) {
        let metadata = Some(("@metadata", self.metadata)).filter(|_| with_metadata);
        let members: Vec<_> = self.body.members().chain(metadata).collect();
        write_debug(Value::Object(&members), 0, out);
    }
}

fn shown(value: Value<'_>) -> Option<String> {
    match value {
        Value::Absent | Value::Null => None,
        value => Some(value.ruby_text(&Bump::new()).to_owned()),
    }
}

/// A document, ready to be encoded.
#[derive(Debug)]
pub struct Document<'a> {
    /// A legal Elasticsearch index name under the client's prefix. Needs no JSON escaping.
    pub index: &'a str,
    /// The document's id, at most 512 bytes. May need JSON escaping when the job has id fields: see [`write_json_str`].
    pub id: &'a str,
    /// 0 for the record's first document, 1 for the second, …
    pub ordinal: u32,
    pub(crate) body: &'a Body<'a>,
}

impl Document<'_> {
    /// Appends the document's source, one line of JSON without a line feed.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.body.encode(self.ordinal, out);
    }
}

pub use crate::json::write_json_str;

/// Why a record was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reject<'a> {
    /// Stable code: `json_parse`, `filter_failure`, `condition_error`, `schema_mismatch`, `required_field`,
    /// `unknown_field`, `reserved_field`, `missing_id_field`, `id_too_long`, `missing_index_field`, `index_name`.
    pub code: &'static str,
    /// The statement that refused it: its JSON pointer (or `line:column`) and name, or the platform statement's name.
    pub step: &'a str,
    /// The field concerned, as a field reference; empty if none.
    pub field: &'a str,
    /// What is wrong, for people.
    pub message: &'a str,
}
