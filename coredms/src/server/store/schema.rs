//! The search library's fields, the same for every index, and the document handed to it.
//!
//! An index's mapping grows while it is in use, the library's schema cannot. So each mapped field
//! has a number, given once and kept with the mapping, and its values stand under that number in
//! one of four JSON fields, each with the structures that a group of types needs:
//!
//! | field | types | inverted index | column |
//! |---|---|---|---|
//! | `k` | keyword, ip (as 32 hex digits) | whole values | ordinals |
//! | `t` | text | tokens with positions | – |
//! | `n` | numbers, boolean (0, 1), date (ms since 1970) | – | i64 or f64 |
//! | `p` | text, geo_point: that a value is there | – | i64 |
//!
//! Sorting, aggregating and `exists` read columns; `term` on `k` and `match` read the inverted
//! index; everything on numbers is a scan of a bit-packed column, which spares the most expensive
//! part of indexing. Besides there are `_id` (inverted), `_source` (stored), `_seq_no` and
//! `_version` (columns).

use crate::server::mapping::{Mapping, Num, Text, Values};
use bytes::Bytes;
use std::sync::{Arc, LazyLock};
use tantivy::schema::{
    Document, FAST, Field, IndexRecordOption, JsonObjectOptions, STORED, Schema, TextFieldIndexing,
    TextOptions, Value,
    document::{ReferenceValue, ReferenceValueLeaf},
};

/// Handles of the library's fields.
#[derive(Debug)]
pub struct Fields {
    /// The schema they belong to.
    pub schema: Schema,
    /// `_id`.
    pub id: Field,
    source: Field,
    seq: Field,
    version: Field,
    /// Whole strings.
    pub keyword: Field,
    /// Analysed text.
    pub text: Field,
    number: Field,
    present: Field,
}

/// The name under which the analyser is registered.
pub const ANALYZER: &str = "standard";

/// The one schema.
pub static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let mut builder = Schema::builder();
    let whole = TextFieldIndexing::default()
        .set_tokenizer("raw")
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::Basic);
    let analysed = TextFieldIndexing::default()
        .set_tokenizer(ANALYZER)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let id = TextOptions::default()
        .set_indexing_options(whole.clone())
        .set_stored();
    let keyword = JsonObjectOptions::default()
        .set_fast("raw")
        .set_indexing_options(whole);
    let column = JsonObjectOptions::default().set_fast("raw");
    Fields {
        id: builder.add_text_field("_id", id),
        source: builder.add_bytes_field("_source", STORED),
        seq: builder.add_u64_field("_seq_no", FAST),
        version: builder.add_u64_field("_version", FAST),
        keyword: builder.add_json_field("k", keyword),
        text: builder.add_json_field(
            "t",
            JsonObjectOptions::default().set_indexing_options(analysed),
        ),
        number: builder.add_json_field("n", column.clone()),
        present: builder.add_json_field("p", column),
        schema: builder.build(),
    }
});

impl Fields {
    /// The field of numbers.
    pub fn number(&self) -> Field {
        self.number
    }

    /// The field of stored sources.
    pub fn source(&self) -> Field {
        self.source
    }
}

/// A document on its way into the index: values under their field numbers.
#[derive(Debug)]
pub struct IndexedDoc {
    /// Its id.
    pub id: Box<str>,
    /// The JSON as it came.
    pub source: Bytes,
    /// Sequence number.
    pub seq: u64,
    /// Version.
    pub version: u64,
    /// The mapping that gave the numbers.
    pub mapping: Arc<Mapping>,
    /// The values.
    pub values: Values,
}

/// A value as the library reads it.
#[derive(Debug, Clone, Copy)]
pub enum DocValue<'a> {
    Str(&'a str),
    Bytes(&'a [u8]),
    U64(u64),
    Num(Num),
    Group(&'a IndexedDoc, Group),
}

/// One of the four JSON fields.
#[derive(Debug, Clone, Copy)]
pub enum Group {
    Keywords,
    Texts,
    Numbers,
    Present,
}

impl<'a> Value<'a> for DocValue<'a> {
    type ArrayIter = std::iter::Empty<Self>;
    type ObjectIter = Members<'a>;

    fn as_value(&self) -> ReferenceValue<'a, Self> {
        ReferenceValue::Leaf(match *self {
            DocValue::Str(text) => ReferenceValueLeaf::Str(text),
            DocValue::Bytes(bytes) => ReferenceValueLeaf::Bytes(bytes),
            DocValue::U64(number) => ReferenceValueLeaf::U64(number),
            DocValue::Num(Num::I64(number)) => ReferenceValueLeaf::I64(number),
            DocValue::Num(Num::F64(number)) => ReferenceValueLeaf::F64(number),
            DocValue::Group(doc, group) => {
                return ReferenceValue::Object(Members {
                    doc,
                    group,
                    next: 0,
                });
            }
        })
    }
}

/// The members of one JSON field: field number and value, a field's values one after the other.
#[derive(Debug, Clone)]
pub struct Members<'a> {
    doc: &'a IndexedDoc,
    group: Group,
    next: usize,
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, DocValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (doc, n) = (self.doc, self.next);
        self.next += 1;
        let text = |(id, text): &'a (u32, Text)| (*id, DocValue::Str(text.get(&doc.source)));
        let (id, value) = match self.group {
            Group::Keywords => doc.values.keywords.get(n).map(text)?,
            Group::Texts => doc.values.texts.get(n).map(text)?,
            Group::Numbers => doc
                .values
                .numbers
                .get(n)
                .map(|(id, num)| (*id, DocValue::Num(*num)))?,
            Group::Present => doc
                .values
                .present
                .get(n)
                .map(|id| (*id, DocValue::Num(Num::I64(1))))?,
        };
        Some((doc.mapping.field(id).key.as_str(), value))
    }
}

impl Document for IndexedDoc {
    type Value<'a> = DocValue<'a>;
    type FieldsValuesIter<'a> = std::array::IntoIter<(Field, DocValue<'a>), 8>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        let fields = &*FIELDS;
        [
            (fields.id, DocValue::Str(&self.id)),
            (fields.source, DocValue::Bytes(&self.source)),
            (fields.seq, DocValue::U64(self.seq)),
            (fields.version, DocValue::U64(self.version)),
            (fields.keyword, DocValue::Group(self, Group::Keywords)),
            (fields.text, DocValue::Group(self, Group::Texts)),
            (fields.number, DocValue::Group(self, Group::Numbers)),
            (fields.present, DocValue::Group(self, Group::Present)),
        ]
        .into_iter()
    }
}
