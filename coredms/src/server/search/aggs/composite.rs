//! `composite`: buckets of value combinations, in order, a page at a time.

use super::{
    Aggregation, Kind, Source,
    collect::{Bucket, Group, Partial, bucket},
    histogram,
};
use crate::server::{
    error::EsResult,
    mapping::{self, Mapping, ip_key},
    search::column::{Key, Values},
};
use std::{cmp::Ordering, collections::HashMap};
use tantivy::{DocId, SegmentReader};

/// Collects a segment: only keys after `after`, and of these the first page.
pub fn collect(
    aggregation: &Aggregation,
    segment: &SegmentReader,
    mapping: &Mapping,
    docs: &[DocId],
) -> EsResult<Partial> {
    let Kind::Composite { sources, after, .. } = &aggregation.kind else {
        return Ok(Partial::empty(aggregation));
    };
    let columns = sources
        .iter()
        .map(|source| Values::open(segment, mapping.find(&source.field).map(|f| &**f)))
        .collect::<EsResult<Vec<_>>>()?;
    let keep = !aggregation.below.is_empty();
    let mut groups: HashMap<Vec<Option<u64>>, Group> = HashMap::new();
    let mut combinations: Vec<Vec<Option<u64>>> = Vec::new();
    for doc in docs {
        combinations.clear();
        combinations.push(Vec::with_capacity(sources.len()));
        for (source, values) in sources.iter().zip(&columns) {
            let mut own: Vec<Option<u64>> = values
                .of(*doc)
                .map(|raw| {
                    Some(
                        source
                            .interval
                            .map_or(raw, |interval| histogram::start(raw, interval)),
                    )
                })
                .collect();
            if own.is_empty() && source.missing_bucket {
                own.push(None);
            }
            combinations = combinations
                .iter()
                .flat_map(|before| {
                    own.iter()
                        .map(move |value| before.iter().copied().chain([*value]).collect())
                })
                .collect();
        }
        for combination in combinations.drain(..) {
            groups.entry(combination).or_default().add(*doc, keep);
        }
    }
    let after = after.as_ref().map(|after| normal(after, sources, mapping));
    let mut buckets = HashMap::new();
    let names = names(&groups, &columns)?;
    for (raw, group) in groups {
        let key: Vec<Key> = raw
            .iter()
            .enumerate()
            .map(|(n, value)| value.map_or(Key::Null, |value| names[n][&value].clone()))
            .collect();
        if after
            .as_ref()
            .is_some_and(|after| compare(sources, &key, after) != Ordering::Greater)
        {
            continue;
        }
        buckets.insert(key, group);
    }
    first(&mut buckets, aggregation);
    let buckets = buckets
        .into_iter()
        .map(|(key, group)| Ok((key, bucket(aggregation, segment, mapping, group)?)))
        .collect::<EsResult<_>>()?;
    Ok(Partial::Buckets(buckets))
}

/// What the raw values of each source stand for.
fn names(
    groups: &HashMap<Vec<Option<u64>>, Group>,
    columns: &[Values],
) -> EsResult<Vec<HashMap<u64, Key>>> {
    columns
        .iter()
        .enumerate()
        .map(|(n, values)| {
            let mut raws: Vec<u64> = groups
                .keys()
                .filter_map(|combination| combination[n])
                .collect();
            raws.sort_unstable();
            raws.dedup();
            let keys = values.decode(&raws)?;
            Ok(raws.into_iter().zip(keys).collect())
        })
        .collect()
}

/// `after` in the types of its fields.
fn normal(after: &[Key], sources: &[Source], mapping: &Mapping) -> Vec<Key> {
    after
        .iter()
        .zip(sources)
        .map(
            |(key, source)| match (key, mapping.find(&source.field).map(|f| &f.kind)) {
                (Key::I64(number), Some(mapping::Kind::Float | mapping::Kind::Double)) => {
                    Key::f64(*number as f64)
                }
                (Key::Str(text), Some(mapping::Kind::Ip)) => {
                    Key::Str(ip_key(text).unwrap_or_else(|| text.clone()))
                }
                (Key::Str(text), Some(mapping::Kind::Date(format))) => {
                    format.parse(text).map_or(Key::Null, Key::I64)
                }
                (key, _) => key.clone(),
            },
        )
        .collect()
}

/// The order of composite buckets.
pub fn compare(sources: &[Source], a: &[Key], b: &[Key]) -> Ordering {
    sources
        .iter()
        .zip(a.iter().zip(b))
        .map(|(source, (a, b))| {
            if source.descending {
                b.cmp(a)
            } else {
                a.cmp(b)
            }
        })
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Leaves the first page of merged buckets.
pub fn cut(buckets: &mut HashMap<Vec<Key>, Bucket>, aggregation: &Aggregation) {
    first(buckets, aggregation);
}

fn first<T>(buckets: &mut HashMap<Vec<Key>, T>, aggregation: &Aggregation) {
    let Kind::Composite { sources, size, .. } = &aggregation.kind else {
        return;
    };
    if buckets.len() <= *size {
        return;
    }
    let mut keys: Vec<Vec<Key>> = buckets.keys().cloned().collect();
    keys.sort_unstable_by(|a, b| compare(sources, a, b));
    for key in &keys[*size..] {
        buckets.remove(key);
    }
}
