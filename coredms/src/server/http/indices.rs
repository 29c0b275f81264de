//! Indices, mappings, templates, refresh.

use super::{Answer, Call};
use crate::server::{
    error::{EsError, EsResult},
    store::{Meta, Template, matches},
};
use serde_json::{Map, Value, json};

/// PUT of an index.
pub fn create(call: &Call<'_>, index: &str) -> EsResult<Answer> {
    call.allow(&["timeout", "wait_for_active_shards"])?;
    call.app.store.create(index, &call.json()?)?;
    Ok(Answer::ok(
        json!({ "acknowledged": true, "shards_acknowledged": true, "index": index }),
    ))
}

/// DELETE of indices, by name only, as Elasticsearch's `action.destructive_requires_name` has it.
pub fn delete(call: &Call<'_>, expression: &str) -> EsResult<Answer> {
    call.allow(&["timeout"])?;
    if expression.contains('*') || expression == "_all" {
        return Err(EsError::illegal(
            "Wildcard expressions or all indices are not allowed",
        ));
    }
    for index in call.app.store.resolve(expression, call.scope())? {
        call.app.store.delete(&index.name())?;
    }
    Ok(Answer::acknowledged())
}

/// GET or HEAD of indices.
pub fn get(call: &Call<'_>, expression: &str) -> EsResult<Answer> {
    call.allow(&["flat_settings", "include_defaults", "features"])?;
    each(
        call,
        expression,
        |meta| json!({ "aliases": {}, "mappings": meta.mapping.to_json(), "settings": settings(meta) }),
    )
}

/// GET of mappings.
pub fn get_mapping(call: &Call<'_>, expression: &str) -> EsResult<Answer> {
    call.allow(&[])?;
    each(
        call,
        expression,
        |meta| json!({ "mappings": meta.mapping.to_json() }),
    )
}

/// GET of settings.
pub fn get_settings(call: &Call<'_>, expression: &str) -> EsResult<Answer> {
    call.allow(&[])?;
    each(
        call,
        expression,
        |meta| json!({ "settings": settings(meta) }),
    )
}

fn each(call: &Call<'_>, expression: &str, show: impl Fn(&Meta) -> Value) -> EsResult<Answer> {
    let indices = call.app.store.resolve(expression, call.scope())?;
    let shown: Map<String, Value> = indices
        .iter()
        .map(|index| {
            let meta = index.meta();
            (meta.name.clone(), show(&meta))
        })
        .collect();
    Ok(Answer::ok(Value::Object(shown)))
}

fn settings(meta: &Meta) -> Value {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let mut index = json!({ "number_of_shards": "1", "number_of_replicas": "1", "provided_name": meta.name,
        "creation_date": meta.created_ms.to_string(), "uuid": meta.uuid, "version": { "created": "8536000" } });
    for (key, value) in &meta.settings {
        index[key] = json!(text(value));
    }
    json!({ "index": index })
}

/// PUT of a mapping.
pub fn put_mapping(call: &Call<'_>, expression: &str) -> EsResult<Answer> {
    call.allow(&["timeout", "write_index_only"])?;
    let body = call.json()?;
    let indices = call.app.store.resolve(
        expression,
        super::super::store::Scope {
            allow_no_indices: false,
            ..call.scope()
        },
    )?;
    for index in indices {
        index.put_mapping(&body)?;
    }
    Ok(Answer::acknowledged())
}

/// `_refresh`.
pub fn refresh(call: &Call<'_>, expression: &str) -> EsResult<Answer> {
    call.allow(&[])?;
    let indices = call.app.store.resolve(expression, call.scope())?;
    for index in &indices {
        index.refresh()?;
    }
    Ok(Answer::ok(
        json!({ "_shards": { "total": indices.len(), "successful": indices.len(), "failed": 0 } }),
    ))
}

/// GET of index templates.
pub fn get_template(call: &Call<'_>, name: &str) -> EsResult<Answer> {
    call.allow(&[])?;
    let all = call.app.store.templates();
    let found: Vec<Value> = all
        .iter()
        .filter(|(key, _)| matches(name, key))
        .map(|(key, template)| json!({ "name": key, "index_template": template.body }))
        .collect();
    if found.is_empty() && !name.contains('*') {
        return Err(no_template(name));
    }
    Ok(Answer::ok(json!({ "index_templates": found })))
}

/// PUT of an index template.
pub fn put_template(call: &Call<'_>, name: &str) -> EsResult<Answer> {
    call.allow(&["create", "cause"])?;
    if call.flag("create") && call.app.store.templates().contains_key(name) {
        return Err(EsError::illegal(format!(
            "index template [{name}] already exists"
        )));
    }
    call.app
        .store
        .put_template(name, Template::new(call.json()?)?)?;
    Ok(Answer::acknowledged())
}

/// DELETE of index templates.
pub fn delete_template(call: &Call<'_>, name: &str) -> EsResult<Answer> {
    call.allow(&["timeout"])?;
    if !call.app.store.delete_template(name)? {
        let reason = format!("index_template [{name}] missing");
        return Err(EsError::new(
            404,
            "index_template_missing_exception",
            reason,
        ));
    }
    Ok(Answer::acknowledged())
}

fn no_template(name: &str) -> EsError {
    EsError::new(
        404,
        "resource_not_found_exception",
        format!("index template matching [{name}] not found"),
    )
}
