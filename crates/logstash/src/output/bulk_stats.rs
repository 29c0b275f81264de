//! What the elasticsearch output counts, for the API.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};

/// Counts of documents and requests.
#[derive(Debug, Default)]
pub struct BulkStats {
    /// Documents that are stored.
    pub successes: Count,
    /// Documents that conflict with what is stored.
    pub non_retryable_failures: Count,
    /// Documents that were refused for good.
    pub dlq_routed: Count,
    /// Documents that were refused for now, each time.
    pub retryable_failures: Count,
    /// Requests in which every document was stored.
    pub requests: Count,
    /// Requests in which some were not.
    pub with_errors: Count,
    /// Requests that failed as a whole.
    pub failures: Count,
    responses: Mutex<BTreeMap<u16, u64>>,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Counts some more.
    pub fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl BulkStats {
    /// Counts an answer by its HTTP status.
    pub fn response(&self, status: u16) {
        let mut responses = self
            .responses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *responses.entry(status).or_default() += 1;
    }

    /// The members `documents` and `bulk_requests` of the API.
    pub fn shape(&self) -> [(&'static str, Value); 2] {
        let documents = json!({
            "successes": self.successes.get(),
            "non_retryable_failures": self.non_retryable_failures.get(),
            "dlq_routed": self.dlq_routed.get(),
            "retryable_failures": self.retryable_failures.get(),
        });
        let responses = self
            .responses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let responses: Map<String, Value> = responses
            .iter()
            .map(|(status, count)| (status.to_string(), (*count).into()))
            .collect();
        let requests = json!({
            "successes": self.requests.get(),
            "with_errors": self.with_errors.get(),
            "failures": self.failures.get(),
            "responses": responses,
        });
        [("documents", documents), ("bulk_requests", requests)]
    }
}
