//! Questions about documents: count, search, provenance of given ids, counts per file, removal by query.

use super::{
    Client, ClientError,
    request::{Body, lines, path},
};
use elasticsearch::http::Method;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Files per page of [`Client::count_by_file`].
const PAGE: usize = 10_000;

/// Where a stored document came from: its `provenance` object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Provenance {
    /// Client id.
    pub client: String,
    /// Job id.
    pub job: String,
    /// Run id.
    pub run: String,
    /// Revision of the job spec.
    pub revision: u64,
    /// file_key.
    pub file: String,
    /// Position of the record in its file.
    pub position: u64,
    /// 0 for a record's first document, 1 for its second, …
    #[serde(default)]
    pub ordinal: u64,
}

/// What a delete by query did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeleteReport {
    /// Documents removed.
    pub deleted: u64,
    /// Documents that changed meanwhile and were left.
    pub conflicts: u64,
}

#[derive(Deserialize)]
pub(super) struct Shards {
    total: u64,
    failed: u64,
    #[serde(default)]
    failures: Vec<Value>,
}

impl Shards {
    pub(super) fn check(self, operation: &'static str) -> Result<(), ClientError> {
        if self.failed == 0 {
            return Ok(());
        }
        let reason = self
            .failures
            .first()
            .map_or_else(|| "no reason was given".into(), Value::to_string);
        Err(ClientError::ShardsFailed {
            operation,
            failed: self.failed,
            total: self.total,
            reason,
        })
    }
}

impl Client {
    /// Documents in `indices` that match `query` (all when `None`), as of the last refresh.
    /// Indices that do not exist count 0; no indices at all count 0.
    ///
    /// # Errors
    /// [`ClientError::ShardsFailed`] when the count is not complete.
    pub async fn count(&self, indices: &[&str], query: Option<&Value>) -> Result<u64, ClientError> {
        #[derive(Deserialize)]
        struct Answer {
            count: u64,
            #[serde(rename = "_shards")]
            shards: Shards,
        }
        let body = query.map_or_else(|| json!({}), |query| json!({ "query": query }));
        let mut count = 0;
        for indices in lines(indices) {
            let answer: Answer = self.ask("count", indices, "_count", &[], &body).await?;
            answer.shards.check("count")?;
            count += answer.count;
        }
        Ok(count)
    }

    /// Documents per `provenance.file` among those with `provenance.run` = `run`, as of the last
    /// refresh. Both fields must be mapped as `keyword`. Any number of files.
    ///
    /// # Errors
    /// [`ClientError::ShardsFailed`] when a page is not complete.
    pub async fn count_by_file(
        &self,
        indices: &[&str],
        run: &str,
    ) -> Result<BTreeMap<String, u64>, ClientError> {
        const OPERATION: &str = "count by file";
        #[derive(Deserialize)]
        struct Key {
            file: String,
        }
        #[derive(Deserialize)]
        struct Bucket {
            key: Key,
            doc_count: u64,
        }
        #[derive(Deserialize)]
        struct Files {
            after_key: Option<Value>,
            #[serde(default)]
            buckets: Vec<Bucket>,
        }
        #[derive(Deserialize)]
        struct Aggregations {
            files: Files,
        }
        #[derive(Deserialize)]
        struct Answer {
            #[serde(rename = "_shards")]
            shards: Shards,
            aggregations: Option<Aggregations>,
        }
        let mut counts = BTreeMap::new();
        for indices in lines(indices) {
            let mut composite = json!({ "size": PAGE, "sources": [{ "file": { "terms": { "field": "provenance.file" } } }] });
            loop {
                let body = json!({ "size": 0, "track_total_hits": false,
                    "query": { "term": { "provenance.run": { "value": run } } },
                    "aggs": { "files": { "composite": composite } } });
                let answer: Answer = self.ask(OPERATION, indices, "_search", &[], &body).await?;
                answer.shards.check(OPERATION)?;
                // No index at all: Elasticsearch leaves the aggregations out.
                let Some(Aggregations { files }) = answer.aggregations else {
                    break;
                };
                let last_page = files.buckets.len() < PAGE;
                for bucket in files.buckets {
                    *counts.entry(bucket.key.file).or_default() += bucket.doc_count;
                }
                match files.after_key {
                    Some(after) if !last_page => composite["after"] = after,
                    _ => break,
                }
            }
        }
        Ok(counts)
    }

    /// The answer to any `_search` body, as it comes.
    ///
    /// # Errors
    /// [`ClientError::ShardsFailed`] when the answer is not complete.
    pub async fn search(&self, index: &str, body: &Value) -> Result<Value, ClientError> {
        let answer: Value = self.ask("search", &[index], "_search", &[], body).await?;
        match answer.get("_shards").map(Shards::deserialize) {
            Some(Ok(shards)) => shards.check("search").map(|()| answer),
            _ => Err(ClientError::Protocol {
                operation: "search",
                reason: "`_shards` is missing".into(),
            }),
        }
    }

    /// The provenance of each id, in the order asked; `None` when the document does not exist or
    /// has none. Sees what was written without a refresh.
    ///
    /// # Errors
    /// [`ClientError::Status`] 404 when the index does not exist.
    pub async fn mget_provenance(
        &self,
        index: &str,
        ids: &[&str],
    ) -> Result<Vec<Option<Provenance>>, ClientError> {
        const OPERATION: &str = "mget";
        #[derive(Deserialize)]
        struct Source {
            provenance: Option<Value>,
        }
        #[derive(Deserialize)]
        struct Doc {
            #[serde(rename = "_source")]
            source: Option<Source>,
            error: Option<Value>,
        }
        #[derive(Deserialize)]
        struct Answer {
            docs: Vec<Doc>,
        }
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut call = self.call(OPERATION, Method::Post, path(&[index, "_mget"]));
        call.query = &[("_source_includes", "provenance")];
        call.body = Body::Json(json!({ "ids": ids }).to_string().into());
        let Answer { docs } = self.json(call).await?;
        let protocol = |reason| ClientError::Protocol {
            operation: OPERATION,
            reason,
        };
        if docs.len() != ids.len() {
            return Err(protocol(format!(
                "{} documents for {} ids",
                docs.len(),
                ids.len()
            )));
        }
        docs.into_iter()
            .map(|doc| match doc.error {
                Some(error) => Err(ClientError::Status {
                    operation: OPERATION,
                    status: if error["type"] == "index_not_found_exception" {
                        404
                    } else {
                        500
                    },
                    kind: error["type"].as_str().unwrap_or_default().into(),
                    reason: error["reason"].as_str().unwrap_or_default().into(),
                }),
                // somebody else's document may have a `provenance` of another shape
                None => Ok(doc
                    .source
                    .and_then(|source| Provenance::deserialize(source.provenance?).ok())),
            })
            .collect()
    }

    /// Removes documents of `indices` that match `query`, at most `max_docs` a request, and refreshes. What was not refreshed
    /// before is not seen. Called until it removes none, it has removed them all.
    ///
    /// # Errors
    /// [`ClientError::ShardsFailed`] when some documents could not be removed.
    pub async fn delete_by_query(
        &self,
        indices: &[&str],
        query: &Value,
        max_docs: u64,
    ) -> Result<DeleteReport, ClientError> {
        const OPERATION: &str = "delete by query";
        #[derive(Deserialize)]
        struct Answer {
            total: u64,
            deleted: u64,
            version_conflicts: u64,
            failures: Vec<Value>,
        }
        let max_docs = max_docs.to_string();
        let parameters = [
            ("conflicts", "proceed"),
            ("refresh", "true"),
            ("max_docs", &max_docs),
        ];
        let body = json!({ "query": query });
        let mut report = DeleteReport {
            deleted: 0,
            conflicts: 0,
        };
        for indices in lines(indices) {
            let answer: Answer = self
                .ask(OPERATION, indices, "_delete_by_query", &parameters, &body)
                .await?;
            if let Some(failure) = answer.failures.first() {
                return Err(ClientError::ShardsFailed {
                    operation: OPERATION,
                    failed: answer.failures.len() as u64,
                    total: answer.total,
                    reason: failure.to_string(),
                });
            }
            report.deleted += answer.deleted;
            report.conflicts += answer.version_conflicts;
        }
        Ok(report)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        indices: &[&str],
        verb: &str,
        parameters: &[(&str, &str)],
        body: &Value,
    ) -> Result<T, ClientError> {
        let mut query = vec![("ignore_unavailable", "true")];
        query.extend_from_slice(parameters);
        let mut call = self.call(operation, Method::Post, path(&[&indices.join(","), verb]));
        call.query = &query;
        call.body = Body::Json(body.to_string().into());
        call.timeout = self.options.long_timeout;
        self.json(call).await
    }
}
