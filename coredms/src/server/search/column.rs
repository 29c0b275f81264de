//! A field's column in one segment: every type's values as u64 that sort as the values do.

use crate::server::{
    error::{EsError, EsResult},
    mapping::{Field, Kind},
};
use tantivy::{
    DocId, SegmentReader,
    columnar::{Column, ColumnType, MonotonicallyMappableToU64, StrColumn},
};

/// A column, or the absence of one where no document of the segment has the field.
pub struct Values {
    column: Option<Column<u64>>,
    code: Code,
    strings: Option<StrColumn>,
}

#[derive(Clone, Copy)]
enum Code {
    I64,
    U64,
    F64,
    Ordinal,
}

/// A value out of a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// No value.
    Null,
    /// Whole numbers, booleans, dates.
    I64(i64),
    /// Floating point, as the u64 that sorts like it.
    F64(u64),
    /// Keywords; addresses as their keys.
    Str(String),
}

impl Key {
    /// A floating point key.
    pub fn f64(value: f64) -> Self {
        Key::F64(value.to_u64())
    }

    /// The number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Key::I64(value) => Some(*value as f64),
            Key::F64(bits) => Some(f64::from_u64(*bits)),
            Key::Null | Key::Str(_) => None,
        }
    }
}

impl Values {
    /// The column of a field. Fields without columns are refused as Elasticsearch does.
    pub fn open(segment: &SegmentReader, field: Option<&Field>) -> EsResult<Self> {
        let Some(field) = field else {
            return Ok(Self {
                column: None,
                code: Code::I64,
                strings: None,
            });
        };
        match field.kind {
            Kind::Text => return Err(EsError::illegal(format!(
                "Fielddata is disabled on [{0}] in [_all]. Text fields are not optimised for operations that require per-document field data like aggregations and sorting, so these operations are disabled by default. Please use a keyword field instead. Alternatively, set fielddata=true on [{0}] in order to load field data by uninverting the inverted index. Note that this can use significant memory.", field.name)).in_search()),
            Kind::GeoPoint => return Err(EsError::unsupported(format!("sorting and aggregating by [{}] of type [geo_point]", field.name))),
            _ => {}
        }
        Self::named(segment, &field.column())
    }

    /// A column by its name.
    pub fn named(segment: &SegmentReader, name: &str) -> EsResult<Self> {
        let found = segment.fast_fields().u64_lenient_for_type(None, name)?;
        let Some((column, kind)) = found else {
            return Ok(Self {
                column: None,
                code: Code::I64,
                strings: None,
            });
        };
        let (code, strings) = match kind {
            ColumnType::Str => (Code::Ordinal, segment.fast_fields().str(name)?),
            ColumnType::F64 => (Code::F64, None),
            ColumnType::U64 => (Code::U64, None),
            _ => (Code::I64, None),
        };
        Ok(Self {
            column: Some(column),
            code,
            strings,
        })
    }

    /// The values of a document, in no particular order.
    pub fn of(&self, doc: DocId) -> impl Iterator<Item = u64> + '_ {
        self.column
            .iter()
            .flat_map(move |column| column.values_for_doc(doc))
    }

    /// The greatest value, if there is a column.
    pub fn greatest(&self) -> Option<u64> {
        self.column.as_ref().map(Column::max_value)
    }

    /// Whether values are ordinals of strings.
    pub fn is_strings(&self) -> bool {
        matches!(self.code, Code::Ordinal)
    }

    /// A number as this column has it.
    pub fn number(&self, raw: u64) -> f64 {
        match self.code {
            Code::I64 | Code::Ordinal => i64::from_u64(raw) as f64,
            Code::U64 => raw as f64,
            Code::F64 => f64::from_u64(raw),
        }
    }

    /// The values that these raw values stand for; `raw` is sorted.
    pub fn decode(&self, raw: &[u64]) -> EsResult<Vec<Key>> {
        let Some(strings) = &self.strings else {
            return Ok(raw.iter().map(|raw| self.decode_number(*raw)).collect());
        };
        let mut keys = Vec::with_capacity(raw.len());
        let mut buffer = String::new();
        for ordinal in raw {
            buffer.clear();
            strings.ord_to_str(*ordinal, &mut buffer)?;
            keys.push(Key::Str(buffer.clone()));
        }
        Ok(keys)
    }

    fn decode_number(&self, raw: u64) -> Key {
        match self.code {
            Code::F64 => Key::F64(raw),
            Code::U64 => Key::I64(i64::try_from(raw).unwrap_or(i64::MAX)),
            Code::I64 | Code::Ordinal => Key::I64(i64::from_u64(raw)),
        }
    }

    /// Where `text` would stand among this column's ordinals: the ordinal and whether it is there.
    pub fn place(&self, text: &str) -> EsResult<(u64, bool)> {
        let Some(strings) = &self.strings else {
            return Ok((0, false));
        };
        let dictionary = strings.dictionary();
        if let Some(ordinal) = dictionary.term_ord(text.as_bytes())? {
            return Ok((ordinal, true));
        }
        let (lower, _) = dictionary.term_bounds_to_ord(
            std::ops::Bound::Included(text.as_bytes()),
            std::ops::Bound::Unbounded,
        )?;
        Ok(match lower {
            std::ops::Bound::Included(ordinal) | std::ops::Bound::Excluded(ordinal) => {
                (ordinal, false)
            }
            std::ops::Bound::Unbounded => (0, false),
        })
    }
}
