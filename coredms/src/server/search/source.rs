//! Which parts of a document's source are returned.

use crate::server::error::{EsError, EsResult};
use serde_json::{Map, Value, value::RawValue};
use std::collections::HashMap;

/// `_source` of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceFilter {
    /// All of it, as it was sent.
    All,
    /// Nothing.
    None,
    /// Paths with wildcards.
    Paths {
        includes: Vec<String>,
        excludes: Vec<String>,
    },
}

impl SourceFilter {
    /// Reads `_source` of a body.
    ///
    /// # Errors
    /// 400 for another shape.
    pub fn new(value: &Value) -> EsResult<Self> {
        let list = |value: Option<&Value>| -> EsResult<Vec<String>> {
            match value {
                None => Ok(Vec::new()),
                Some(Value::String(one)) => Ok(vec![one.clone()]),
                Some(Value::Array(many)) if many.iter().all(Value::is_string) => Ok(many
                    .iter()
                    .filter_map(|v| v.as_str().map(str::to_owned))
                    .collect()),
                Some(other) => Err(EsError::parsing(format!(
                    "unexpected value in [_source]: {other}"
                ))),
            }
        };
        Ok(match value {
            Value::Bool(true) => Self::All,
            Value::Bool(false) => Self::None,
            Value::Object(object) => {
                if let Some(other) = object.keys().find(|k| {
                    !matches!(k.as_str(), "includes" | "include" | "excludes" | "exclude")
                }) {
                    return Err(EsError::parsing(format!(
                        "Unknown key for a VALUE in [{other}]."
                    )));
                }
                let either = |a: &str, b: &str| list(object.get(a).or_else(|| object.get(b)));
                Self::Paths {
                    includes: either("includes", "include")?,
                    excludes: either("excludes", "exclude")?,
                }
            }
            other => Self::Paths {
                includes: list(Some(other))?,
                excludes: Vec::new(),
            },
        })
    }

    /// Overrides by the URL parameters `_source`, `_source_includes`, `_source_excludes`.
    pub fn with_parameters(self, parameters: &HashMap<String, String>) -> Self {
        let list = |name: &str| {
            parameters
                .get(name)
                .map(|list| list.split(',').map(str::to_owned).collect::<Vec<_>>())
        };
        let (includes, excludes) = (list("_source_includes"), list("_source_excludes"));
        if includes.is_some() || excludes.is_some() {
            return Self::Paths {
                includes: includes.unwrap_or_default(),
                excludes: excludes.unwrap_or_default(),
            };
        }
        match parameters.get("_source").map(String::as_str) {
            None => self,
            Some("true" | "") => Self::All,
            Some("false") => Self::None,
            Some(_) => Self::Paths {
                includes: list("_source").unwrap_or_default(),
                excludes: Vec::new(),
            },
        }
    }

    /// The source to return, or `None`.
    ///
    /// # Errors
    /// When the stored source is not JSON.
    pub fn apply(&self, source: &[u8]) -> EsResult<Option<Box<RawValue>>> {
        let broken = |e| EsError::internal("stored source", e);
        match self {
            Self::None => Ok(None),
            Self::All => Ok(Some(serde_json::from_slice(source).map_err(broken)?)),
            Self::Paths { includes, excludes } => {
                let value: Value = serde_json::from_slice(source).map_err(broken)?;
                let filtered = match value {
                    Value::Object(object) => Value::Object(filter_object(
                        object,
                        "",
                        includes,
                        excludes,
                        includes.is_empty(),
                    )),
                    other => other,
                };
                Ok(Some(
                    serde_json::value::to_raw_value(&filtered).map_err(broken)?,
                ))
            }
        }
    }
}

fn filter_object(
    object: Map<String, Value>,
    prefix: &str,
    includes: &[String],
    excludes: &[String],
    included: bool,
) -> Map<String, Value> {
    let mut out = Map::new();
    for (key, value) in object {
        let path = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        if excludes.iter().any(|pattern| fits(pattern, &path)) {
            continue;
        }
        let included = included || includes.iter().any(|pattern| fits(pattern, &path));
        if let Some(value) = filter_value(value, &path, includes, excludes, included) {
            out.insert(key, value);
        }
    }
    out
}

fn filter_value(
    value: Value,
    path: &str,
    includes: &[String],
    excludes: &[String],
    included: bool,
) -> Option<Value> {
    match value {
        Value::Object(object) => {
            let inner = filter_object(object, path, includes, excludes, included);
            (included || !inner.is_empty()).then_some(Value::Object(inner))
        }
        Value::Array(values) => {
            let was_empty = values.is_empty();
            let kept: Vec<Value> = values
                .into_iter()
                .filter_map(|value| match value {
                    nested @ (Value::Object(_) | Value::Array(_)) => {
                        filter_value(nested, path, includes, excludes, included)
                    }
                    scalar => included.then_some(scalar),
                })
                .collect();
            (included && was_empty || !kept.is_empty()).then_some(Value::Array(kept))
        }
        scalar => included.then_some(scalar),
    }
}

/// Whether a pattern names this path or something above it.
fn fits(pattern: &str, path: &str) -> bool {
    wild(pattern.as_bytes(), path.as_bytes())
}

fn wild(pattern: &[u8], path: &[u8]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (None, Some((b'.', _))) => true,
        (Some((b'*', rest)), _) => {
            wild(rest, path)
                || path
                    .split_first()
                    .is_some_and(|(_, tail)| wild(pattern, tail))
        }
        (Some((a, rest)), Some((b, tail))) if a == b => wild(rest, tail),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_are_kept_and_dropped() {
        let source =
            json!({ "a": { "b": 1, "c": { "d": 2 } }, "e": [{ "f": 3, "g": 4 }, 5], "h": "x" });
        for (filter, expected) in [
            (
                json!(true),
                json!({ "a": { "b": 1, "c": { "d": 2 } }, "e": [{ "f": 3, "g": 4 }, 5], "h": "x" }),
            ),
            (json!("a.b"), json!({ "a": { "b": 1 } })),
            (
                json!(["a.*", "h"]),
                json!({ "a": { "b": 1, "c": { "d": 2 } }, "h": "x" }),
            ),
            (json!("a"), json!({ "a": { "b": 1, "c": { "d": 2 } } })),
            (json!("e.f"), json!({ "e": [{ "f": 3 }] })),
            (
                json!({ "excludes": ["a.c", "e"] }),
                json!({ "a": { "b": 1 }, "h": "x" }),
            ),
            (
                json!({ "includes": ["a"], "excludes": ["*.d"] }),
                json!({ "a": { "b": 1, "c": {} } }),
            ),
        ] {
            let raw = SourceFilter::new(&filter)
                .unwrap()
                .apply(source.to_string().as_bytes())
                .unwrap()
                .unwrap();
            assert_eq!(
                serde_json::from_str::<Value>(raw.get()).unwrap(),
                expected,
                "{filter}"
            );
        }
        assert!(
            SourceFilter::new(&json!(false))
                .unwrap()
                .apply(b"{}")
                .unwrap()
                .is_none()
        );
    }
}
