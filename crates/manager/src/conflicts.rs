//! Where documents do not fit the indices that are there.

use std::collections::BTreeMap;

use api::{Conflict, ConflictEffect};
use coredms::server::Fit;
use domain::preview::SampledRecord;
use serde_json::Value;

/// The conflicts of these records' documents with mappings by index; `own` is the job's own mapping.
pub(crate) fn conflicts(
    records: &[SampledRecord],
    mappings: &BTreeMap<String, Value>,
    own: &Value,
) -> Vec<Conflict> {
    let own = Fit::of(own);
    let mut by_index: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for document in records.iter().flat_map(|record| &record.documents) {
        by_index
            .entry(&document.index)
            .or_default()
            .push(&document.document);
    }
    by_index
        .into_iter()
        .filter_map(|(index, documents)| Some((index, mappings.get(index)?, documents)))
        .flat_map(|(index, mapping, documents)| {
            of_index(index, &Fit::of(mapping), &own, &documents)
        })
        .collect()
}

fn of_index(index: &str, there: &Fit, own: &Fit, documents: &[&Value]) -> Vec<Conflict> {
    let conflict = |field: &str, here: String, effect, documents, message| Conflict {
        index: index.to_owned(),
        field: field.to_owned(),
        there: there.types().get(field).cloned().unwrap_or_default(),
        here,
        effect,
        documents,
        message,
    };
    let mut refused: BTreeMap<String, (u64, String, String)> = BTreeMap::new();
    for document in documents {
        for (field, reason) in there.refusals(document) {
            let here = match own.types().get(&field) {
                Some(kind) => kind.clone(),
                None => kind_of(at(document, &field)).to_owned(),
            };
            refused.entry(field).or_insert((0, here, reason)).0 += 1;
        }
    }
    let mut found: Vec<Conflict> = refused
        .iter()
        .map(|(field, (count, here, reason))| {
            let effect = match there.is_known(field) {
                true => ConflictEffect::Refused,
                false => ConflictEffect::Unknown,
            };
            conflict(field, here.clone(), effect, *count, reason.clone())
        })
        .collect();
    for (field, here) in own.types() {
        let differs = there.types().get(field).is_some_and(|kind| kind != here);
        if !differs || refused.contains_key(field) {
            continue;
        }
        let holding = documents
            .iter()
            .filter(|document| !at(document, field).is_null())
            .count() as u64;
        let (effect, message) = match there.is_known(field) {
            true => (
                ConflictEffect::KeepsType,
                "the values are taken, but searched and sorted as the type that is there; another index name, or indexing anew, gives them the job's type",
            ),
            false => (
                ConflictEffect::Unknown,
                "whether the core DMS takes the values can only be told by a run",
            ),
        };
        found.push(conflict(
            field,
            here.clone(),
            effect,
            holding,
            message.into(),
        ));
    }
    found
}

/// The value of a field; null if there is none.
fn at<'d>(document: &'d Value, field: &str) -> &'d Value {
    field
        .split('.')
        .try_fold(document, |value, name| value.get(name))
        .unwrap_or(&Value::Null)
}

/// What a value is, as the core DMS would call it.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "long",
        Value::String(_) => "text",
        Value::Array(values) => values.first().map_or("null", kind_of),
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::preview::SampledDocument;
    use domain::reject::RawEncoding;
    use serde_json::json;

    fn record(index: &str, document: Value) -> SampledRecord {
        SampledRecord {
            position: 0,
            line: 1,
            raw: String::new(),
            raw_encoding: RawEncoding::Utf8,
            raw_bytes: 0,
            documents: vec![SampledDocument {
                index: index.into(),
                id: "1".into(),
                document,
            }],
            rejects: Vec::new(),
        }
    }

    #[test]
    fn what_is_refused_and_what_keeps_its_type_is_told_for_indices_that_are_there() {
        let mappings = BTreeMap::from([(
            "acme.a".to_owned(),
            json!({ "properties": { "n": { "type": "integer" }, "k": { "type": "text" } } }),
        )]);
        let own =
            json!({ "properties": { "n": { "type": "keyword" }, "k": { "type": "keyword" } } });
        let records = [
            record("acme.a", json!({ "n": "many", "k": "x", "new": 1 })),
            record("acme.a", json!({ "n": "5" })),
            record("acme.b", json!({ "n": "many" })),
        ];
        let found = conflicts(&records, &mappings, &own);
        let told: Vec<_> = found
            .iter()
            .map(|c| {
                (
                    c.field.as_str(),
                    c.there.as_str(),
                    c.here.as_str(),
                    c.effect,
                    c.documents,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("n", "integer", "keyword", ConflictEffect::Refused, 1),
                ("k", "text", "keyword", ConflictEffect::KeepsType, 1),
            ]
        );
    }
}
