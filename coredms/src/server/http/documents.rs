//! Single documents: `_doc`, `_create`, `_source`, `_mget`.

use super::{Answer, Call, answer::Body};
use crate::server::{
    error::{EsError, EsResult},
    search::SourceFilter,
    store::{Action, Index, Operation, Outcome, Stored},
};
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;

/// PUT or POST of a document.
pub fn write(call: &Call<'_>, index: &str, id: Option<&str>, create: bool) -> EsResult<Answer> {
    call.allow(&[
        "refresh",
        "op_type",
        "timeout",
        "wait_for_active_shards",
        "if_seq_no",
        "if_primary_term",
        "require_alias",
        "pipeline",
    ])?;
    if call.parameter("pipeline").is_some_and(|p| p != "_none") || call.flag("require_alias") {
        return Err(EsError::unsupported("[pipeline] or [require_alias]"));
    }
    if call.body.is_empty() {
        return Err(EsError::new(
            400,
            "parse_exception",
            "request body is required",
        ));
    }
    let create = match call.parameter("op_type") {
        None => create,
        Some("create") => true,
        Some("index") => false,
        Some(other) => {
            return Err(EsError::illegal(format!(
                "opType must be 'create' or 'index', found: [{other}]"
            )));
        }
    };
    let action = if create {
        Action::Create
    } else {
        Action::Index
    };
    let target = call.app.store.index_or_create(index)?;
    run(call, &target, action, id, call.body.clone())
}

/// DELETE of a document.
pub fn delete(call: &Call<'_>, index: &str, id: &str) -> EsResult<Answer> {
    call.allow(&[
        "refresh",
        "timeout",
        "wait_for_active_shards",
        "if_seq_no",
        "if_primary_term",
    ])?;
    let target = call.app.store.index(index)?;
    run(call, &target, Action::Delete, Some(id), Bytes::new())
}

fn run(
    call: &Call<'_>,
    index: &Arc<Index>,
    action: Action,
    id: Option<&str>,
    source: Bytes,
) -> EsResult<Answer> {
    let refresh = call.refresh()?;
    let if_seq = match call.parameter("if_seq_no") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| {
            EsError::illegal(format!(
                "Failed to parse long parameter [if_seq_no] with value [{text}]"
            ))
        })?),
    };
    let operation = Operation {
        action,
        id: id.map(str::to_owned),
        source,
        if_seq,
    };
    let answer = index
        .apply(vec![operation])?
        .pop()
        .ok_or_else(|| EsError::internal("write", "no answer"))?;
    let done = answer.result.map_err(|error| error.about(&index.name()))?;
    if refresh {
        index.refresh()?;
    }
    let status = match done.outcome {
        Outcome::Created => 201,
        Outcome::Updated | Outcome::Deleted => 200,
        Outcome::NotFound => 404,
    };
    let mut body = json!({ "_index": index.name(), "_id": answer.id, "_version": done.version, "result": done.outcome.name(),
        "_shards": { "total": 1, "successful": 1, "failed": 0 }, "_seq_no": done.seq, "_primary_term": 1 });
    if refresh {
        body["forced_refresh"] = json!(true);
    }
    Ok(Answer::with(status, body))
}

const READ: &[&str] = &[
    "_source",
    "_source_includes",
    "_source_excludes",
    "realtime",
    "preference",
    "refresh",
];

/// GET of a document.
pub fn get(call: &Call<'_>, index: &str, id: &str) -> EsResult<Answer> {
    call.allow(READ)?;
    let index = call.app.store.index(index)?;
    let filter = SourceFilter::All.with_parameters(&call.parameters);
    Ok(match index.get(id)? {
        Some(stored) => Answer::ok(document(&index.name(), id, &stored, &filter)?),
        None => Answer::with(
            404,
            json!({ "_index": index.name(), "_id": id, "found": false }),
        ),
    })
}

/// GET of a document's source alone.
pub fn source(call: &Call<'_>, index: &str, id: &str) -> EsResult<Answer> {
    call.allow(READ)?;
    let index = call.app.store.index(index)?;
    let stored = index.get(id)?.ok_or_else(|| {
        EsError::new(
            404,
            "resource_not_found_exception",
            format!("Document not found [{}]/[{id}]", index.name()),
        )
    })?;
    let filter = SourceFilter::All.with_parameters(&call.parameters);
    let source = filter
        .apply(&stored.source)?
        .map_or_else(Vec::new, |raw| raw.get().as_bytes().to_vec());
    Ok(Answer {
        status: 200,
        body: Body::Ready(source),
    })
}

fn document(index: &str, id: &str, stored: &Stored, filter: &SourceFilter) -> EsResult<Value> {
    let mut body = json!({ "_index": index, "_id": id, "_version": stored.version, "_seq_no": stored.seq, "_primary_term": 1, "found": true });
    if let Some(source) = filter.apply(&stored.source)? {
        body["_source"] = serde_json::from_str(source.get())
            .map_err(|e| EsError::internal("stored source", e))?;
    }
    Ok(body)
}

/// `_mget`.
pub fn mget(call: &Call<'_>, index: Option<&str>) -> EsResult<Answer> {
    call.allow(READ)?;
    let body = call.json()?;
    let default = SourceFilter::All.with_parameters(&call.parameters);
    let mut wanted = Vec::new();
    for (key, value) in body.as_object().into_iter().flatten() {
        let Some(list) = value.as_array() else {
            return Err(EsError::parsing(format!(
                "unexpected token for [{key}]: an array is expected"
            )));
        };
        for item in list {
            wanted.push(match key.as_str() {
                "ids" => (index.map(str::to_owned), id_text(item), default.clone()),
                "docs" => {
                    if let Some(other) = item
                        .as_object()
                        .into_iter()
                        .flatten()
                        .map(|(k, _)| k.as_str())
                        .find(|k| !matches!(*k, "_index" | "_id" | "_source"))
                    {
                        return Err(EsError::parsing(format!(
                            "unknown or unsupported key [{other}] of a document of _mget"
                        )));
                    }
                    let filter = item
                        .get("_source")
                        .map(SourceFilter::new)
                        .transpose()?
                        .unwrap_or_else(|| default.clone());
                    let own = item["_index"].as_str().or(index).map(str::to_owned);
                    (own, item.get("_id").and_then(id_text), filter)
                }
                other => {
                    return Err(EsError::parsing(format!(
                        "unknown key [{other}] for a START_ARRAY, expected [docs] or [ids]"
                    )));
                }
            });
        }
    }
    if wanted.is_empty() {
        return Err(EsError::new(
            400,
            "action_request_validation_exception",
            "Validation Failed: 1: no documents to get;",
        ));
    }
    let docs = wanted
        .into_iter()
        .map(|(index, id, filter)| {
            let (Some(index), Some(id)) = (index, id) else {
                return Err(EsError::new(
                    400,
                    "action_request_validation_exception",
                    "Validation Failed: 1: index or id is missing for doc;",
                ));
            };
            let found = call
                .app
                .store
                .index(&index)
                .and_then(|open| match open.get(&id)? {
                    Some(stored) => document(&index, &id, &stored, &filter),
                    None => Ok(json!({ "_index": index, "_id": id, "found": false })),
                });
            Ok(found.unwrap_or_else(
                |error| json!({ "_index": index, "_id": id, "error": error.body()["error"] }),
            ))
        })
        .collect::<EsResult<Vec<_>>>()?;
    Ok(Answer::ok(json!({ "docs": docs })))
}

fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}
