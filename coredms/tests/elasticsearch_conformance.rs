//! The same requests to a real Elasticsearch and to the embedded server: the answers must be the same.
//!
//! A request is one line or more: `METHOD /path` and a body. Compared are the status and the answer
//! without what two servers cannot share (times, ids, shard counts, scores, wording of reasons).
//! Where this server refuses on purpose what Elasticsearch can do, only that it refuses is checked.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
mod conformance_cases;

use conformance_cases::{CASES, REFUSED};
use serde_json::{Map, Value};

struct Server {
    http: reqwest::Client,
    url: String,
}

impl Server {
    fn new(url: &str) -> Self {
        Self {
            http: reqwest::Client::new(),
            url: url.trim_end_matches('/').into(),
        }
    }

    async fn send(&self, request: &str) -> (u16, Value) {
        let request = request.trim();
        let (line, body) = request.split_once('\n').unwrap_or((request, ""));
        let (method, path) = line.trim().split_once(' ').expect("METHOD /path");
        let body: String = body
            .lines()
            .map(|line| format!("{}\n", line.trim()))
            .collect();
        let kind = if path.contains("_bulk") {
            "application/x-ndjson"
        } else {
            "application/json"
        };
        let mut call = self
            .http
            .request(method.parse().unwrap(), format!("{}{path}", self.url));
        if !body.is_empty() {
            call = call.header("content-type", kind).body(body);
        }
        let answer = call.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        )
    }
}

/// Removes what two servers cannot share, and rounds numbers.
fn normal(value: Value) -> Value {
    const PRIVATE: &[&str] = &[
        "took",
        "_shards",
        "_score",
        "max_score",
        "reason",
        "root_cause",
        "caused_by",
        "index_uuid",
        "shard",
        "uuid",
        "failed_shards",
        "phase",
        "grouped",
        "suppressed",
        "resource.id",
        "resource.type",
        "line",
        "col",
        "settings",
        "header",
        "batches",
        "index",
        // Which fields `ignore_above` left out is not kept by the embedded server.
        "_ignored",
        // Elasticsearch names the locale of the formats that it guesses.
        "locale",
    ];
    match value {
        Value::Object(object) => {
            // A plain `error` is wording, as a reason is.
            let members = object.into_iter().filter(|(key, value)| {
                let plain = key == "error" && value.is_string();
                !plain && !PRIVATE.contains(&key.as_str())
            });
            Value::Object(
                members
                    .map(|(key, value)| (key, normal(value)))
                    .collect::<Map<_, _>>(),
            )
        }
        Value::Array(values) => Value::Array(values.into_iter().map(normal).collect()),
        Value::Number(number) if number.is_f64() => {
            let value = number.as_f64().unwrap();
            Value::String(format!("{value:.6e}"))
        }
        other => other,
    }
}

#[tokio::test]
async fn answers_are_elasticsearch_s() {
    let Some(url) = common::elasticsearch_url() else {
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let embedded = common::Embedded::start(data.path(), &[]);
    let (real, ours) = (Server::new(&url), Server::new(&embedded.url));
    for index in [
        "c-docs", "c-typed", "c-dyn", "c-tpl-a", "c-more", "c-strict",
    ] {
        real.send(&format!("DELETE /{index}?ignore_unavailable=true"))
            .await;
    }
    real.send("DELETE /_index_template/c-tpl").await;
    let mut differences = Vec::new();
    for request in CASES
        .split("\n---\n")
        .map(str::trim)
        .filter(|request| !request.is_empty())
    {
        let request: String = request
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join("\n");
        let (real_status, real_answer) = real.send(&request).await;
        let (our_status, our_answer) = ours.send(&request).await;
        let (expected, actual) = (normal(real_answer.clone()), normal(our_answer.clone()));
        if real_status != our_status || expected != actual {
            differences.push(format!(
                "{request}\n  Elasticsearch {real_status}: {real_answer}\n  embedded      {our_status}: {our_answer}\n"));
        }
    }
    assert!(
        differences.is_empty(),
        "{} answers differ:\n\n{}",
        differences.len(),
        differences.join("\n")
    );
}

#[tokio::test]
async fn what_is_not_supported_is_refused_in_elasticsearch_s_shape() {
    let data = tempfile::tempdir().unwrap();
    let embedded = common::Embedded::start(data.path(), &[]);
    let server = Server::new(&embedded.url);
    server
        .send("PUT /c-docs/_doc/1\n{\"a\":\"x\",\"n\":1}")
        .await;
    for request in REFUSED.split("\n---\n").map(str::trim) {
        let (status, answer) = server.send(request).await;
        assert!(
            matches!(status, 400 | 405 | 501),
            "{request}\n{status} {answer}"
        );
        assert_eq!(answer["status"], status, "{request}\n{answer}");
        let error = &answer["error"];
        let detailed = error["type"].is_string() && error["reason"].is_string();
        assert!(
            detailed || (status == 405 && error.is_string()),
            "{request}\n{answer}"
        );
    }
}
