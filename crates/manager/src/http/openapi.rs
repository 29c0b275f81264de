//! The API's description (OpenAPI 3.1), made of the table of routes and of the types' own JSON schemas.

use std::sync::LazyLock;

use api::Problem;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::resources::routes;
use super::route::{Access, Gives, Route, Takes};

static DOCUMENT: LazyLock<Value> = LazyLock::new(describe);

/// The description.
pub(crate) fn document() -> &'static Value {
    &DOCUMENT
}

fn describe() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let problem = generator.subschema_for::<Problem>();
    let mut paths = Map::new();
    for route in routes() {
        let operation = operation(route, &mut generator);
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[route.method.as_str().to_ascii_lowercase()] = operation;
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ingestion platform",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Ingestion with proof. Errors are problem documents (RFC 9457); `/v1/errors` explains their codes. Times are milliseconds since the epoch, UTC.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "responses": { "Problem": {
                "description": "Refused, or failed",
                "content": { "application/problem+json": { "schema": problem } },
            } },
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer", "description": "`ing_…`" } },
        },
    });
    relocate(&mut document);
    document
}

/// Has references lead to where an OpenAPI document keeps its schemas; a JSON Schema keeps them elsewhere.
fn relocate(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get_mut("$ref")
                && let Some(name) = reference.strip_prefix("#/$defs/")
            {
                *reference = format!("#/components/schemas/{name}");
            }
            object.values_mut().for_each(relocate);
        }
        Value::Array(items) => items.iter_mut().for_each(relocate),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "tags": [tag(route.path)],
        "parameters": parameters(route),
        "responses": {
            route.status.to_string(): answer(route, generator),
            "default": { "$ref": "#/components/responses/Problem" },
        },
    });
    if let Some(body) = body(route, generator) {
        operation["requestBody"] = body;
    }
    operation["security"] = match route.access {
        Access::Public => json!([]),
        Access::Registration => json!([{}, { "token": [] }]),
        Access::AnyToken | Access::OwnClient | Access::Admin => json!([{ "token": [] }]),
    };
    operation
}

/// The resource that a path belongs to.
fn tag(path: &str) -> &'static str {
    let has = |segment: &str| path.split('/').any(|s| s == segment);
    match () {
        () if has("runs") || has("start") => "runs",
        () if has("staging") => "staging",
        () if has("jobs") || has("job-schema") => "jobs",
        () if has("tokens") || has("invitations") => "tokens",
        () if has("clients") => "clients",
        () => "platform",
    }
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = route
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path.map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let others = route.params.iter().map(|param| {
        json!({ "name": param.name, "in": param.place, "description": param.doc, "schema": { "type": param.kind } })
    });
    in_path.chain(others).collect()
}

fn body(route: &Route, generator: &mut SchemaGenerator) -> Option<Value> {
    Some(match route.takes {
        Takes::Nothing => return None,
        Takes::Json(schema) => {
            json!({ "required": true, "content": { "application/json": { "schema": schema(generator) } } })
        }
        Takes::Spec { required } => {
            let schema = json!({ "schema": generator.subschema_for::<domain::spec::JobSpec>() });
            json!({ "required": required, "content": { "application/json": schema, "application/yaml": schema } })
        }
        Takes::Bytes => json!({ "required": true, "content": { "application/octet-stream": {} } }),
    })
}

fn answer(route: &Route, generator: &mut SchemaGenerator) -> Value {
    match route.gives {
        Gives::Nothing => json!({ "description": "Done" }),
        Gives::Json(schema) => {
            json!({ "description": "Done", "content": { "application/json": { "schema": schema(generator) } } })
        }
        Gives::Content(types) => {
            let content: Map<String, Value> = types
                .iter()
                .map(|&name| (name.to_owned(), json!({})))
                .collect();
            json!({ "description": "Done", "content": content })
        }
    }
}
