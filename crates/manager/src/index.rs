//! The template that gives a job's indices their mapping.

use domain::ids::JobRef;
use domain::index::pattern;
use domain::spec::JobSpec;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// An index template.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Template {
    /// Its name in the core DMS.
    pub name: String,
    /// Its body, in Elasticsearch's form.
    pub body: Value,
}

/// The template for a job's indices. Jobs that write to the same indices share it; the last one that was started wins.
pub(crate) fn template(job: &JobRef, spec: &JobSpec) -> Template {
    let pattern = pattern(&job.client, &spec.destination.index);
    let digest = Sha256::digest(pattern.as_bytes());
    let short = hex::encode(&digest[..4]);
    // patterns that overlap must differ in priority: the longer one is the more specific one
    let apart = u64::from(digest[4]) << 8 | u64::from(digest[5]);
    let priority = (pattern.len() as u64) << 16 | apart;
    let body = json!({
        "index_patterns": [pattern],
        "priority": priority,
        "template": { "mappings": { "properties": wrangling::schema::mapping(&spec.schema) } },
        "_meta": { "managed_by": "ingest", "job": job.to_string() },
    });
    Template {
        name: format!("{}.{short}", job.client),
        body,
    }
}
