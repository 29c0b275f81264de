//! Reads aggregations, refusing what is not known.

use super::{Aggregation, Interval, Kind, Metric, Order, OrderBy, Source};
use crate::server::{
    error::{EsError, EsResult},
    mapping::DateFormat,
    search::column::Key,
};
use serde_json::{Map, Value};

/// Reads the object under `aggs`.
///
/// # Errors
/// 400 for what Elasticsearch refuses, 501 for what only Elasticsearch can.
pub fn parse(value: &Value) -> EsResult<Vec<(String, Aggregation)>> {
    let Some(object) = value.as_object() else {
        return Err(EsError::parsing("Found a non-object under [aggregations]"));
    };
    object.iter().map(|(name, body)| {
        if name.is_empty() || name.contains(['[', ']', '>']) {
            return Err(EsError::parsing(format!("Invalid aggregation name [{name}]. Aggregation names can contain any character except '[', ']', and '>'")));
        }
        Ok((name.clone(), one(name, body)?))
    }).collect()
}

fn one(name: &str, body: &Value) -> EsResult<Aggregation> {
    let (mut kind, mut below) = (None, Vec::new());
    for (key, value) in body.as_object().into_iter().flatten() {
        match key.as_str() {
            "aggs" | "aggregations" => below = parse(value)?,
            "meta" => return Err(EsError::unsupported("[meta] of an aggregation")),
            other if kind.is_some() => {
                return Err(EsError::parsing(format!(
                    "Found two aggregation type definitions in [{name}]: [{other}]"
                )));
            }
            other => kind = Some(read_kind(other, value)?),
        }
    }
    let Some(kind) = kind else {
        return Err(EsError::parsing(format!(
            "Missing definition for aggregation [{name}]"
        )));
    };
    if let Kind::Metric { .. } = kind
        && !below.is_empty()
    {
        return Err(EsError::new(
            400,
            "aggregation_initialization_exception",
            format!("Aggregator [{name}] cannot accept sub-aggregations"),
        ));
    }
    let orders = match &kind {
        Kind::Terms { order, .. } | Kind::DateHistogram { order, .. } => order.as_slice(),
        _ => &[],
    };
    for order in orders {
        if let OrderBy::Below(path, _) = &order.by
            && !below.iter().any(|(name, aggregation)| {
                name == path && matches!(aggregation.kind, Kind::Metric { .. })
            })
        {
            return Err(EsError::new(400, "aggregation_execution_exception", format!(
                "Invalid aggregation order path [{path}]. The provided aggregation [{path}] either does not exist, or is a pipeline aggregation and cannot be used to sort the buckets.")).in_search());
        }
    }
    Ok(Aggregation { kind, below })
}

/// The options of one aggregation: each is taken once, and none may be left.
struct Options<'a> {
    kind: &'a str,
    left: Map<String, Value>,
}

impl Options<'_> {
    fn field(&mut self) -> EsResult<String> {
        match self.left.shift_remove("field") {
            Some(Value::String(field)) => Ok(field),
            _ => Err(EsError::illegal(format!(
                "Required one of fields [field, script], but none were specified in [{}].",
                self.kind
            ))),
        }
    }

    fn count(&mut self, name: &str, default: u64) -> EsResult<u64> {
        match self.left.shift_remove(name) {
            None => Ok(default),
            Some(value) => value
                .as_u64()
                .or_else(|| value.as_str()?.parse().ok())
                .ok_or_else(|| {
                    EsError::illegal(format!(
                        "[{name}] must be 0 or greater. Found [{value}] in [{}]",
                        self.kind
                    ))
                }),
        }
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.left.shift_remove(name).map(|value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        })
    }

    fn end(self) -> EsResult<()> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(other) => Err(EsError::unsupported(format!(
                "[{other}] of the aggregation [{}]",
                self.kind
            ))),
        }
    }
}

fn read_kind(kind: &str, body: &Value) -> EsResult<Kind> {
    let Some(object) = body.as_object() else {
        return Err(EsError::parsing(format!(
            "Expected [START_OBJECT] under [{kind}]"
        )));
    };
    let mut options = Options {
        kind,
        left: object.clone(),
    };
    let read = match kind {
        "terms" => {
            // How Elasticsearch goes about it, or asks for bounds that are always 0 here.
            for hint in [
                "shard_size",
                "execution_hint",
                "collect_mode",
                "show_term_doc_count_error",
                "shard_min_doc_count",
            ] {
                options.left.shift_remove(hint);
            }
            let size = options.count("size", 10)? as usize;
            if size == 0 {
                return Err(EsError::illegal(
                    "[size] must be greater than 0. Found [0] in [terms]",
                ));
            }
            Kind::Terms {
                field: options.field()?,
                size,
                min_doc_count: match options.count("min_doc_count", 1)? {
                    0 => return Err(EsError::unsupported("[min_doc_count: 0] of terms")),
                    count => count,
                },
                order: orders(
                    options.left.shift_remove("order"),
                    &[(OrderBy::Count, true), (OrderBy::Key, false)],
                )?,
            }
        }
        "date_histogram" => Kind::DateHistogram {
            field: options.field()?,
            interval: interval(&mut options)?,
            min_doc_count: options.count("min_doc_count", 0)?,
            order: orders(options.left.shift_remove("order"), &[(OrderBy::Key, false)])?,
            format: format(&mut options)?,
        },
        "composite" => composite(&mut options)?,
        metric => {
            let metric = match metric {
                "stats" => Metric::Stats,
                "min" => Metric::Min,
                "max" => Metric::Max,
                "avg" => Metric::Avg,
                "sum" => Metric::Sum,
                "value_count" => Metric::ValueCount,
                "cardinality" => {
                    options.left.shift_remove("precision_threshold");
                    Metric::Cardinality
                }
                "adjacency_matrix"
                | "auto_date_histogram"
                | "boxplot"
                | "date_range"
                | "extended_stats"
                | "filter"
                | "filters"
                | "geo_bounds"
                | "geo_centroid"
                | "geohash_grid"
                | "geotile_grid"
                | "global"
                | "histogram"
                | "ip_range"
                | "median_absolute_deviation"
                | "missing"
                | "multi_terms"
                | "nested"
                | "percentile_ranks"
                | "percentiles"
                | "range"
                | "rare_terms"
                | "reverse_nested"
                | "sampler"
                | "scripted_metric"
                | "significant_terms"
                | "significant_text"
                | "top_hits"
                | "top_metrics"
                | "weighted_avg"
                | "bucket_sort"
                | "bucket_script"
                | "cumulative_sum"
                | "derivative"
                | "max_bucket"
                | "min_bucket"
                | "sum_bucket"
                | "avg_bucket"
                | "stats_bucket"
                | "bucket_selector"
                | "serial_diff"
                | "moving_fn" => {
                    return Err(EsError::unsupported(format!("the aggregation [{metric}]")));
                }
                other => {
                    return Err(
                        EsError::parsing(format!("Unknown aggregation type [{other}]")).because(
                            "named_object_not_found_exception",
                            format!("unknown field [{other}]"),
                        ),
                    );
                }
            };
            Kind::Metric {
                field: options.field()?,
                metric,
            }
        }
    };
    options.end()?;
    Ok(read)
}

fn orders(value: Option<Value>, default: &[(OrderBy, bool)]) -> EsResult<Vec<Order>> {
    let list = match value {
        None => {
            return Ok(default
                .iter()
                .map(|(by, descending)| Order {
                    by: by.clone(),
                    descending: *descending,
                })
                .collect());
        }
        Some(Value::Array(list)) => list,
        Some(one) => vec![one],
    };
    let mut orders = Vec::new();
    for (by, direction) in list.iter().filter_map(Value::as_object).flatten() {
        let descending = match direction.as_str() {
            Some("asc") => false,
            Some("desc") => true,
            _ => {
                return Err(EsError::parsing(format!(
                    "Unknown order direction [{direction}]"
                )));
            }
        };
        let by = match by.as_str() {
            "_count" => OrderBy::Count,
            "_key" => OrderBy::Key,
            path => match path.split_once('.') {
                Some((name, part)) => OrderBy::Below(name.into(), Some(part.into())),
                None => OrderBy::Below(path.into(), None),
            },
        };
        orders.push(Order { by, descending });
    }
    // Equal buckets come by their key.
    orders.push(Order {
        by: OrderBy::Key,
        descending: false,
    });
    Ok(orders)
}

fn interval(options: &mut Options<'_>) -> EsResult<Interval> {
    let (calendar, fixed) = (
        options.text("calendar_interval"),
        options.text("fixed_interval"),
    );
    match (calendar, fixed) {
        (Some(text), None) => match text.as_str() {
            "1m" | "minute" => Ok(Interval::Calendar('m')),
            "1h" | "hour" => Ok(Interval::Calendar('h')),
            "1d" | "day" => Ok(Interval::Calendar('d')),
            "1w" | "week" => Ok(Interval::Calendar('w')),
            "1M" | "month" => Ok(Interval::Calendar('M')),
            "1q" | "quarter" => Ok(Interval::Calendar('q')),
            "1y" | "year" => Ok(Interval::Calendar('y')),
            "1s" | "second" => Ok(Interval::Calendar('s')),
            other => Err(EsError::illegal(format!(
                "The supplied interval [{other}] could not be parsed as a calendar interval."
            ))),
        },
        (None, Some(text)) => {
            let digits = text
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(text.len());
            let unit = match &text[digits..] {
                "ms" => 1,
                "s" => 1000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => 0,
            };
            let number: i64 = text[..digits].parse().unwrap_or(0);
            number.checked_mul(unit).filter(|ms| *ms > 0).map(Interval::Fixed)
                .ok_or_else(|| EsError::illegal(format!("failed to parse setting [date_histogram.fixedInterval] with value [{text}] as a time value")))
        }
        (None, None) => Err(EsError::illegal(
            "Invalid interval specified, must be non-null and non-empty",
        )
        .in_search()),
        (Some(_), Some(_)) => Err(EsError::illegal(
            "Cannot use [fixed_interval] with [calendar_interval] configuration option.",
        )),
    }
}

fn format(options: &mut Options<'_>) -> EsResult<Option<DateFormat>> {
    options
        .text("format")
        .map(|text| {
            DateFormat::new(&text)
                .ok_or_else(|| EsError::unsupported(format!("the date format [{text}]")))
        })
        .transpose()
}

fn composite(options: &mut Options<'_>) -> EsResult<Kind> {
    let list = match options.left.shift_remove("sources") {
        Some(Value::Array(list)) if !list.is_empty() => list,
        _ => {
            return Err(EsError::illegal(
                "Composite [sources] cannot be null or empty",
            ));
        }
    };
    let sources = list.iter().map(source).collect::<EsResult<Vec<_>>>()?;
    let after = match options.left.shift_remove("after") {
        None => None,
        Some(Value::Object(after)) => {
            if after.len() != sources.len() {
                return Err(EsError::illegal(format!(
                    "[after] has {} value(s) but [sources] has {}",
                    after.len(),
                    sources.len()
                )));
            }
            let key = |source: &Source| match after.get(&source.name) {
                Some(Value::Null) => Ok(Key::Null),
                Some(Value::String(text)) => Ok(Key::Str(text.clone())),
                Some(Value::Bool(truth)) => Ok(Key::I64((*truth).into())),
                Some(Value::Number(number)) => Ok(number
                    .as_i64()
                    .map_or_else(|| Key::f64(number.as_f64().unwrap_or(0.0)), Key::I64)),
                _ => Err(EsError::illegal(format!(
                    "Missing value for [after.{}]",
                    source.name
                ))),
            };
            Some(sources.iter().map(key).collect::<EsResult<Vec<_>>>()?)
        }
        Some(_) => return Err(EsError::parsing("[after] must be an object")),
    };
    Ok(Kind::Composite {
        sources,
        size: options.count("size", 10)? as usize,
        after,
    })
}

fn source(value: &Value) -> EsResult<Source> {
    let wrong = || EsError::parsing("a source of [composite] is `{name: {type: {field: …}}}`");
    let (name, body) = value
        .as_object()
        .and_then(|o| o.iter().next())
        .ok_or_else(wrong)?;
    let (kind, body) = body
        .as_object()
        .and_then(|o| o.iter().next())
        .ok_or_else(wrong)?;
    let mut options = Options {
        kind,
        left: body.as_object().ok_or_else(wrong)?.clone(),
    };
    let interval = match kind.as_str() {
        "terms" => None,
        "date_histogram" => Some(interval(&mut options)?),
        other => {
            return Err(EsError::unsupported(format!(
                "the source [{other}] of composite"
            )));
        }
    };
    let descending = match options.text("order").as_deref() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(other) => return Err(EsError::illegal(format!("Unknown SortOrder [{other}]"))),
    };
    let missing_bucket = options.left.shift_remove("missing_bucket") == Some(Value::Bool(true));
    let source = Source {
        name: name.clone(),
        field: options.field()?,
        interval,
        descending,
        missing_bucket,
    };
    options.end()?;
    Ok(source)
}
