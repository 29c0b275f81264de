//! Whether values fit a mapping that is there, asked without a server that has it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Mapping, ReadError, read};

/// What an object is called where fields have types.
const OBJECT: &str = "object";

/// A mapping to fit values to.
#[derive(Debug, Default)]
pub struct Fit {
    mapping: Mapping,
    /// Fields with their types, objects among them.
    types: BTreeMap<String, String>,
    /// Whether each of them is of a type that is known here.
    known: BTreeMap<String, bool>,
}

impl Fit {
    /// Of a mapping's body, as `GET _mapping` gives it.
    pub fn of(body: &Value) -> Self {
        let mut fit = Self::default();
        if let Some(properties) = body.get("properties").and_then(Value::as_object) {
            fit.take(properties, &mut Vec::new());
        }
        fit
    }

    /// Takes the fields in; one of a type that this server does not know is only noted.
    fn take(&mut self, properties: &Map<String, Value>, path: &mut Vec<String>) {
        for (name, definition) in properties {
            path.push(name.clone());
            let kind = definition.get("type").and_then(Value::as_str);
            let inner = definition.get("properties").and_then(Value::as_object);
            let known = match inner {
                Some(inner) => {
                    self.take(inner, path);
                    true
                }
                None => {
                    let body = properties_of(path, definition.clone());
                    self.mapping.merge(&body).is_ok()
                }
            };
            self.known.insert(path.join("."), known);
            self.types
                .insert(path.join("."), kind.unwrap_or(OBJECT).to_owned());
            path.pop();
        }
    }

    /// The fields with their types.
    pub fn types(&self) -> &BTreeMap<String, String> {
        &self.types
    }

    /// Whether the type of a field is one that can be told to fit.
    pub fn is_known(&self, field: &str) -> bool {
        self.known.get(field).copied().unwrap_or(true)
    }

    /// The fields of a document that would have it refused, with the reasons.
    pub fn refusals(&self, document: &Value) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if let Value::Object(members) = document {
            self.look(members, &mut Vec::new(), &mut found);
        }
        found
    }

    fn look(
        &self,
        members: &Map<String, Value>,
        path: &mut Vec<String>,
        found: &mut Vec<(String, String)>,
    ) {
        for (name, value) in members {
            path.push(name.clone());
            let field = path.join(".");
            let there = self.types.get(&field).map(String::as_str);
            match (value, there) {
                (Value::Object(inner), Some(OBJECT) | None) => self.look(inner, path, found),
                (_, None) => {}
                _ => {
                    let source = nested(path, value.clone()).to_string();
                    if let Err(ReadError::Refused(error)) =
                        read(&self.mapping, source.as_bytes(), "sample")
                    {
                        let reason = error.cause.map_or(error.reason, |cause| cause.1);
                        found.push((field, reason));
                    }
                }
            }
            path.pop();
        }
    }
}

/// `value` below objects of these names.
fn nested(path: &[String], value: Value) -> Value {
    path.iter()
        .rev()
        .fold(value, |inner, name| json!({ name.as_str(): inner }))
}

/// A mapping with one field.
fn properties_of(path: &[String], definition: Value) -> Value {
    path.iter().rev().fold(
        definition,
        |inner, name| json!({ "properties": { name.as_str(): inner } }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_told_field_by_field() {
        let fit = Fit::of(&json!({ "properties": {
            "n": { "type": "integer" },
            "text": { "type": "text", "fields": { "keyword": { "type": "keyword" } } },
            "inner": { "properties": { "when": { "type": "date" } } },
            "odd": { "type": "dense_vector", "dims": 3 },
        } }));
        assert_eq!(fit.types()["inner.when"], "date");
        assert_eq!(fit.types()["inner"], "object");
        assert!(!fit.is_known("odd") && fit.is_known("n"));
        let fields = |document: Value| -> Vec<String> {
            let refusals = fit.refusals(&document);
            refusals.into_iter().map(|(field, _)| field).collect()
        };
        assert_eq!(
            fields(json!({ "n": "many", "inner": { "when": "never" }, "new": 1 })),
            ["n", "inner.when"]
        );
        assert_eq!(
            fields(json!({ "n": { "a": 1 }, "inner": 3 })),
            ["n", "inner"]
        );
        assert_eq!(
            fields(json!({ "n": "12", "text": 5, "inner": { "when": "2013-01-01" }, "odd": 1 })),
            Vec::<String>::new()
        );
    }
}
