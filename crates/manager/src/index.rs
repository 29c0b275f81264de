//! Index names of jobs: the pattern that covers them, and the template that gives them their mapping.

use domain::ids::{ClientId, JobRef};
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

/// The pattern that covers every index that a job's documents may go to: the destination with `*` for what depends on the
/// record, under the client's prefix. A client's id holds no dot, so the pattern never covers another client's indices.
pub(crate) fn pattern(client: &ClientId, destination: &str) -> String {
    let mut pattern = format!("{client}.");
    let mut rest = destination;
    while let Some((before, after)) = rest.split_once("%{") {
        let Some(close) = after.find('}') else { break };
        // `%{{…}}` is a date
        let close = if after.starts_with('{') && after[close..].starts_with("}}") {
            close + 1
        } else {
            close
        };
        pattern.extend(before.chars().flat_map(legal));
        if !pattern.ends_with('*') {
            pattern.push('*');
        }
        rest = &after[close + 1..];
    }
    pattern.extend(rest.chars().flat_map(legal));
    pattern
}

/// A character as it stands in index names.
fn legal(c: char) -> impl Iterator<Item = char> {
    let c = match c {
        '\\' | '/' | '*' | '?' | '"' | '<' | '>' | '|' | ' ' | ',' | '#' | ':' | '%' | '{'
        | '}' => '_',
        c if c.is_control() || c.is_whitespace() => '_',
        c => c,
    };
    c.to_lowercase()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_the_record_decides_and_stays_under_the_prefix() {
        let client: ClientId = "acme".parse().unwrap();
        for (destination, expected) in [
            ("flights", "acme.flights"),
            ("Flights-%{+yyyy.MM}", "acme.flights-*"),
            ("%{kind}", "acme.*"),
            ("a-%{[x][y]}%{z}-b c", "acme.a-*-b_c"),
            ("d-%{{yyyy-DDD}}-e", "acme.d-*-e"),
            ("*,other.x", "acme.__other.x"),
            ("open%{never", "acme.open__never"),
        ] {
            assert_eq!(pattern(&client, destination), expected, "{destination}");
        }
    }
}
