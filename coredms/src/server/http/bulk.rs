//! `_bulk`: many operations in one request, each with its own result.

use super::{Answer, Call, answer::Body, filter_path::FilterPath};
use crate::server::{
    error::{EsError, EsResult},
    store::{Action, Answer as Written, Index, Operation, Outcome},
};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;
use std::{collections::HashMap, sync::Arc, time::Instant};

/// One operation of the request.
struct Line {
    action: Action,
    /// The word of the request: it names the result.
    verb: &'static str,
    index: String,
    id: Option<String>,
    source: Bytes,
    if_seq: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Meta {
    #[serde(rename = "_index")]
    index: Option<String>,
    #[serde(rename = "_id")]
    id: Option<String>,
    op_type: Option<String>,
    require_alias: Option<bool>,
    #[serde(default)]
    if_seq_no: Option<u64>,
    #[serde(default, rename = "if_primary_term")]
    _term: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum ActionLine {
    Create(Meta),
    Index(Meta),
    Delete(Meta),
    Update(serde::de::IgnoredAny),
}

/// Answers `_bulk`.
pub fn bulk(call: &Call<'_>, default_index: Option<&str>) -> EsResult<Answer> {
    let started = Instant::now();
    call.allow(&[
        "refresh",
        "timeout",
        "wait_for_active_shards",
        "require_alias",
        "pipeline",
        "_source",
    ])?;
    if call
        .parameter("pipeline")
        .is_some_and(|pipeline| pipeline != "_none")
    {
        return Err(EsError::unsupported("[pipeline]"));
    }
    let refresh = call.refresh()?;
    let lines = parse(&call.body, default_index)?;
    let verbs: Vec<(&'static str, String)> = lines
        .iter()
        .map(|line| (line.verb, line.index.clone()))
        .collect();
    let mut results: Results = verbs.iter().map(|_| None).collect();
    let mut groups: HashMap<String, Vec<(usize, Line)>> = HashMap::new();
    for (position, line) in lines.into_iter().enumerate() {
        groups
            .entry(line.index.clone())
            .or_default()
            .push((position, line));
    }
    let mut uuids = HashMap::new();
    for (name, group) in groups {
        let index = match call.app.store.index_or_create(&name) {
            Ok(index) => index,
            Err(error) => {
                for (position, line) in group {
                    results[position] = Some((line.id, Err(error.clone())));
                }
                continue;
            }
        };
        uuids.insert(name, index.meta().uuid);
        for (position, id, result) in apply(&index, group) {
            results[position] = Some((id, result));
        }
        if refresh {
            index.refresh()?;
        }
    }
    let filter = call
        .parameter("filter_path")
        .map(FilterPath::new)
        .unwrap_or_default();
    let body = Writer {
        filter,
        uuids,
        verbs,
        refresh,
    }
    .write(started, results)?;
    Ok(Answer {
        status: 200,
        body: Body::Ready(body),
    })
}

/// What became of each operation: its id and result, once there is one.
type Results = Vec<Option<(Option<String>, Result<Written, EsError>)>>;
type Result3 = (usize, Option<String>, Result<Written, EsError>);

fn apply(index: &Arc<Index>, group: Vec<(usize, Line)>) -> Vec<Result3> {
    let mut positions = Vec::with_capacity(group.len());
    let mut operations = Vec::with_capacity(group.len());
    for (position, line) in group {
        positions.push((position, line.id.clone()));
        operations.push(Operation {
            action: line.action,
            id: line.id,
            source: line.source,
            if_seq: line.if_seq,
        });
    }
    match index.apply(operations) {
        Ok(answers) => positions
            .into_iter()
            .zip(answers)
            .map(|((position, _), answer)| (position, Some(answer.id.clone()), Ok(answer)))
            .collect(),
        Err(error) => positions
            .into_iter()
            .map(|(position, id)| (position, id, Err(error.clone())))
            .collect(),
    }
}

fn parse(body: &Bytes, default_index: Option<&str>) -> EsResult<Vec<Line>> {
    if body.is_empty() {
        return Err(EsError::new(
            400,
            "parse_exception",
            "request body is required",
        ));
    }
    if body.last() != Some(&b'\n') {
        return Err(EsError::illegal(
            "The bulk request must be terminated by a newline [\\n]",
        ));
    }
    let mut lines = Vec::new();
    let (mut at, mut number) = (0, 0);
    let mut next = || {
        let rest = body.get(at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest)?;
        let line = at..at + length;
        at += length + 1;
        number += 1;
        Some((number, line))
    };
    while let Some((number, range)) = next() {
        let text = &body[range];
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let action: ActionLine = serde_json::from_slice(text).map_err(|error| EsError::illegal(format!(
            "Malformed action/metadata line [{number}], expected one of [create, delete, index, update] with known parameters: {error}")))?;
        let (action, verb, meta) = match action {
            ActionLine::Create(meta) => (Action::Create, "create", meta),
            ActionLine::Index(meta) if meta.op_type.as_deref() == Some("create") => {
                (Action::Create, "create", meta)
            }
            ActionLine::Index(meta) => (Action::Index, "index", meta),
            ActionLine::Delete(meta) => (Action::Delete, "delete", meta),
            ActionLine::Update(_) => return Err(EsError::unsupported("the bulk action [update]")),
        };
        if meta.require_alias == Some(true) {
            return Err(EsError::unsupported("[require_alias]"));
        }
        let Some(index) = meta.index.or_else(|| default_index.map(str::to_owned)) else {
            return Err(EsError::new(
                400,
                "action_request_validation_exception",
                "Validation Failed: 1: index is missing;",
            ));
        };
        if action == Action::Delete && meta.id.is_none() {
            return Err(EsError::new(
                400,
                "action_request_validation_exception",
                "Validation Failed: 1: id is missing;",
            ));
        }
        let source = if action == Action::Delete {
            Bytes::new()
        } else {
            match next() {
                Some((_, range)) => body.slice(range),
                None => {
                    return Err(EsError::illegal(
                        "The bulk request ends with an action that has no document",
                    ));
                }
            }
        };
        lines.push(Line {
            action,
            verb,
            index,
            id: meta.id,
            source,
            if_seq: meta.if_seq_no,
        });
    }
    if lines.is_empty() {
        return Err(EsError::new(
            400,
            "action_request_validation_exception",
            "Validation Failed: 1: no requests added;",
        ));
    }
    Ok(lines)
}

/// Writes the answer without a tree: it has a line for every operation.
struct Writer {
    filter: FilterPath,
    uuids: HashMap<String, String>,
    verbs: Vec<(&'static str, String)>,
    /// Whether a refresh was forced, which every result says.
    refresh: bool,
}

impl Writer {
    fn write(&self, started: Instant, results: Results) -> EsResult<Vec<u8>> {
        let failed = |result: &Result<Written, EsError>| {
            !matches!(result, Ok(Written { result: Ok(_), .. }))
        };
        let errors = results.iter().flatten().any(|(_, result)| failed(result));
        let mut out = Vec::with_capacity(64 + results.len() * 40);
        let mut separator = b'{';
        let mut member = |out: &mut Vec<u8>, name: &str| {
            out.push(separator);
            separator = b',';
            out.extend(format!("\"{name}\":").as_bytes());
        };
        if self.filter.reaches(&["errors"]) {
            member(&mut out, "errors");
            out.extend(errors.to_string().as_bytes());
        }
        if self.filter.reaches(&["took"]) {
            member(&mut out, "took");
            out.extend(started.elapsed().as_millis().to_string().as_bytes());
        }
        if self.filter.reaches(&["items"]) {
            member(&mut out, "items");
            self.items(&mut out, results)?;
        }
        out.extend(if separator == b'{' { &b"{}"[..] } else { b"}" });
        Ok(out)
    }

    fn items(&self, out: &mut Vec<u8>, results: Results) -> EsResult<()> {
        let keeps = |verb: &'static str, leaf: &str| self.filter.reaches(&["items", verb, leaf]);
        let kept: HashMap<&str, Kept> = ["create", "index", "delete"]
            .into_iter()
            .map(|verb| {
                (
                    verb,
                    Kept {
                        status: keeps(verb, "status"),
                        error: keeps(verb, "error"),
                        rest: ["_index", "_id", "result"]
                            .iter()
                            .any(|leaf| keeps(verb, leaf)),
                    },
                )
            })
            .collect();
        out.push(b'[');
        for (n, (result, (verb, index))) in results.into_iter().zip(&self.verbs).enumerate() {
            if n > 0 {
                out.push(b',');
            }
            let (id, result) =
                result.ok_or_else(|| EsError::internal("bulk", "an operation without a result"))?;
            let result = match result {
                Ok(Written {
                    result: Ok(done), ..
                }) => Ok(done),
                Ok(Written {
                    result: Err(error), ..
                })
                | Err(error) => Err(error),
            };
            let kept = &kept[verb];
            let status = match &result {
                Ok(done) if done.outcome == Outcome::Created => 201,
                Ok(done) if done.outcome == Outcome::NotFound => 404,
                Ok(_) => 200,
                Err(error) => error.status,
            };
            if kept.status && !kept.rest && (result.is_ok() || !kept.error) {
                out.extend(format!("{{\"{verb}\":{{\"status\":{status}}}}}").as_bytes());
                continue;
            }
            let mut item = match &result {
                Ok(done) => {
                    json!({ "_index": index, "_id": id, "_version": done.version, "result": done.outcome.name(),
                    "_shards": { "total": 1, "successful": 1, "failed": 0 }, "_seq_no": done.seq, "_primary_term": 1 })
                }
                Err(error) => {
                    let mut detail = error.detail();
                    if let (Some(uuid), 409) = (self.uuids.get(index), status) {
                        detail["index_uuid"] = json!(uuid);
                        detail["shard"] = json!("0");
                    }
                    json!({ "_index": index, "_id": id, "error": detail })
                }
            };
            if self.refresh && result.is_ok() {
                item["forced_refresh"] = json!(true);
            }
            item["status"] = json!(status);
            let item = self.filter.apply(json!({ "items": [{ *verb: item }] }));
            let item = item["items"].get(0).cloned().unwrap_or_else(|| json!({}));
            out.extend(item.to_string().as_bytes());
        }
        out.push(b']');
        Ok(())
    }
}

/// Which parts of an operation's result are sent.
struct Kept {
    status: bool,
    error: bool,
    rest: bool,
}

impl Outcome {
    /// The `result` of an answer.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Created => "created",
            Outcome::Updated => "updated",
            Outcome::Deleted => "deleted",
            Outcome::NotFound => "not_found",
        }
    }
}
