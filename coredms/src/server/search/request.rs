//! A search request: body and URL parameters, every unknown one refused.

use super::{
    aggs::{self, Aggregation},
    sort::{self, Sort},
    source::SourceFilter,
};
use crate::server::error::{EsError, EsResult};
use serde_json::{Value, json};
use std::collections::HashMap;

/// How far total hits are counted for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Track {
    /// All of them.
    Exactly,
    /// Not at all.
    No,
    /// Up to this many.
    UpTo(u64),
}

/// A checked request.
#[derive(Debug)]
pub struct Request {
    /// The query.
    pub query: Value,
    /// Hits to skip.
    pub from: usize,
    /// Hits to return.
    pub size: usize,
    /// The order; empty = by score.
    pub sort: Vec<Sort>,
    /// Sort values of the hit to continue after.
    pub search_after: Option<Vec<Value>>,
    /// Which parts of the sources are returned.
    pub source: SourceFilter,
    /// How totals are reported.
    pub track: Track,
    /// Aggregations by name, in the order asked.
    pub aggregations: Vec<(String, Aggregation)>,
    /// Whether hits carry `_version`.
    pub version: bool,
    /// Whether hits carry `_seq_no` and `_primary_term`.
    pub seq_no: bool,
    /// Whether totals are plain numbers (`rest_total_hits_as_int`).
    pub total_as_int: bool,
}

/// Elasticsearch's `index.max_result_window`.
const WINDOW: usize = 10_000;

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    /// 400 for what Elasticsearch refuses, 501 for what only Elasticsearch can.
    pub fn new(body: &Value, parameters: &HashMap<String, String>) -> EsResult<Self> {
        let mut request = Self {
            query: json!({ "match_all": {} }),
            from: 0,
            size: 10,
            sort: Vec::new(),
            search_after: None,
            source: SourceFilter::All,
            track: Track::UpTo(10_000),
            aggregations: Vec::new(),
            version: false,
            seq_no: false,
            total_as_int: false,
        };
        for (key, value) in body.as_object().into_iter().flatten() {
            request.body_member(key, value)?;
        }
        for (key, value) in parameters {
            request.parameter(key, value)?;
        }
        request.source = request.source.with_parameters(parameters);
        request.check()?;
        Ok(request)
    }

    fn body_member(&mut self, key: &str, value: &Value) -> EsResult<()> {
        match key {
            "query" => self.query = value.clone(),
            "from" => self.from = count(key, value)?,
            "size" => self.size = count(key, value)?,
            "sort" => self.sort = sort::parse(value)?,
            "search_after" => match value {
                Value::Array(values) => self.search_after = Some(values.clone()),
                _ => return Err(EsError::parsing("[search_after] must be an array")),
            },
            "_source" => self.source = SourceFilter::new(value)?,
            "track_total_hits" => self.track = track(value)?,
            "aggs" | "aggregations" => self.aggregations = aggs::parse(value)?,
            "version" => self.version = value == true,
            "seq_no_primary_term" => self.seq_no = value == true,
            // Honoured by doing the whole work, which is within what they allow.
            "timeout" | "track_scores" if !(key == "track_scores" && value == true) => {}
            "collapse" | "docvalue_fields" | "explain" | "ext" | "fields" | "highlight"
            | "indices_boost" | "knn" | "min_score" | "pit" | "post_filter" | "profile"
            | "rank" | "rescore" | "retriever" | "runtime_mappings" | "script_fields" | "slice"
            | "stats" | "stored_fields" | "suggest" | "terminate_after" | "track_scores" => {
                return Err(EsError::unsupported(format!("[{key}] of a search")));
            }
            other => {
                return Err(EsError::parsing(format!(
                    "Unknown key for a VALUE in [{other}]."
                )));
            }
        }
        Ok(())
    }

    fn parameter(&mut self, key: &str, value: &str) -> EsResult<()> {
        match key {
            "from" => self.from = count(key, &json!(value))?,
            "size" => self.size = count(key, &json!(value))?,
            "sort" => {
                let list: Vec<Value> = value
                    .split(',')
                    .map(|part| match part.split_once(':') {
                        Some((field, order)) => json!({ field: order }),
                        None => json!(part),
                    })
                    .collect();
                self.sort = sort::parse(&json!(list))?;
            }
            "track_total_hits" => {
                self.track = track(&serde_json::from_str(value).unwrap_or(json!(value)))?
            }
            "rest_total_hits_as_int" => self.total_as_int = value != "false",
            "version" => self.version = value != "false",
            "seq_no_primary_term" => self.seq_no = value != "false",
            // How the work is spread, which one node need not be told.
            "timeout"
            | "preference"
            | "routing"
            | "request_cache"
            | "batched_reduce_size"
            | "max_concurrent_shard_requests"
            | "pre_filter_shard_size"
            | "allow_partial_search_results"
            | "ccs_minimize_roundtrips"
            | "typed_keys" => {
                if key == "typed_keys" && value != "false" {
                    return Err(EsError::unsupported("[typed_keys]"));
                }
            }
            "search_type" if value == "query_then_fetch" => {}
            key if is_common(key) || key.starts_with("_source") => {}
            other => return Err(unknown_parameter("_search", other)),
        }
        Ok(())
    }

    fn check(&self) -> EsResult<()> {
        if self.from + self.size > WINDOW {
            return Err(EsError::illegal(format!(
                "Result window is too large, from + size must be less than or equal to: [{WINDOW}] but was [{}]. See the scroll api for a more efficient way to request large data sets. This limit can be set by changing the [index.max_result_window] index level setting.", self.from + self.size)).in_search());
        }
        let Some(after) = &self.search_after else {
            return Ok(());
        };
        let refused = |reason: String| {
            Err(EsError::new(
                400,
                "action_request_validation_exception",
                reason,
            ))
        };
        if self.from > 0 {
            return refused("Validation Failed: 1: `from` parameter must be set to 0 when `search_after` is used;".into());
        }
        if after.len() != self.sort.len() {
            return Err(EsError::illegal(format!(
                "search_after has {} value(s) but sort has {}.",
                after.len(),
                self.sort.len()
            ))
            .in_search());
        }
        Ok(())
    }
}

/// Parameters that every request may have.
pub fn is_common(key: &str) -> bool {
    matches!(
        key,
        "pretty"
            | "human"
            | "error_trace"
            | "filter_path"
            | "ignore_unavailable"
            | "allow_no_indices"
            | "expand_wildcards"
            | "ignore_throttled"
            | "format"
            | "source_content_type"
            | "source"
            | "local"
            | "master_timeout"
    )
}

/// The error for a parameter that is not known.
pub fn unknown_parameter(path: &str, name: &str) -> EsError {
    EsError::illegal(format!(
        "request [{path}] contains unrecognized or unsupported parameter: [{name}]"
    ))
}

fn count(key: &str, value: &Value) -> EsResult<usize> {
    let number = value.as_i64().or_else(|| value.as_str()?.parse().ok());
    match number.map(usize::try_from) {
        Some(Ok(count)) => Ok(count),
        Some(Err(_)) => Err(EsError::illegal(format!(
            "[{key}] parameter cannot be negative, found [{value}]"
        ))),
        None => Err(EsError::illegal(format!(
            "Failed to parse [{key}] with value [{value}]"
        ))),
    }
}

fn track(value: &Value) -> EsResult<Track> {
    match value {
        Value::Bool(true) => Ok(Track::Exactly),
        Value::Bool(false) => Ok(Track::No),
        other => count("track_total_hits", other).map(|limit| Track::UpTo(limit as u64)),
    }
}
