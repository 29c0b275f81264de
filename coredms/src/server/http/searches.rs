//! `_search`, `_count`, `_delete_by_query`.

use super::{Answer, Call, answer::Body};
use crate::server::{
    error::{EsError, EsResult},
    query::{Context, compile},
    search::{self, Request},
    store::{Action, Index, Operation, load},
};
use bytes::Bytes;
use serde_json::{Value, json};
use std::{sync::Arc, time::Instant};
use tantivy::{DocAddress, Searcher, query::EnableScoring};

fn shards(indices: &[Arc<Index>]) -> Value {
    json!({ "total": indices.len(), "successful": indices.len(), "skipped": 0, "failed": 0 })
}

/// `_search`.
pub fn search(call: &Call<'_>, expression: &str) -> EsResult<Answer> {
    let started = Instant::now();
    let request = Request::new(&call.json()?, &call.parameters)?;
    let indices = call.app.store.resolve(expression, call.scope())?;
    let shards = shards(&indices);
    let found = search::search(indices, &request, call.now_ms)?;
    let broken = |e| EsError::internal("search answer", e);
    if call.parameter("filter_path").is_some() {
        let mut body = json!({ "took": took(started), "timed_out": false, "_shards": shards });
        if let Value::Object(members) = serde_json::to_value(&found).map_err(broken)? {
            body.as_object_mut()
                .into_iter()
                .for_each(|body| body.extend(members.clone()));
        }
        return Ok(Answer::ok(body));
    }
    // Sources are copied as they are, without being parsed.
    let mut out = format!(
        "{{\"took\":{},\"timed_out\":false,\"_shards\":{shards},",
        took(started)
    )
    .into_bytes();
    let rest = serde_json::to_vec(&found).map_err(broken)?;
    out.extend_from_slice(&rest[1..]);
    Ok(Answer {
        status: 200,
        body: Body::Ready(out),
    })
}

fn took(started: Instant) -> u64 {
    started.elapsed().as_millis() as u64
}

fn query_of(call: &Call<'_>) -> EsResult<Value> {
    let body = call.json()?;
    if let Some(other) = body
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key)
        .find(|key| *key != "query")
    {
        return Err(EsError::parsing(format!(
            "request does not support [{other}]"
        )));
    }
    Ok(body
        .get("query")
        .cloned()
        .unwrap_or_else(|| json!({ "match_all": {} })))
}

/// `_count`.
pub fn count(call: &Call<'_>, expression: &str) -> EsResult<Answer> {
    call.allow(&["preference", "routing"])?;
    let query = query_of(call)?;
    let indices = call.app.store.resolve(expression, call.scope())?;
    let mut count = 0;
    for index in &indices {
        let (searcher, mapping) = (index.searcher()?, index.mapping());
        let query = compile(Context::new(&mapping, call.now_ms), &query)
            .map_err(|error| error.about(&index.name()))?;
        count += query.count(&searcher)?;
    }
    Ok(Answer::ok(
        json!({ "count": count, "_shards": shards(&indices) }),
    ))
}

/// `_delete_by_query`.
pub fn delete_by_query(call: &Call<'_>, expression: &str) -> EsResult<Answer> {
    let started = Instant::now();
    call.allow(&[
        "conflicts",
        "max_docs",
        "refresh",
        "scroll_size",
        "slices",
        "timeout",
        "wait_for_active_shards",
        "wait_for_completion",
        "scroll",
        "requests_per_second",
    ])?;
    if call.parameter("wait_for_completion") == Some("false") {
        return Err(EsError::unsupported("[wait_for_completion=false]"));
    }
    if call.json()?.get("query").is_none() {
        return Err(EsError::new(
            400,
            "action_request_validation_exception",
            "Validation Failed: 1: query is missing;",
        ));
    }
    let query = query_of(call)?;
    let max_docs = max_docs(call)?;
    let (mut total, mut deleted, mut conflicts) = (0, 0, 0);
    for index in call.app.store.resolve(expression, call.scope())? {
        let (searcher, mapping) = (index.searcher()?, index.mapping());
        let compiled = compile(Context::new(&mapping, call.now_ms), &query)
            .map_err(|error| error.about(&index.name()))?;
        let weight = compiled.weight(EnableScoring::disabled_from_searcher(&searcher))?;
        for (ordinal, segment) in searcher.segment_readers().iter().enumerate() {
            let mut found = Vec::new();
            weight.for_each_no_score(segment, &mut |docs| {
                found.extend(
                    docs.iter()
                        .filter(|doc| !segment.is_deleted(**doc))
                        .map(|doc| DocAddress::new(ordinal as u32, *doc)),
                );
            })?;
            found.truncate(max_docs - total);
            total += found.len();
            for addresses in found.chunks(1000) {
                let (done, lost) = delete(&index, &searcher, addresses)?;
                deleted += done;
                conflicts += lost;
            }
        }
        if call.refresh()? {
            index.refresh()?;
        }
    }
    let status = if conflicts > 0 && call.parameter("conflicts") != Some("proceed") {
        409
    } else {
        200
    };
    Ok(Answer::with(
        status,
        json!({ "took": took(started), "timed_out": false, "total": total, "deleted": deleted, "batches": total.div_ceil(1000),
        "version_conflicts": conflicts, "noops": 0, "retries": { "bulk": 0, "search": 0 }, "throttled_millis": 0,
        "requests_per_second": -1.0, "throttled_until_millis": 0, "failures": [] }),
    ))
}

/// At most so many documents are removed by one request.
fn max_docs(call: &Call<'_>) -> EsResult<usize> {
    let Some(text) = call.parameter("max_docs") else {
        return Ok(usize::MAX);
    };
    match text.parse::<i64>() {
        Ok(0) => Err(EsError::illegal("[max_docs] should be >= [slices]")),
        Ok(count) => usize::try_from(count).map_err(|_| {
            EsError::illegal(format!(
                "[max_docs] parameter cannot be negative, found [{count}]"
            ))
        }),
        Err(_) => Err(EsError::illegal(format!(
            "Failed to parse int parameter [max_docs] with value [{text}]"
        ))),
    }
}

/// Removes documents unless they were written again since the search; (removed, left).
fn delete(
    index: &Index,
    searcher: &Searcher,
    addresses: &[DocAddress],
) -> EsResult<(usize, usize)> {
    let operations = addresses
        .iter()
        .map(|address| {
            let (id, stored) = load(searcher, *address)?;
            Ok(Operation {
                action: Action::Delete,
                id: Some(id),
                source: Bytes::new(),
                if_seq: Some(stored.seq),
            })
        })
        .collect::<EsResult<Vec<_>>>()?;
    let answers = index.apply(operations)?;
    let deleted = answers
        .iter()
        .filter(|answer| answer.result.is_ok())
        .count();
    Ok((deleted, answers.len() - deleted))
}
