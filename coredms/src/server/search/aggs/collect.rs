//! Collects the documents of one segment, and merges what segments gave.

use super::{Aggregation, Kind, MAX_BUCKETS, Metric, composite, histogram};
use crate::server::{
    error::{EsError, EsResult},
    mapping::{self, Mapping},
    search::column::{Key, Values},
};
use std::collections::{BTreeMap, HashMap, HashSet};
use tantivy::{DocId, SegmentReader};

/// What some documents gave.
#[derive(Debug)]
pub enum Partial {
    /// Buckets by key.
    Buckets(HashMap<Vec<Key>, Bucket>),
    /// Numbers.
    Numbers {
        count: u64,
        sum: f64,
        min: f64,
        max: f64,
    },
    /// Distinct values.
    Distinct(HashSet<Key>),
}

/// One bucket.
#[derive(Debug)]
pub struct Bucket {
    /// Its documents.
    pub count: u64,
    /// Its aggregations, in the order asked.
    pub below: Vec<Partial>,
}

impl Partial {
    /// What no documents give.
    pub fn empty(aggregation: &Aggregation) -> Self {
        match aggregation.kind {
            Kind::Metric {
                metric: Metric::Cardinality,
                ..
            } => Self::Distinct(HashSet::new()),
            Kind::Metric { .. } => Self::Numbers {
                count: 0,
                sum: 0.0,
                min: f64::INFINITY,
                max: f64::NEG_INFINITY,
            },
            _ => Self::Buckets(HashMap::new()),
        }
    }

    /// What the documents of both give.
    pub fn merge(self, other: Self, aggregation: &Aggregation) -> Self {
        match (self, other) {
            (Self::Buckets(mut a), Self::Buckets(b)) => {
                for (key, bucket) in b {
                    let merged = match a.remove(&key) {
                        None => bucket,
                        Some(before) => before.merge(bucket, aggregation),
                    };
                    a.insert(key, merged);
                }
                composite::cut(&mut a, aggregation);
                Self::Buckets(a)
            }
            (
                Self::Numbers {
                    count,
                    sum,
                    min,
                    max,
                },
                Self::Numbers {
                    count: c,
                    sum: s,
                    min: low,
                    max: high,
                },
            ) => Self::Numbers {
                count: count + c,
                sum: sum + s,
                min: min.min(low),
                max: max.max(high),
            },
            (Self::Distinct(mut a), Self::Distinct(b)) => {
                a.extend(b);
                Self::Distinct(a)
            }
            // One aggregation gives one kind.
            (first, _) => first,
        }
    }
}

impl Bucket {
    fn merge(self, other: Self, aggregation: &Aggregation) -> Self {
        let pairs = self
            .below
            .into_iter()
            .zip(other.below)
            .zip(&aggregation.below);
        let below = pairs
            .map(|((a, b), (_, aggregation))| a.merge(b, aggregation))
            .collect();
        Self {
            count: self.count + other.count,
            below,
        }
    }
}

/// Refuses aggregations that the mapping cannot serve, whether or not there are documents.
pub fn check(aggregations: &[(String, Aggregation)], mapping: &Mapping) -> EsResult<()> {
    for (_, aggregation) in aggregations {
        if let Kind::Metric { field, metric } = &aggregation.kind
            && let Some(field) = mapping.find(field)
        {
            let counting = matches!(metric, Metric::ValueCount | Metric::Cardinality);
            if !counting && field.kind.column_group() == Some('k') {
                return Err(EsError::illegal(format!(
                    "Field [{}] of type [{}] is not supported for aggregation [{}]",
                    field.name,
                    field.kind.name(),
                    metric.name()
                ))
                .in_search());
            }
        }
        if let Kind::DateHistogram { field, .. } = &aggregation.kind
            && let Some(field) = mapping.find(field)
            && !matches!(field.kind, mapping::Kind::Date(_) | mapping::Kind::Boolean)
        {
            return Err(EsError::illegal(format!(
                "Field [{}] of type [{}] is not supported for aggregation [date_histogram]",
                field.name,
                field.kind.name()
            ))
            .in_search());
        }
        check(&aggregation.below, mapping)?;
    }
    Ok(())
}

impl Metric {
    fn name(self) -> &'static str {
        match self {
            Metric::Stats => "stats",
            Metric::Min => "min",
            Metric::Max => "max",
            Metric::Avg => "avg",
            Metric::Sum => "sum",
            Metric::ValueCount => "value_count",
            Metric::Cardinality => "cardinality",
        }
    }
}

/// Collects `docs` (ascending) of a segment.
pub fn collect(
    aggregation: &Aggregation,
    segment: &SegmentReader,
    mapping: &Mapping,
    docs: &[DocId],
) -> EsResult<Partial> {
    let field = |name: &str| Values::open(segment, mapping.find(name).map(|f| &**f));
    match &aggregation.kind {
        Kind::Terms { field: name, .. } => {
            let values = field(name)?;
            let groups = group(&values, docs, !aggregation.below.is_empty(), |raw| raw);
            let raws: Vec<u64> = groups.keys().copied().collect();
            let keys = values.decode(&raws)?;
            let mut buckets = HashMap::with_capacity(groups.len());
            for (key, group) in keys.into_iter().zip(groups.into_values()) {
                buckets.insert(vec![key], bucket(aggregation, segment, mapping, group)?);
            }
            Ok(Partial::Buckets(buckets))
        }
        Kind::DateHistogram {
            field: name,
            interval,
            ..
        } => {
            let values = field(name)?;
            let groups = group(&values, docs, !aggregation.below.is_empty(), |raw| {
                histogram::start(raw, *interval)
            });
            if groups.len() > MAX_BUCKETS {
                return Err(too_many_buckets());
            }
            let mut buckets = HashMap::with_capacity(groups.len());
            for (raw, group) in groups {
                let key = values.decode(&[raw])?;
                buckets.insert(key, bucket(aggregation, segment, mapping, group)?);
            }
            Ok(Partial::Buckets(buckets))
        }
        Kind::Composite { .. } => composite::collect(aggregation, segment, mapping, docs),
        Kind::Metric {
            field: name,
            metric: Metric::Cardinality,
        } => {
            let values = field(name)?;
            let groups = group(&values, docs, false, |raw| raw);
            let raws: Vec<u64> = groups.into_keys().collect();
            Ok(Partial::Distinct(
                values.decode(&raws)?.into_iter().collect(),
            ))
        }
        Kind::Metric { field: name, .. } => {
            let values = field(name)?;
            let (mut count, mut sum, mut min, mut max) =
                (0, Kahan::default(), f64::INFINITY, f64::NEG_INFINITY);
            for raw in docs.iter().flat_map(|doc| values.of(*doc)) {
                let number = values.number(raw);
                count += 1;
                sum.add(number);
                min = min.min(number);
                max = max.max(number);
            }
            Ok(Partial::Numbers {
                count,
                sum: sum.sum,
                min,
                max,
            })
        }
    }
}

/// The error of an answer that would have too many buckets.
pub fn too_many_buckets() -> EsError {
    EsError::new(400, "too_many_buckets_exception", format!(
        "Trying to create too many buckets. Must be less than or equal to: [{MAX_BUCKETS}] but this number of buckets was exceeded.")).in_search()
}

pub(super) fn bucket(
    aggregation: &Aggregation,
    segment: &SegmentReader,
    mapping: &Mapping,
    group: Group,
) -> EsResult<Bucket> {
    let below = aggregation
        .below
        .iter()
        .map(|(_, below)| collect(below, segment, mapping, &group.docs));
    Ok(Bucket {
        count: group.count,
        below: below.collect::<EsResult<_>>()?,
    })
}

/// The documents that share a value.
#[derive(Debug, Default, Clone)]
pub(super) struct Group {
    pub count: u64,
    last: Option<DocId>,
    pub docs: Vec<DocId>,
}

impl Group {
    pub(super) fn add(&mut self, doc: DocId, keep: bool) {
        // A document with a value twice counts once.
        if self.last == Some(doc) {
            return;
        }
        self.last = Some(doc);
        self.count += 1;
        if keep {
            self.docs.push(doc);
        }
    }
}

/// Groups documents by value; ascending by value.
fn group(
    values: &Values,
    docs: &[DocId],
    keep: bool,
    key: impl Fn(u64) -> u64,
) -> BTreeMap<u64, Group> {
    // Few ordinals: a table is several times faster than a map.
    const TABLE: u64 = 1 << 16;
    let greatest = values
        .greatest()
        .filter(|greatest| values.is_strings() && *greatest < TABLE);
    if let Some(greatest) = greatest {
        let mut table = vec![Group::default(); greatest as usize + 1];
        for doc in docs {
            for raw in values.of(*doc) {
                table[raw as usize].add(*doc, keep);
            }
        }
        return (0..)
            .zip(table)
            .filter(|(_, group)| group.count > 0)
            .collect();
    }
    let mut groups: HashMap<u64, Group> = HashMap::new();
    for doc in docs {
        for raw in values.of(*doc) {
            groups.entry(key(raw)).or_default().add(*doc, keep);
        }
    }
    groups.into_iter().collect()
}

/// Summation that keeps the rounding error, as Elasticsearch's.
#[derive(Default)]
struct Kahan {
    sum: f64,
    lost: f64,
}

impl Kahan {
    fn add(&mut self, value: f64) {
        let corrected = value - self.lost;
        let next = self.sum + corrected;
        self.lost = (next - self.sum) - corrected;
        self.sum = next;
    }
}
