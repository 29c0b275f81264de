//! Who owns the ids that were taken (rule 10): asks the core DMS, never guesses.

use std::collections::BTreeMap;

use coredms::client::Provenance;
use domain::error::Failure;
use serde::Deserialize;

use super::Sink;
use super::answers::{RequestVerdict, judge_request};
use super::backoff::Backoff;

/// So many ids are asked for at once.
const PAGE: usize = 1000;

/// Where a document goes: what its action line says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Address {
    /// The index.
    #[serde(rename = "_index")]
    pub index: String,
    /// The id.
    #[serde(rename = "_id")]
    pub id: String,
}

#[derive(Deserialize)]
struct Action {
    create: Address,
}

impl Address {
    /// Reads the action line at the beginning of `operation`.
    pub fn of(operation: &[u8]) -> Result<Self, Failure> {
        let line = operation.split(|&b| b == b'\n').next().unwrap_or_default();
        let action: Action = serde_json::from_slice(line)
            .map_err(|e| crate::worker_defect(&format!("an action line is no JSON: {e}")))?;
        Ok(action.create)
    }
}

/// Where the documents at these addresses came from, in the order asked; none for those that do not exist, or that say
/// nothing of it.
pub async fn provenance(
    sink: &Sink,
    addresses: &[Address],
) -> Result<Vec<Option<Provenance>>, Failure> {
    let mut by_index: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, address) in addresses.iter().enumerate() {
        by_index.entry(&address.index).or_default().push(place);
    }
    let mut found = vec![None; addresses.len()];
    for (index, places) in by_index {
        for page in places.chunks(PAGE) {
            let ids: Vec<&str> = page
                .iter()
                .filter_map(|&place| addresses.get(place))
                .map(|a| a.id.as_str())
                .collect();
            for (&place, provenance) in page.iter().zip(lookup(sink, index, &ids).await?) {
                if let Some(slot) = found.get_mut(place) {
                    *slot = provenance;
                }
            }
        }
    }
    Ok(found)
}

async fn lookup(
    sink: &Sink,
    index: &str,
    ids: &[&str],
) -> Result<Vec<Option<Provenance>>, Failure> {
    let mut backoff = Backoff::new();
    loop {
        let error = match sink.client.mget_provenance(index, ids).await {
            Ok(found) => return Ok(found),
            Err(error) if error.status() == Some(404) => return Ok(vec![None; ids.len()]),
            Err(error) => error,
        };
        match judge_request(&error) {
            RequestVerdict::Again { .. } | RequestVerdict::Split => {
                sink.pace.troubled(&error.to_string());
                backoff.wait(error.retry_after()).await;
            }
            RequestVerdict::Doubtful(failure) | RequestVerdict::Fatal(failure) => {
                return Err(failure);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_from_the_action_line() {
        let found =
            Address::of(b"{\"create\":{\"_index\":\"a.b\",\"_id\":\"x\\\"y\"}}\n{\"z\":1}\n")
                .unwrap();
        assert_eq!(
            found,
            Address {
                index: "a.b".into(),
                id: "x\"y".into()
            }
        );
        assert!(Address::of(b"{").is_err());
    }
}
