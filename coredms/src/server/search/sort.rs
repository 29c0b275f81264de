//! The order of hits: keys that compare as numbers within a segment, values that compare across indices.
//!
//! A key is a u64 that sorts as its value; for descending order its complement. Strings stand for
//! `2 × ordinal + 1`, so that a string of `search_after` that the segment has not fits between two.

use super::column::{Key, Values};
use crate::server::{
    error::{EsError, EsResult},
    mapping::{Field, Kind, Mapping, ip_key, ip_text},
};
use serde_json::{Value, json};
use std::cmp::Ordering;
use tantivy::{DocId, SegmentReader, columnar::MonotonicallyMappableToU64};

/// One criterion.
#[derive(Debug, Clone, PartialEq)]
pub struct Sort {
    /// `_score`, `_doc`, `_seq_no`, or a field.
    pub field: String,
    /// Whether the greatest comes first.
    pub descending: bool,
    /// Where documents without a value come.
    missing: Missing,
    /// The greatest value of several counts, not the least.
    greatest: Option<bool>,
    unmapped: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Missing {
    First,
    Last,
    Value(Value),
}

impl Sort {
    /// The usual order by a field: ascending, by score descending.
    pub fn named(field: &str) -> Self {
        Self {
            field: field.into(),
            descending: field == "_score",
            missing: Missing::Last,
            greatest: None,
            unmapped: false,
        }
    }
}

/// Reads `sort`.
///
/// # Errors
/// 400 for unknown forms.
pub fn parse(value: &Value) -> EsResult<Vec<Sort>> {
    match value {
        Value::Array(list) => list.iter().map(one).collect(),
        other => Ok(vec![one(other)?]),
    }
}

fn one(value: &Value) -> EsResult<Sort> {
    let order = |text: &str| match text.to_ascii_lowercase().as_str() {
        "asc" => Ok(false),
        "desc" => Ok(true),
        other => Err(EsError::illegal(format!("Unknown SortOrder [{other}]"))),
    };
    match value {
        Value::String(field) => Ok(Sort::named(field)),
        Value::Object(object) if object.len() == 1 => {
            let Some((field, options)) = object.iter().next() else {
                return Ok(Sort::named("_score"));
            };
            let mut sort = Sort::named(field);
            match options {
                Value::String(text) => sort.descending = order(text)?,
                Value::Object(options) => {
                    for (option, value) in options {
                        let text = value.as_str().unwrap_or_default();
                        match option.as_str() {
                            "order" => sort.descending = order(text)?,
                            "missing" => {
                                sort.missing = match text {
                                    "_first" => Missing::First,
                                    "_last" => Missing::Last,
                                    _ => Missing::Value(value.clone()),
                                }
                            }
                            "mode" if text == "min" || text == "max" => {
                                sort.greatest = Some(text == "max")
                            }
                            "unmapped_type" => sort.unmapped = true,
                            "numeric_type" | "format" | "nested" | "mode" => {
                                return Err(EsError::unsupported(format!(
                                    "[{option}: {value}] of a sort"
                                )));
                            }
                            other => {
                                return Err(EsError::new(
                                    400,
                                    "x_content_parse_exception",
                                    format!("[field_sort] unknown field [{other}]"),
                                ));
                            }
                        }
                    }
                }
                _ => return Err(EsError::parsing("malformed sort format")),
            }
            Ok(sort)
        }
        _ => Err(EsError::parsing(
            "malformed sort format, either start array, start object, or an actual string",
        )),
    }
}

/// Where a key of one segment comes from.
enum From {
    Score,
    Doc,
    Column {
        values: Box<Values>,
        missing: u64,
        strings: bool,
        float: bool,
        greatest: bool,
    },
}

/// The criteria in one segment.
pub struct Keys {
    from: Vec<(From, bool)>,
    after: Option<Vec<u64>>,
    position: u64,
}

impl Keys {
    /// Opens the columns that the criteria need. `position` is that of the segment among all.
    ///
    /// # Errors
    /// 400 for a field that is not mapped or cannot be sorted by.
    pub fn open(
        sorts: &[Sort],
        after: Option<&[Value]>,
        segment: &SegmentReader,
        mapping: &Mapping,
        position: u64,
    ) -> EsResult<Self> {
        let mut from = Vec::new();
        let mut bounds = Vec::new();
        for (n, sort) in sorts.iter().enumerate() {
            let source = source(sort, segment, mapping)?;
            if let Some(after) = after {
                let bound = bound(&source, sort, &after[n], mapping)?;
                bounds.push(if sort.descending { !bound } else { bound });
            }
            from.push((source, sort.descending));
        }
        Ok(Self {
            from,
            after: after.map(|_| bounds),
            position,
        })
    }

    /// Writes the keys of a document to `out`; false when it does not come after `search_after`.
    pub fn read(&self, doc: DocId, score: f32, out: &mut Vec<u64>) -> bool {
        out.clear();
        for (from, descending) in &self.from {
            let key = match from {
                From::Score => f64::from(score).to_u64(),
                From::Doc => (self.position << 32) | u64::from(doc),
                From::Column {
                    values,
                    missing,
                    strings,
                    greatest,
                    ..
                } => {
                    let all = values.of(doc);
                    match if *greatest { all.max() } else { all.min() } {
                        None => *missing,
                        Some(ordinal) if *strings => 2 * ordinal + 1,
                        Some(value) => value,
                    }
                }
            };
            out.push(if *descending { !key } else { key });
        }
        self.after.as_ref().is_none_or(|after| *out > *after)
    }

    /// The values that keys stand for.
    pub fn decode(&self, keys: &[u64]) -> EsResult<Vec<Key>> {
        self.from
            .iter()
            .zip(keys)
            .map(|((from, descending), key)| {
                let key = if *descending { !key } else { *key };
                match from {
                    From::Score => Ok(Key::F64(key)),
                    From::Doc => Ok(Key::I64(key as i64)),
                    From::Column {
                        missing,
                        strings: true,
                        ..
                    } if key == *missing && key % 2 == 0 => Ok(Key::Null),
                    From::Column {
                        values,
                        strings: true,
                        ..
                    } => Ok(values.decode(&[key / 2])?.remove(0)),
                    From::Column { float: true, .. } => Ok(Key::F64(key)),
                    From::Column { values, .. } => match values.greatest() {
                        Some(_) => Ok(values.decode(&[key])?.remove(0)),
                        None => Ok(Key::I64(i64::from_u64(key))),
                    },
                }
            })
            .collect()
    }
}

fn source(sort: &Sort, segment: &SegmentReader, mapping: &Mapping) -> EsResult<From> {
    let field = match sort.field.as_str() {
        "_score" => return Ok(From::Score),
        "_doc" | "_shard_doc" => return Ok(From::Doc),
        "_seq_no" => {
            let values = Box::new(Values::named(segment, "_seq_no")?);
            return Ok(From::Column { values, missing: 0, strings: false, float: false, greatest: false });
        }
        "_id" => return Err(EsError::illegal("Fielddata access on the _id field is disallowed, you can re-enable it by updating the dynamic cluster setting: indices.id_field_data.enabled").in_search()),
        name => mapping.find(name),
    };
    if field.is_none() && !sort.unmapped {
        return Err(EsError::new(
            400,
            "query_shard_exception",
            format!("No mapping found for [{}] in order to sort on", sort.field),
        )
        .in_search());
    }
    let strings = field.is_some_and(|f| f.kind.column_group() == Some('k'));
    let float = field.is_some_and(|f| matches!(f.kind, Kind::Float | Kind::Double));
    let values = Box::new(Values::open(segment, field.map(|f| &**f))?);
    let high = match sort.missing {
        Missing::First => sort.descending,
        Missing::Last => !sort.descending,
        Missing::Value(_) => true,
    };
    let missing = match (&sort.missing, strings, float) {
        (Missing::Value(value), false, _) => number(value, field.map(|f| &**f), float)?,
        (Missing::Value(_), true, _) => {
            return Err(EsError::unsupported("a string as [missing] of a sort"));
        }
        (_, true, _) => [0, u64::MAX - 1][usize::from(high)],
        (_, false, true) => [f64::NEG_INFINITY, f64::INFINITY][usize::from(high)].to_u64(),
        (_, false, false) => {
            // The bounds of the type that Elasticsearch compares such fields in.
            let narrow = field
                .is_some_and(|f| matches!(f.kind, Kind::Integer { max, .. } if max < i64::MAX));
            let (low, top) = if narrow {
                (i32::MIN.into(), i32::MAX.into())
            } else {
                (i64::MIN, i64::MAX)
            };
            [low, top][usize::from(high)].to_u64()
        }
    };
    Ok(From::Column {
        values,
        missing,
        strings,
        float,
        greatest: sort.greatest.unwrap_or(sort.descending),
    })
}

fn number(value: &Value, field: Option<&Field>, float: bool) -> EsResult<u64> {
    let wrong = || {
        EsError::illegal(format!(
            "Failed to parse search_after or missing value for field [{}]: {value}",
            field.map_or("", |f| &f.name)
        ))
        .in_search()
    };
    if float {
        let parsed = value.as_f64().or_else(|| match value.as_str()? {
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            text => text.parse().ok(),
        });
        return parsed.map(f64::to_u64).ok_or_else(wrong);
    }
    let parsed = match (value, field.map(|f| &f.kind)) {
        (Value::Bool(truth), _) => Some(i64::from(*truth)),
        (Value::String(text), Some(Kind::Date(format))) => format.parse(text),
        (Value::String(text), _) => text.parse().ok(),
        (Value::Number(number), _) => number
            .as_i64()
            .or_else(|| number.as_f64().map(|v| v as i64)),
        _ => None,
    };
    parsed.map(i64::to_u64).ok_or_else(wrong)
}

fn bound(from: &From, sort: &Sort, value: &Value, mapping: &Mapping) -> EsResult<u64> {
    let field = mapping.find(&sort.field).map(|f| &**f);
    match from {
        From::Score => value
            .as_f64()
            .map(f64::to_u64)
            .ok_or_else(|| EsError::illegal("search_after value for [_score] must be a number")),
        From::Doc => value
            .as_u64()
            .ok_or_else(|| EsError::illegal("search_after value for [_doc] must be a number")),
        From::Column {
            missing,
            strings: true,
            values,
            ..
        } => match value {
            Value::Null => Ok(*missing),
            other => {
                let text = other
                    .as_str()
                    .map_or_else(|| other.to_string(), str::to_owned);
                let text = match field.map(|f| &f.kind) {
                    Some(Kind::Ip) => ip_key(&text).ok_or_else(|| {
                        EsError::illegal(format!("'{text}' is not an IP string literal."))
                    })?,
                    _ => text,
                };
                let (ordinal, there) = values.place(&text)?;
                Ok(2 * ordinal + u64::from(there))
            }
        },
        From::Column { float, .. } => number(value, field, *float),
    }
}

/// Compares the values of two hits.
pub fn compare(sorts: &[Sort], a: &[Key], b: &[Key]) -> Ordering {
    for ((sort, a), b) in sorts.iter().zip(a).zip(b) {
        let order = match (a, b) {
            (Key::Null, Key::Null) => Ordering::Equal,
            // Strings without a value: first or last, whichever the direction.
            (Key::Null, _) | (_, Key::Null) => {
                let null_first = sort.missing == Missing::First;
                let order = if (*a == Key::Null) == null_first {
                    Ordering::Less
                } else {
                    Ordering::Greater
                };
                return order;
            }
            (Key::I64(_), Key::F64(_)) | (Key::F64(_), Key::I64(_)) => a
                .number()
                .partial_cmp(&b.number())
                .unwrap_or(Ordering::Equal),
            _ => a.cmp(b),
        };
        let order = if sort.descending {
            order.reverse()
        } else {
            order
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

/// A hit's value as its answer shows it.
pub fn render(sort: &Sort, key: &Key, mapping: &Mapping) -> Value {
    match key {
        Key::Null => Value::Null,
        Key::I64(value) => match mapping.find(&sort.field).map(|f| &f.kind) {
            Some(Kind::Boolean) if *value == 0 || *value == 1 => json!(*value),
            _ => json!(value),
        },
        Key::F64(_) => match key.number() {
            Some(value) if value == f64::INFINITY => json!("Infinity"),
            Some(value) if value == f64::NEG_INFINITY => json!("-Infinity"),
            number => json!(number),
        },
        Key::Str(text) => match mapping.find(&sort.field).map(|f| &f.kind) {
            Some(Kind::Ip) => json!(ip_text(text)),
            _ => json!(text),
        },
    }
}
