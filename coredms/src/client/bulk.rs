//! `_bulk`: one request of many operations, and the reading of every operation's own result.
//!
//! HTTP 200 says nothing about the operations inside, so each status is read. The server is asked
//! for statuses and errors only, and the answer is scanned into a flat list of numbers; only
//! failures cost an allocation.

use super::{
    Client, ClientError,
    request::{Body, parse, path},
};
use bytes::Bytes;
use elasticsearch::http::Method;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{borrow::Cow, fmt};

const FILTER: &str = "took,errors,items.*.status,items.*.error.type,items.*.error.reason,\
                      items.*.error.caused_by,items.*.failure_store";

/// One operation that did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkFailure {
    /// Index of the operation in the request, from 0.
    pub position: usize,
    /// Its status: 409 for an id that exists, 429 or 503 for one that may be sent again, …
    /// A document that went to a failure store instead of its index keeps the server's status.
    pub status: u16,
    /// Elasticsearch's `error.type`; `failure_store` for a document diverted to a failure store.
    pub kind: String,
    /// Elasticsearch's `error.reason`, with the reason of its cause.
    pub reason: String,
}

impl BulkFailure {
    /// Whether sending this operation again may succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self.status, 429 | 502 | 503 | 504)
    }
}

/// The results of the operations of one `_bulk`, in request order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct BulkResponse {
    /// Milliseconds that the server says it took.
    pub took_ms: u64,
    /// One status per operation.
    pub statuses: Vec<u16>,
    /// The operations that failed, in request order.
    pub failures: Vec<BulkFailure>,
}

impl Client {
    /// Sends NDJSON `body` (action and document lines), compressed if `gzip`, and returns every
    /// operation's result.
    ///
    /// # Errors
    /// When the request as a whole failed; failed operations are in [`BulkResponse::failures`].
    pub async fn bulk(&self, body: Bytes, gzip: bool) -> Result<BulkResponse, ClientError> {
        self.bulk_into(None, body, gzip).await
    }

    /// [`Client::bulk`] with a default index for actions that name none.
    ///
    /// # Errors
    /// As [`Client::bulk`].
    pub async fn bulk_into(
        &self,
        index: Option<&str>,
        body: Bytes,
        gzip: bool,
    ) -> Result<BulkResponse, ClientError> {
        let path = index.map_or_else(|| "/_bulk".into(), |index| path(&[index, "_bulk"]));
        let mut call = self.call("bulk", Method::Post, path);
        call.query = &[("filter_path", FILTER)];
        call.body = Body::Ndjson { body, gzip };
        let (_, answer) = self.send(call).await?;
        let response: BulkResponse = parse("bulk", &answer)?;
        Ok(response)
    }
}

impl<'de> Deserialize<'de> for BulkResponse {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ResponseVisitor)
    }
}

struct ResponseVisitor;

impl<'de> Visitor<'de> for ResponseVisitor {
    type Value = BulkResponse;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer of _bulk")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<BulkResponse, A::Error> {
        let mut response = BulkResponse::default();
        let mut errors = None;
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            match &*key {
                "took" => response.took_ms = map.next_value()?,
                "errors" => errors = Some(map.next_value::<bool>()?),
                "items" => {
                    let items: Items = map.next_value()?;
                    (response.statuses, response.failures) = (items.statuses, items.failures);
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        match errors {
            None => Err(serde::de::Error::missing_field("errors")),
            Some(true) if response.failures.is_empty() => Err(serde::de::Error::custom(
                "the answer says that there were errors, but no operation has one",
            )),
            _ => Ok(response),
        }
    }
}

#[derive(Default)]
struct Items {
    statuses: Vec<u16>,
    failures: Vec<BulkFailure>,
}

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ItemsVisitor)
    }
}

struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Items;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the list of operations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Items, A::Error> {
        let mut items = Items::default();
        while let Some(Operation(outcome)) = seq.next_element()? {
            if let Some(failure) = outcome.failure(items.statuses.len()) {
                items.failures.push(failure);
            }
            items.statuses.push(outcome.status);
        }
        Ok(items)
    }
}

/// `{"create": {…}}`: the verb is not needed, the request knows it.
struct Operation(Outcome);

impl<'de> Deserialize<'de> for Operation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OperationVisitor;
        impl<'de> Visitor<'de> for OperationVisitor {
            type Value = Operation;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one operation")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Operation, A::Error> {
                let Some((IgnoredAny, outcome)) = map.next_entry()? else {
                    return Err(serde::de::Error::custom("an operation without a result"));
                };
                Ok(Operation(outcome))
            }
        }
        deserializer.deserialize_map(OperationVisitor)
    }
}

#[derive(Deserialize)]
struct Outcome {
    status: u16,
    error: Option<Cause>,
    failure_store: Option<String>,
}

#[derive(Deserialize)]
struct Cause {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    reason: Option<String>,
    caused_by: Option<Box<Cause>>,
}

impl Outcome {
    fn failure(&self, position: usize) -> Option<BulkFailure> {
        if let Some(error) = &self.error {
            let mut reason = error.reason.clone().unwrap_or_default();
            if let Some(inner) = error.caused_by.as_ref().and_then(|c| c.reason.as_deref()) {
                reason = format!("{reason}: {inner}");
            }
            let kind = error.kind.clone();
            return Some(BulkFailure {
                position,
                status: self.status,
                kind,
                reason,
            });
        }
        let (kind, reason) = match self.failure_store.as_deref() {
            Some("used") => ("failure_store", "the document went to the failure store"),
            _ if self.status >= 300 => ("", "no reason was given"),
            _ => return None,
        };
        Some(BulkFailure {
            position,
            status: self.status,
            kind: kind.into(),
            reason: reason.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_read_and_failures_keep_their_place() {
        let answer = r#"{"took":7,"errors":true,"items":[{"create":{"status":201}},
            {"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"exists"}}},
            {"index":{"status":400,"error":{"type":"document_parsing_exception","reason":"bad","caused_by":{"type":"x","reason":"why"}}}},
            {"create":{"status":201,"failure_store":"used"}}, {"delete":{"status":404}}]}"#;
        let response: BulkResponse = serde_json::from_str(answer).unwrap();
        assert_eq!(response.statuses, [201, 409, 400, 201, 404]);
        let kinds: Vec<_> = response
            .failures
            .iter()
            .map(|f| (f.position, f.kind.as_str()))
            .collect();
        assert_eq!(
            kinds,
            [
                (1, "version_conflict_engine_exception"),
                (2, "document_parsing_exception"),
                (3, "failure_store"),
                (4, "")
            ]
        );
        assert_eq!(response.failures[1].reason, "bad: why");
    }

    #[test]
    fn an_answer_that_hides_its_errors_is_refused() {
        for answer in [
            r#"{"took":1,"errors":true,"items":[{"create":{"status":201}}]}"#,
            "{}",
            "[]",
        ] {
            assert!(
                serde_json::from_str::<BulkResponse>(answer).is_err(),
                "{answer}"
            );
        }
    }
}
