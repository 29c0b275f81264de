//! Dynamic mapping: the types of fields seen for the first time, as Elasticsearch guesses them.

use super::{Dynamic, MAX_FIELDS, Mapping, Node, Object, json::too_many_fields, optional_date};
use crate::server::error::{EsError, EsResult};
use serde_json::{Map, Value, json};

/// The mapping with the fields that `source` adds, or `None` when it adds none.
///
/// # Errors
/// 400 when `source` is no JSON object, or there would be too many fields.
pub fn extend(mapping: &Mapping, source: &[u8]) -> EsResult<Option<Mapping>> {
    let refused = |reason: String| EsError::new(400, "document_parsing_exception", reason);
    let document: Value =
        serde_json::from_slice(source).map_err(|e| refused(format!("failed to parse: {e}")))?;
    let Value::Object(members) = document else {
        return Err(refused(
            "failed to parse: the document is not an object".into(),
        ));
    };
    let properties = object(
        Some(&mapping.root),
        mapping.root.dynamic.unwrap_or(Dynamic::True),
        &members,
    )?;
    if properties.is_empty() {
        return Ok(None);
    }
    let mut extended = mapping.clone();
    extended.merge(&json!({ "properties": properties }))?;
    if extended.len() > MAX_FIELDS {
        return Err(too_many_fields());
    }
    Ok(Some(extended))
}

/// Definitions of the members that `known` does not have.
fn object(
    known: Option<&Object>,
    dynamic: Dynamic,
    members: &Map<String, Value>,
) -> EsResult<Map<String, Value>> {
    let dynamic = known.and_then(|known| known.dynamic).unwrap_or(dynamic);
    let mut found = Map::new();
    for (key, value) in members {
        let (first, rest) = key
            .split_once('.')
            .map_or((key.as_str(), None), |(first, rest)| (first, Some(rest)));
        // `{"a.b": 1}` means `{"a": {"b": 1}}`.
        let nested = rest.map(|rest| json!({ rest: value }));
        let value = nested.as_ref().unwrap_or(value);
        let node = known.and_then(|known| known.properties.get(first));
        let definition = match node {
            Some(Node::Leaf { .. }) => None,
            Some(Node::Object(inner)) => {
                within(Some(inner), dynamic, value)?.filter(|d| d.get("properties").is_some())
            }
            None if dynamic != Dynamic::True => None,
            None => member(value, dynamic)?,
        };
        if let Some(definition) = definition {
            merge_into(&mut found, first, definition);
        }
    }
    Ok(found)
}

/// Two members of one document may define parts of the same object.
fn merge_into(found: &mut Map<String, Value>, name: &str, definition: Value) {
    let inner = |value: &Value| value.get("properties").and_then(Value::as_object).cloned();
    let merged = match (found.get(name).and_then(inner), inner(&definition)) {
        (Some(mut old), Some(new)) => {
            for (name, definition) in new {
                merge_into(&mut old, &name, definition);
            }
            json!({ "properties": old })
        }
        (Some(_), None) => return,
        (None, _) if found.contains_key(name) && definition.get("properties").is_none() => return,
        _ => definition,
    };
    found.insert(name.into(), merged);
}

fn within(known: Option<&Object>, dynamic: Dynamic, value: &Value) -> EsResult<Option<Value>> {
    match value {
        Value::Object(members) => Ok(Some(match object(known, dynamic, members)? {
            none if none.is_empty() => json!({ "type": "object" }),
            properties => json!({ "properties": properties }),
        })),
        Value::Array(values) => {
            let mut found = Map::new();
            for value in values {
                if let Some(definition) = within(known, dynamic, value)? {
                    merge_into(&mut found, "", definition);
                }
            }
            Ok(found.remove(""))
        }
        _ => Ok(None),
    }
}

fn member(value: &Value, dynamic: Dynamic) -> EsResult<Option<Value>> {
    Ok(match value {
        Value::Null => None,
        Value::Bool(_) => Some(json!({ "type": "boolean" })),
        Value::Number(number) if number.is_f64() => Some(json!({ "type": "float" })),
        Value::Number(_) => Some(json!({ "type": "long" })),
        Value::String(text) => Some(string(text)),
        Value::Object(_) => within(None, dynamic, value)?,
        // The first value that is not null decides; objects of a list are taken together.
        Value::Array(values) => match values.iter().find(|value| !value.is_null()) {
            None => None,
            Some(Value::Object(_)) => within(None, dynamic, value)?,
            Some(first) => member(first, dynamic)?,
        },
    })
}

fn string(text: &str) -> Value {
    if text.parse::<f64>().is_err() {
        if optional_date(text) {
            return json!({ "type": "date" });
        }
        let slashes = "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd";
        if super::DateFormat::new(slashes).is_some_and(|format| format.parse(text).is_some()) {
            return json!({ "type": "date", "format": format!("{slashes}||epoch_millis") });
        }
    }
    json!({ "type": "text", "fields": { "keyword": { "type": "keyword", "ignore_above": 256 } } })
}
