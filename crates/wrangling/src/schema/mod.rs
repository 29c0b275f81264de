//! The schema section of a job spec: the types its documents have, and the Elasticsearch mapping that follows.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod mapping;
mod validate;

pub use mapping::mapping;

/// The fields that a job's documents have, and what happens to those that differ.
///
/// A value that spells its type counts as that type and is stored as it: the text `"517"` in an `integer` field is stored as
/// the number 517, a date that one of its formats reads is stored as ISO 8601 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// Fields by name; `[outer][inner]` names a nested one.
    #[serde(default)]
    pub fields: BTreeMap<String, Field>,
    /// What happens to top-level fields that the schema does not name. `@timestamp` and `tags` are always known.
    #[serde(default)]
    pub unknown: Unknown,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// For `date`: the formats a value may have (as in the date filter), tried in order. Default: `ISO8601`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<String>,
    /// Whether a record without it (or with null) is rejected.
    #[serde(default)]
    pub required: bool,
    /// What happens to a value that is not of the type.
    #[serde(default)]
    pub on_mismatch: OnMismatch,
}

impl Field {
    /// An optional field of this type that rejects mismatches.
    #[must_use]
    pub fn new(kind: FieldType) -> Self {
        Self {
            kind,
            formats: Vec::new(),
            required: false,
            on_mismatch: OnMismatch::Reject,
        }
    }
}

/// Elasticsearch field types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// Exact text: strings, numbers, booleans.
    Keyword,
    /// Full text: strings, numbers, booleans.
    Text,
    /// 32-bit integer.
    Integer,
    /// 64-bit integer.
    Long,
    /// 32-bit floating point.
    Float,
    /// 64-bit floating point.
    Double,
    /// `true` or `false`.
    Boolean,
    /// A point in time.
    Date,
    /// IPv4 or IPv6 address.
    Ip,
    /// `{lat, lon}`, `"lat,lon"` or `[lon, lat]`, in degrees.
    GeoPoint,
    /// An object; what is in it is not checked.
    Object,
}

/// What happens to a value that is not of the field's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnMismatch {
    /// The record is rejected (`schema_mismatch`).
    #[default]
    Reject,
    /// The value becomes null.
    Null,
    /// The value stays; the sink may then reject the document.
    Keep,
}

/// What happens to fields that the schema does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// They are stored.
    #[default]
    Keep,
    /// They are left out.
    Drop,
    /// The record is rejected (`unknown_field`).
    Reject,
}
