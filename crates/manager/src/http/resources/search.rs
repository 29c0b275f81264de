//! `…/jobs/{job}/search`: a query of the Elasticsearch language over a job's own indices, and no others.

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::{Code, Problem};
use domain::Violation;
use domain::ids::JobId;
use domain::index::pattern;
use serde_json::{Map, Value, json};

use super::super::call::{Call, json};
use super::super::fault::Fault;
use super::super::route::{Access, Route};

/// The parts of a search body that are passed on. What is not here could reach other indices (`pit`, `runtime_mappings`
/// with lookups, …) or is not of use here.
const PARTS: [&str; 20] = [
    "query",
    "post_filter",
    "aggs",
    "aggregations",
    "sort",
    "from",
    "size",
    "_source",
    "fields",
    "docvalue_fields",
    "stored_fields",
    "highlight",
    "search_after",
    "track_total_hits",
    "min_score",
    "collapse",
    "explain",
    "version",
    "seq_no_primary_term",
    "timeout",
];

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::POST,
            "/v1/clients/{client}/jobs/{job}/search",
            Access::OwnClient,
            "search_job",
            "Search a job's documents; the answer is the core DMS's own",
            |call| Box::pin(search(call)),
        )
        .takes::<Map<String, Value>>()
        .gives::<Map<String, Value>>(200),
    ]
}

async fn search(mut call: Call) -> Result<HttpResponse, Fault> {
    let job = call.job().await?.value;
    let mut body: Map<String, Value> = call.json().await?;
    let violations = foreign(&body);
    if !violations.is_empty() {
        return Err(
            Problem::new(Code::QueryRefused, "the query holds what is not passed on")
                .with_violations(violations)
                .into(),
        );
    }
    of_job(&mut body, &job.id);
    let indices = pattern(&job.client, &job.spec.destination.index);
    json(
        200,
        &call.app.dms.search(&indices, &Value::Object(body)).await?,
    )
}

/// Narrows a search to the documents of one job: others of its client may write to the same index.
fn of_job(body: &mut Map<String, Value>, job: &JobId) {
    let asked = body
        .remove("query")
        .unwrap_or_else(|| json!({ "match_all": {} }));
    let narrowed = json!({ "bool": {
        "must": [asked],
        "filter": [{ "term": { "provenance.job": { "value": job } } }],
    } });
    body.insert("query".to_owned(), narrowed);
}

/// What of a search body is not passed on, because it reaches or might reach beyond the indices searched.
fn foreign(body: &Map<String, Value>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (name, value) in body {
        if !PARTS.contains(&name.as_str()) {
            found.push(Violation::new(
                format!("/{name}"),
                "not_offered",
                format!("use only {}", PARTS.join(", ")),
            ));
        }
        lookups(value, &format!("/{name}"), &mut found);
    }
    found
}

/// Queries may take their terms, shapes or examples from a document of any index that they name.
fn lookups(value: &Value, at: &str, found: &mut Vec<Violation>) {
    match value {
        Value::Object(object) => {
            let text = |names: &[&str]| {
                names
                    .iter()
                    .any(|&name| object.get(name).is_some_and(Value::is_string))
            };
            let any = |names: &[&str]| names.iter().any(|&name| object.contains_key(name));
            if (text(&["index", "_index"]) && any(&["id", "_id", "path", "doc"]))
                || any(&["indexed_shape"])
            {
                let message =
                    "a query must not take anything from a document of an index that it names";
                found.push(Violation::new(at, "not_offered", message));
            }
            for (name, inner) in object {
                lookups(
                    inner,
                    &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(i, inner)| lookups(inner, &format!("{at}/{i}"), found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_another_index_is_found_wherever_it_stands() {
        let refused = [
            json!({"pit": {"id": "x"}}),
            json!({"runtime_mappings": {}}),
            json!({"query": {"terms": {"user": {"index": "other.users", "id": "2", "path": "x"}}}}),
            json!({"query": {"bool": {"must": [{"more_like_this": {"like": [{"_index": "other.x", "_id": "1"}]}}]}}}),
            json!({"query": {"more_like_this": {"like": {"_index": "other.x", "doc": {}}}}}),
            json!({"aggs": {"a": {"filter": {"geo_shape": {"g": {"indexed_shape": {"index": "o", "id": "1"}}}}}}}),
            json!({"query": {"percolate": {"field": "q", "index": "other.x", "id": "1"}}}),
        ];
        for body in refused {
            assert!(!foreign(body.as_object().unwrap()).is_empty(), "{body}");
        }
        let passed_on = [
            json!({}),
            json!({"query": {"term": {"index": "a"}}, "size": 0, "aggs": {"by": {"terms": {"field": "id"}}}}),
            json!({"query": {"ids": {"values": ["1"]}}, "highlight": {"fields": {"index": {}, "id": {}}}}),
        ];
        for body in passed_on {
            assert_eq!(foreign(body.as_object().unwrap()), [], "{body}");
        }
    }
}
