//! Mappings as JSON: read with every unknown parameter refused, merged, printed.

use super::{DateFormat, Dynamic, Kind, MAX_FIELDS, Mapping, Node, Object, date};
use crate::server::error::{EsError, EsResult};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::Arc};

impl Mapping {
    /// Merges a mapping body (`{"properties": …, "dynamic": …}`) into this mapping.
    ///
    /// # Errors
    /// 400 for an unknown type or parameter, or a type that differs from the one a field has.
    pub fn merge(&mut self, body: &Value) -> EsResult<()> {
        let Some(body) = body.as_object() else {
            return Err(refused("the mapping must be an object"));
        };
        let mut changed = self.clone();
        let mut root = std::mem::take(&mut changed.root);
        for (key, value) in body {
            match key.as_str() {
                "properties" => changed.merge_properties(&mut root, "", value)?,
                "dynamic" => root.dynamic = Some(dynamic(value)?),
                // Detection is on by default; notes for people may stay.
                "date_detection" if value == &json!(true) => {}
                "numeric_detection" if value == &json!(false) => {}
                "_meta" => {}
                "_source" if value.get("enabled").is_none_or(|v| v == &json!(true)) => {}
                other => {
                    return Err(refused(format!(
                        "unsupported parameter [{other}] of the mapping"
                    )));
                }
            }
        }
        changed.root = root;
        if changed.len() > MAX_FIELDS {
            return Err(too_many_fields());
        }
        *self = changed;
        Ok(())
    }

    fn merge_properties(
        &mut self,
        object: &mut Object,
        prefix: &str,
        body: &Value,
    ) -> EsResult<()> {
        let Some(properties) = body.as_object() else {
            return Err(refused("[properties] must be an object"));
        };
        for (name, definition) in properties {
            let Some(definition) = definition.as_object() else {
                return Err(refused(format!(
                    "Expected map for property [fields] on field [{name}]"
                )));
            };
            if name.is_empty() || name.split('.').any(|part| part.trim().is_empty()) {
                return Err(EsError::illegal(format!(
                    "field name cannot be an empty string: [{name}]"
                )));
            }
            match name.split_once('.') {
                Some((first, rest)) => {
                    let nested = json!({ "properties": { rest: definition } });
                    self.merge_property(
                        object,
                        prefix,
                        first,
                        nested.as_object().unwrap_or(definition),
                    )?;
                }
                None => self.merge_property(object, prefix, name, definition)?,
            }
        }
        Ok(())
    }

    fn merge_property(
        &mut self,
        object: &mut Object,
        prefix: &str,
        name: &str,
        definition: &Map<String, Value>,
    ) -> EsResult<()> {
        let full = if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}.{name}")
        };
        let kind = definition
            .get("type")
            .map(|kind| kind.as_str().unwrap_or_default());
        let is_object =
            kind.unwrap_or(if definition.contains_key("properties") || kind.is_none() {
                "object"
            } else {
                ""
            }) == "object";
        let existing = object.properties.get(name);
        if is_object {
            let mut inner = match existing {
                None => Object::default(),
                Some(Node::Object(inner)) => inner.clone(),
                Some(Node::Leaf { field, .. }) => {
                    return Err(conflict(&full, self.field(*field).kind.name(), "object"));
                }
            };
            for (key, value) in definition {
                match key.as_str() {
                    "type" => {}
                    "properties" => self.merge_properties(&mut inner, &full, value)?,
                    "dynamic" => inner.dynamic = Some(dynamic(value)?),
                    "enabled" if value == &json!(true) => {}
                    other => return Err(unknown_parameter(other, &full, "object")),
                }
            }
            object.properties.insert(name.into(), Node::Object(inner));
            return Ok(());
        }
        let kind = read_kind(&full, definition)?;
        let (field, mut multi) = match existing {
            None => (self.add(&full, kind), BTreeMap::new()),
            Some(Node::Object(_)) => return Err(conflict(&full, "object", kind.name())),
            Some(Node::Leaf { field, multi }) => {
                let (field, multi) = (*field, multi.clone());
                self.change(field, kind)?;
                (field, multi)
            }
        };
        for (name, definition) in definition
            .get("fields")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let name_full = format!("{full}.{name}");
            let Some(definition) = definition.as_object().filter(|d| !d.contains_key("fields"))
            else {
                return Err(refused(format!(
                    "multi-field [{name_full}] must be a plain field"
                )));
            };
            let kind = read_kind(&name_full, definition)?;
            match multi.get(name) {
                Some(number) => self.change(*number, kind)?,
                None => {
                    let number = self.add(&name_full, kind);
                    multi.insert(name.clone(), number);
                }
            }
        }
        object
            .properties
            .insert(name.into(), Node::Leaf { field, multi });
        Ok(())
    }

    fn change(&mut self, number: u32, kind: Kind) -> EsResult<()> {
        let field = &self.fields[number as usize];
        match (&field.kind, &kind) {
            (old, new) if old == new => Ok(()),
            // The one parameter that may change: it only concerns later documents.
            (Kind::Keyword { .. }, Kind::Keyword { .. }) => {
                let mut changed = (**field).clone();
                changed.kind = kind;
                self.fields[number as usize] = Arc::new(changed);
                Ok(())
            }
            (Kind::Date(_), Kind::Date(_)) => Err(EsError::illegal(format!(
                "Mapper for [{}] conflicts with existing mapper:\n\tCannot update parameter [format]",
                field.name
            ))),
            (old, new) => Err(conflict(&field.name, old.name(), new.name())),
        }
    }

    /// The mapping as Elasticsearch prints it.
    pub fn to_json(&self) -> Value {
        self.object_json(&self.root)
    }

    fn object_json(&self, object: &Object) -> Value {
        let mut out = json!({});
        if let Some(dynamic) = object.dynamic {
            out["dynamic"] = json!(match dynamic {
                Dynamic::True => "true",
                Dynamic::False => "false",
                Dynamic::Strict => "strict",
            });
        }
        if !object.properties.is_empty() {
            let properties = object
                .properties
                .iter()
                .map(|(name, node)| (name.clone(), self.node_json(node)));
            out["properties"] = Value::Object(properties.collect());
        }
        out
    }

    fn node_json(&self, node: &Node) -> Value {
        match node {
            Node::Object(object) if object.properties.is_empty() => {
                let mut out = self.object_json(object);
                out["type"] = json!("object");
                out
            }
            Node::Object(object) => self.object_json(object),
            Node::Leaf { field, multi } => {
                let mut out = self.field_json(*field);
                if !multi.is_empty() {
                    let fields = multi
                        .iter()
                        .map(|(name, number)| (name.clone(), self.field_json(*number)));
                    out["fields"] = Value::Object(fields.collect());
                }
                out
            }
        }
    }

    fn field_json(&self, number: u32) -> Value {
        let kind = &self.field(number).kind;
        let mut out = json!({ "type": kind.name() });
        match kind {
            Kind::Keyword {
                ignore_above: Some(limit),
            } => out["ignore_above"] = json!(limit),
            Kind::Date(format) if format.text() != date::DEFAULT => {
                out["format"] = json!(format.text())
            }
            _ => {}
        }
        out
    }

    /// What is kept on disk: the names in the order of their numbers, and the mapping.
    pub fn to_stored(&self) -> Value {
        let names: Vec<_> = self.fields.iter().map(|field| &field.name).collect();
        json!({ "names": names, "mapping": self.to_json() })
    }

    /// Reads what [`Mapping::to_stored`] wrote.
    ///
    /// # Errors
    /// When it is not that.
    pub fn from_stored(stored: &Value) -> EsResult<Self> {
        let wrong = || refused("the stored mapping does not name the fields it has");
        let mut read = Self::default();
        read.merge(&stored["mapping"])?;
        let names = stored["names"].as_array().ok_or_else(wrong)?;
        let mut renumber = vec![0; read.fields.len()];
        let mut fields = Vec::with_capacity(names.len());
        for (number, name) in names.iter().enumerate() {
            let old = *name
                .as_str()
                .and_then(|name| read.names.get(name))
                .ok_or_else(wrong)?;
            renumber[old as usize] = number as u32;
            let mut field = read.field(old).clone();
            field.key = number.to_string();
            fields.push(Arc::new(field));
        }
        if fields.len() != read.fields.len() {
            return Err(wrong());
        }
        read.fields = fields;
        read.names
            .values_mut()
            .for_each(|number| *number = renumber[*number as usize]);
        renumber_object(&mut read.root, &renumber);
        Ok(read)
    }
}

fn renumber_object(object: &mut Object, numbers: &[u32]) {
    for node in object.properties.values_mut() {
        match node {
            Node::Object(inner) => renumber_object(inner, numbers),
            Node::Leaf { field, multi } => {
                for number in std::iter::once(field).chain(multi.values_mut()) {
                    *number = numbers[*number as usize];
                }
            }
        }
    }
}

fn read_kind(name: &str, definition: &Map<String, Value>) -> EsResult<Kind> {
    let Some(kind) = definition.get("type").and_then(Value::as_str) else {
        return Err(refused(format!("No type specified for field [{name}]")));
    };
    let integer = |name: &'static str, min: i64, max: i64| Kind::Integer { name, min, max };
    let mut read = match kind {
        "keyword" => Kind::Keyword { ignore_above: None },
        "text" => Kind::Text,
        "byte" => integer("byte", i8::MIN.into(), i8::MAX.into()),
        "short" => integer("short", i16::MIN.into(), i16::MAX.into()),
        "integer" => integer("integer", i32::MIN.into(), i32::MAX.into()),
        "long" => integer("long", i64::MIN, i64::MAX),
        "float" => Kind::Float,
        "double" => Kind::Double,
        "boolean" => Kind::Boolean,
        "date" => Kind::Date(DateFormat::default()),
        "ip" => Kind::Ip,
        "geo_point" => Kind::GeoPoint,
        other => return Err(refused(format!(
            "The mapper type [{other}] declared on field [{name}] does not exist. It might have been created within a future version or requires a plugin to be installed."))
            .because("illegal_argument_exception", format!("No handler for type [{other}] declared on field [{name}]"))),
    };
    for (parameter, value) in definition {
        match (parameter.as_str(), &mut read) {
            ("type" | "fields" | "meta", _) => {}
            ("ignore_above", Kind::Keyword { ignore_above }) => {
                let limit = value.as_u64().or_else(|| value.as_str()?.parse().ok());
                *ignore_above =
                    Some(limit.ok_or_else(|| refused("[ignore_above] must be a number"))? as usize);
            }
            ("format", Kind::Date(format)) => {
                let text = value.as_str().unwrap_or_default();
                *format = DateFormat::new(text).ok_or_else(|| {
                    refused(format!(
                        "Invalid format: [{text}]: not one that the embedded server can read"
                    ))
                })?;
            }
            // Accepted with the value that says what happens anyway.
            ("index" | "doc_values", _) if value == &json!(true) => {}
            ("coerce", Kind::Integer { .. } | Kind::Float | Kind::Double)
                if value == &json!(true) => {}
            ("store" | "ignore_malformed", _) if value == &json!(false) => {}
            ("norms", Kind::Text) => {}
            (other, kind) => return Err(unknown_parameter(other, name, kind.name())),
        }
    }
    Ok(read)
}

fn dynamic(value: &Value) -> EsResult<Dynamic> {
    match value.to_string().trim_matches('"') {
        "true" => Ok(Dynamic::True),
        "false" => Ok(Dynamic::False),
        "strict" => Ok(Dynamic::Strict),
        other => Err(refused(format!("unsupported value [{other}] of [dynamic]"))),
    }
}

fn refused(reason: impl Into<String>) -> EsError {
    EsError::new(400, "mapper_parsing_exception", reason)
}

pub(super) fn too_many_fields() -> EsError {
    EsError::illegal(format!(
        "Limit of total fields [{MAX_FIELDS}] has been exceeded"
    ))
}

fn unknown_parameter(parameter: &str, name: &str, kind: &str) -> EsError {
    refused(format!(
        "unknown or unsupported parameter [{parameter}] on mapper [{name}] of type [{kind}]"
    ))
}

fn conflict(name: &str, old: &str, new: &str) -> EsError {
    EsError::illegal(format!(
        "mapper [{name}] cannot be changed from type [{old}] to [{new}]"
    ))
}
