//! Answers: buckets in their order, numbers as Elasticsearch writes them.

use super::{
    Aggregation, Interval, Kind, MAX_BUCKETS, Metric, Order, OrderBy,
    collect::{Bucket, Partial, too_many_buckets},
    composite, histogram,
};
use crate::server::{
    error::EsResult,
    mapping::{self, DateFormat, Field, Mapping, ip_text},
    search::column::Key,
};
use serde_json::{Map, Value, json};
use std::{cmp::Ordering, collections::HashMap};

type Buckets = HashMap<Vec<Key>, Bucket>;

/// The object under `aggregations`.
///
/// # Errors
/// 400 for too many buckets.
pub fn render_all(
    aggregations: &[(String, Aggregation)],
    partials: Vec<Option<Partial>>,
    mappings: &[&Mapping],
) -> EsResult<Map<String, Value>> {
    let mut out = Map::new();
    for ((name, aggregation), partial) in aggregations.iter().zip(partials) {
        let partial = partial.unwrap_or_else(|| Partial::empty(aggregation));
        out.insert(name.clone(), render(aggregation, partial, mappings)?);
    }
    Ok(out)
}

fn render(aggregation: &Aggregation, partial: Partial, mappings: &[&Mapping]) -> EsResult<Value> {
    let find = |name: &str| {
        mappings
            .iter()
            .find_map(|mapping| mapping.find(name))
            .map(|f| &**f)
    };
    match (&aggregation.kind, partial) {
        (
            Kind::Terms {
                field,
                size,
                order,
                min_doc_count,
            },
            Partial::Buckets(buckets),
        ) => terms(
            aggregation,
            find(field),
            *size,
            order,
            *min_doc_count,
            buckets,
            mappings,
        ),
        (
            Kind::DateHistogram {
                field,
                interval,
                min_doc_count,
                order,
                format,
            },
            Partial::Buckets(buckets),
        ) => {
            let own = find(field).and_then(|f| match &f.kind {
                mapping::Kind::Date(format) => Some(format.clone()),
                _ => None,
            });
            let format = format.clone().or(own).unwrap_or_default();
            dates(
                aggregation,
                *interval,
                *min_doc_count,
                order,
                &format,
                buckets,
                mappings,
            )
        }
        (Kind::Composite { sources, size, .. }, Partial::Buckets(buckets)) => {
            let mut sorted: Vec<_> = buckets.into_iter().collect();
            sorted.sort_by(|(a, _), (b, _)| composite::compare(sources, a, b));
            sorted.truncate(*size);
            let mut out = json!({});
            let mut list = Vec::with_capacity(sorted.len());
            for (key, bucket) in sorted {
                let named = sources.iter().zip(&key).map(|(source, key)| {
                    (source.name.clone(), composite_key(find(&source.field), key))
                });
                let named = Value::Object(named.collect());
                out["after_key"] = named.clone();
                let mut rendered = Map::from_iter([("key".to_owned(), named)]);
                finish(aggregation, bucket, &mut rendered, mappings)?;
                list.push(Value::Object(rendered));
            }
            out["buckets"] = Value::Array(list);
            Ok(out)
        }
        (Kind::Metric { field, metric }, partial) => {
            Ok(metric_json(*metric, find(field), &partial))
        }
        (_, _) => Ok(Value::Null),
    }
}

/// Adds count and aggregations of a bucket.
fn finish(
    aggregation: &Aggregation,
    bucket: Bucket,
    out: &mut Map<String, Value>,
    mappings: &[&Mapping],
) -> EsResult<()> {
    out.insert("doc_count".into(), json!(bucket.count));
    let below = bucket.below.into_iter().map(Some).collect();
    out.extend(render_all(&aggregation.below, below, mappings)?);
    Ok(())
}

fn terms(
    aggregation: &Aggregation,
    field: Option<&Field>,
    size: usize,
    order: &[Order],
    min_doc_count: u64,
    buckets: Buckets,
    mappings: &[&Mapping],
) -> EsResult<Value> {
    let mut sorted: Vec<_> = buckets
        .into_iter()
        .filter(|(_, bucket)| bucket.count >= min_doc_count)
        .collect();
    sorted.sort_by(|a, b| by(aggregation, order, a, b));
    let others: u64 = sorted
        .iter()
        .skip(size)
        .map(|(_, bucket)| bucket.count)
        .sum();
    sorted.truncate(size);
    if sorted.len() > MAX_BUCKETS {
        return Err(too_many_buckets());
    }
    let mut list = Vec::with_capacity(sorted.len());
    for (key, bucket) in sorted {
        let mut out = Map::new();
        let (value, text) = key_json(field, &key[0]);
        out.insert("key".into(), value);
        if let Some(text) = text {
            out.insert("key_as_string".into(), json!(text));
        }
        finish(aggregation, bucket, &mut out, mappings)?;
        list.push(Value::Object(out));
    }
    Ok(json!({ "doc_count_error_upper_bound": 0, "sum_other_doc_count": others, "buckets": list }))
}

fn dates(
    aggregation: &Aggregation,
    interval: Interval,
    min_doc_count: u64,
    order: &[Order],
    format: &DateFormat,
    mut buckets: Buckets,
    mappings: &[&Mapping],
) -> EsResult<Value> {
    let starts = buckets.keys().filter_map(|key| match key[..] {
        [Key::I64(start)] => Some(start),
        _ => None,
    });
    let range = starts.fold(None, |range: Option<(i64, i64)>, start| {
        Some(range.map_or((start, start), |(low, high)| {
            (low.min(start), high.max(start))
        }))
    });
    if let (Some((low, high)), 0) = (range, min_doc_count) {
        let mut start = low;
        while let Some(next) = histogram::next_ms(start, interval).filter(|next| *next <= high) {
            start = next;
            let empty = || Bucket {
                count: 0,
                below: aggregation
                    .below
                    .iter()
                    .map(|(_, below)| Partial::empty(below))
                    .collect(),
            };
            buckets.entry(vec![Key::I64(start)]).or_insert_with(empty);
            if buckets.len() > MAX_BUCKETS {
                return Err(too_many_buckets());
            }
        }
    }
    let mut sorted: Vec<_> = buckets
        .into_iter()
        .filter(|(_, bucket)| bucket.count >= min_doc_count)
        .collect();
    sorted.sort_by(|a, b| by(aggregation, order, a, b));
    let mut list = Vec::with_capacity(sorted.len());
    for (key, bucket) in sorted {
        let [Key::I64(start)] = key[..] else { continue };
        let mut out = Map::new();
        out.insert("key_as_string".into(), json!(format.print(start)));
        out.insert("key".into(), json!(start));
        finish(aggregation, bucket, &mut out, mappings)?;
        list.push(Value::Object(out));
    }
    Ok(json!({ "buckets": list }))
}

fn by(
    aggregation: &Aggregation,
    orders: &[Order],
    a: &(Vec<Key>, Bucket),
    b: &(Vec<Key>, Bucket),
) -> Ordering {
    for order in orders {
        let found = match &order.by {
            OrderBy::Count => a.1.count.cmp(&b.1.count),
            OrderBy::Key => a.0.cmp(&b.0),
            OrderBy::Below(name, part) => {
                let number = |bucket: &Bucket| {
                    let position = aggregation
                        .below
                        .iter()
                        .position(|(below, _)| below == name)?;
                    let Kind::Metric { metric, .. } = aggregation.below[position].1.kind else {
                        return None;
                    };
                    metric_number(metric, part.as_deref(), &bucket.below[position])
                };
                // Buckets without a number come last, whichever the direction.
                match (number(&a.1), number(&b.1)) {
                    (Some(a), Some(b)) => a.total_cmp(&b),
                    (None, None) => Ordering::Equal,
                    (None, Some(_)) => return Ordering::Greater,
                    (Some(_), None) => return Ordering::Less,
                }
            }
        };
        let found = if order.descending {
            found.reverse()
        } else {
            found
        };
        if found != Ordering::Equal {
            return found;
        }
    }
    Ordering::Equal
}

/// A part of a composite key: booleans are written as such.
fn composite_key(field: Option<&Field>, key: &Key) -> Value {
    match (key, field.map(|f| &f.kind)) {
        (Key::I64(value), Some(mapping::Kind::Boolean)) => json!(*value == 1),
        _ => key_json(field, key).0,
    }
}

/// A bucket's key, and its text where a number stands for something else.
fn key_json(field: Option<&Field>, key: &Key) -> (Value, Option<String>) {
    match (key, field.map(|f| &f.kind)) {
        (Key::Null, _) => (Value::Null, None),
        (Key::Str(text), Some(mapping::Kind::Ip)) => (json!(ip_text(text)), None),
        (Key::Str(text), _) => (json!(text), None),
        (Key::I64(value), Some(mapping::Kind::Boolean)) => {
            (json!(value), Some((*value == 1).to_string()))
        }
        (Key::I64(value), Some(mapping::Kind::Date(format))) => {
            (json!(value), Some(format.print(*value)))
        }
        (Key::I64(value), _) => (json!(value), None),
        (Key::F64(_), _) => (json!(key.number()), None),
    }
}

fn metric_number(metric: Metric, part: Option<&str>, partial: &Partial) -> Option<f64> {
    match partial {
        Partial::Distinct(values) => Some(values.len() as f64),
        Partial::Numbers {
            count,
            sum,
            min,
            max,
        } => {
            let some = |value: f64| (*count > 0).then_some(value);
            match (metric, part) {
                (Metric::Min, _) | (Metric::Stats, Some("min")) => some(*min),
                (Metric::Max, _) | (Metric::Stats, Some("max")) => some(*max),
                (Metric::Avg, _) | (Metric::Stats, Some("avg")) => some(sum / *count as f64),
                (Metric::ValueCount, _) | (Metric::Stats, Some("count")) => Some(*count as f64),
                _ => Some(*sum),
            }
        }
        Partial::Buckets(_) => None,
    }
}

fn metric_json(metric: Metric, field: Option<&Field>, partial: &Partial) -> Value {
    let number = |part: Option<&str>| metric_number(metric, part, partial);
    let text = |value: f64| match field.map(|f| &f.kind) {
        Some(mapping::Kind::Date(format)) => Some(json!(format.print(value as i64))),
        Some(mapping::Kind::Boolean) => Some(json!(value != 0.0)),
        _ => None,
    };
    if let Metric::ValueCount | Metric::Cardinality = metric {
        return json!({ "value": number(None).map(|n| n as u64) });
    }
    let mut out = Map::new();
    if metric != Metric::Stats {
        let value = number(None);
        out.insert("value".into(), json!(value));
        if let Some(text) = value.and_then(text) {
            out.insert("value_as_string".into(), json!(text));
        }
        return Value::Object(out);
    }
    out.insert(
        "count".into(),
        json!(number(Some("count")).map(|n| n as u64)),
    );
    for part in ["min", "max", "avg", "sum"] {
        out.insert(part.into(), json!(number(Some(part))));
    }
    if number(Some("count")) != Some(0.0) {
        for part in ["min", "max", "avg", "sum"] {
            if let Some(text) = number(Some(part)).and_then(text) {
                out.insert(format!("{part}_as_string"), json!(text));
            }
        }
    }
    Value::Object(out)
}
