//! The Elasticsearch mapping of a schema.

use serde_json::{Map, Value, json};

use super::{FieldType, Schema};
use crate::field_ref::FieldRef;

/// The mapping's `properties`: the schema's fields, `@timestamp` and the `provenance` object.
#[must_use]
pub fn mapping(schema: &Schema) -> Value {
    let mut properties = Map::new();
    for (name, field) in &schema.fields {
        if let Ok(path) = FieldRef::parse(name) {
            insert(&mut properties, path.path(), field.kind);
        }
    }
    properties.insert("@timestamp".to_owned(), json!({"type": "date"}));
    properties.insert("provenance".to_owned(), provenance());
    Value::Object(properties)
}

fn provenance() -> Value {
    let (keyword, integer) = (json!({"type": "keyword"}), json!({"type": "integer"}));
    json!({"properties": {
        "client": keyword, "job": keyword, "run": keyword, "file": keyword,
        "revision": integer, "position": {"type": "long"}, "ordinal": integer,
    }})
}

fn insert(properties: &mut Map<String, Value>, path: &[String], kind: FieldType) {
    let [name, rest @ ..] = path else { return };
    let entry = properties.entry(name.clone()).or_insert_with(|| json!({}));
    let Value::Object(entry) = entry else { return };
    if rest.is_empty() {
        entry.insert("type".to_owned(), type_name(kind).into());
        return;
    }
    let inner = entry.entry("properties").or_insert_with(|| json!({}));
    if let Value::Object(inner) = inner {
        insert(inner, rest, kind);
    }
}

fn type_name(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Keyword => "keyword",
        FieldType::Text => "text",
        FieldType::Integer => "integer",
        FieldType::Long => "long",
        FieldType::Float => "float",
        FieldType::Double => "double",
        FieldType::Boolean => "boolean",
        FieldType::Date => "date",
        FieldType::Ip => "ip",
        FieldType::GeoPoint => "geo_point",
        FieldType::Object => "object",
    }
}
