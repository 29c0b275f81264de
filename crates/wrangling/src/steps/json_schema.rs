//! The JSON Schema of the steps notation, made from the catalog of filters.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::catalog::{COMMON, FILTERS, Kind, PluginSpec};

/// The schema of a list of steps, for `#[schemars(schema_with = "…")]`; defines `Steps` in the generator.
pub fn json_schema(generator: &mut SchemaGenerator) -> Schema {
    let reference = json!({"$ref": "#/$defs/Steps"});
    let branch = json!({"if": {"type": "string", "description": "A condition, such as `[carrier] == \"UA\"`."}, "then": reference});
    let mut conditional = branch.clone();
    if let Value::Object(properties) = &mut conditional {
        let elif = json!({"type": "object", "properties": branch, "required": ["if", "then"], "additionalProperties": false});
        properties.insert("elif".to_owned(), json!({"type": "array", "items": elif}));
        properties.insert("else".to_owned(), reference);
    }
    let mut steps: Vec<Value> = FILTERS.iter().map(filter).collect();
    steps.push(
        json!({"type": "object", "properties": conditional, "required": ["if", "then"], "additionalProperties": false}),
    );
    let definition = json!({"type": "array", "items": {"oneOf": steps}});
    generator
        .definitions_mut()
        .insert("Steps".to_owned(), definition);
    json_schema!({"$ref": "#/$defs/Steps"})
}

fn filter(spec: &PluginSpec) -> Value {
    let options: Map<String, Value> = spec
        .options
        .iter()
        .chain(COMMON)
        .map(|(name, kind)| ((*name).to_owned(), kind_schema(*kind)))
        .collect();
    let inner =
        json!({"type": ["object", "null"], "properties": options, "additionalProperties": false});
    let properties = Map::from_iter([(spec.name.to_owned(), inner)]);
    json!({"type": "object", "properties": properties, "required": [spec.name], "additionalProperties": false})
}

fn kind_schema(kind: Kind) -> Value {
    let text = json!({"type": ["string", "number", "boolean"]});
    let list = json!({"type": "array", "items": text});
    match kind {
        Kind::Text | Kind::Codec => text,
        Kind::Program => json!({"type": "string"}),
        Kind::List => json!({"anyOf": [text, list]}),
        Kind::Map => json!({"type": "object", "additionalProperties": text}),
        Kind::MapOfLists => {
            json!({"type": "object", "additionalProperties": {"anyOf": [text, list]}})
        }
        Kind::Choice(choices) => json!({"enum": choices}),
        Kind::Tree => json!({"type": ["object", "array"]}),
        Kind::Bool => json!({"enum": [true, false, "true", "false"]}),
        Kind::Number => json!({"type": ["number", "string"]}),
    }
}
