//! Index templates: what a new index gets by its name.

use super::names::matches;
use crate::server::{
    error::{EsError, EsResult},
    mapping::Mapping,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A composable index template, checked.
#[derive(Debug, Clone)]
pub struct Template {
    /// As it was given, for showing.
    pub body: Value,
    patterns: Vec<String>,
    priority: u64,
}

impl Template {
    /// Reads a template body.
    ///
    /// # Errors
    /// 400 for a body that Elasticsearch would refuse, 501 for parts that only Elasticsearch has.
    pub fn new(body: Value) -> EsResult<Self> {
        let Some(object) = body.as_object() else {
            return Err(EsError::parsing("an index template must be an object"));
        };
        for key in object.keys() {
            match key.as_str() {
                "index_patterns" | "priority" | "template" | "_meta" | "version" => {}
                "composed_of" if object[key].as_array().is_some_and(Vec::is_empty) => {}
                "composed_of"
                | "data_stream"
                | "ignore_missing_component_templates"
                | "allow_auto_create"
                | "deprecated" => {
                    return Err(EsError::unsupported(format!(
                        "[{key}] of an index template"
                    )));
                }
                other => {
                    return Err(EsError::new(
                        400,
                        "x_content_parse_exception",
                        format!("[index_template] unknown field [{other}]"),
                    ));
                }
            }
        }
        let patterns = match &body["index_patterns"] {
            Value::String(pattern) => vec![pattern.clone()],
            Value::Array(list) => list
                .iter()
                .filter_map(|p| p.as_str().map(str::to_owned))
                .collect(),
            _ => Vec::new(),
        };
        if patterns.is_empty() {
            return Err(EsError::illegal("index template must have index patterns"));
        }
        let priority = body["priority"].as_u64().unwrap_or(0);
        index_parts(&body["template"])?;
        Ok(Self {
            body,
            patterns,
            priority,
        })
    }
}

/// Settings and mapping of the body of a template or of an index creation.
///
/// # Errors
/// 400 or 501 for what cannot be honoured.
pub fn index_parts(body: &Value) -> EsResult<(Map<String, Value>, Mapping)> {
    let (mut settings, mut mapping) = (Map::new(), Mapping::default());
    for (key, value) in body.as_object().into_iter().flatten() {
        match key.as_str() {
            "settings" => flatten("", value, &mut settings),
            "mappings" => mapping.merge(value)?,
            "aliases" if value.as_object().is_some_and(Map::is_empty) => {}
            "aliases" => return Err(EsError::unsupported("an alias")),
            other => {
                return Err(EsError::new(
                    400,
                    "parse_exception",
                    format!("unknown key [{other}] for create index"),
                ));
            }
        }
    }
    for (key, value) in &settings {
        let known = key.starts_with("number_of_")
            || key.starts_with("mapping.")
            || key.starts_with("translog.")
            || matches!(
                key.as_str(),
                "refresh_interval"
                    | "codec"
                    | "auto_expand_replicas"
                    | "hidden"
                    | "max_result_window"
            );
        if !known {
            return Err(EsError::unsupported(format!(
                "the index setting [index.{key}: {value}]"
            )));
        }
    }
    Ok((settings, mapping))
}

/// `{"index": {"a": {"b": 1}}}`, `{"index.a.b": 1}` and `{"a.b": 1}` all become `a.b`.
fn flatten(prefix: &str, value: &Value, out: &mut Map<String, Value>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        let full = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        match value {
            Value::Object(_) => flatten(&full, value, out),
            other => {
                out.insert(
                    full.strip_prefix("index.").unwrap_or(&full).to_owned(),
                    other.clone(),
                );
            }
        }
    }
}

/// The template for a new index: the one with the highest priority whose pattern fits.
pub fn for_index<'a>(
    templates: &'a BTreeMap<String, Template>,
    name: &str,
) -> Option<&'a Template> {
    templates
        .values()
        .filter(|template| {
            template
                .patterns
                .iter()
                .any(|pattern| matches(pattern, name))
        })
        .max_by_key(|template| template.priority)
}

/// Refuses a template that would compete with another one of the same priority.
pub fn check_overlap(
    templates: &BTreeMap<String, Template>,
    name: &str,
    template: &Template,
) -> EsResult<()> {
    let overlap = |other: &Template| {
        other.priority == template.priority
            && other
                .patterns
                .iter()
                .any(|a| template.patterns.iter().any(|b| may_overlap(a, b)))
    };
    match templates
        .iter()
        .find(|(other, body)| *other != name && overlap(body))
    {
        None => Ok(()),
        Some((other, body)) => Err(EsError::illegal(format!(
            "index template [{name}] has index patterns {} matching patterns from existing templates [{other}] with patterns ({other} => {}) that have the same priority [{}], multiple index templates may not match during index creation, please use a different priority",
            json!(template.patterns),
            json!(body.patterns),
            template.priority
        ))),
    }
}

fn may_overlap(a: &str, b: &str) -> bool {
    matches(a, &b.replace('*', ""))
        || matches(b, &a.replace('*', ""))
        || matches(a, b)
        || matches(b, a)
}
