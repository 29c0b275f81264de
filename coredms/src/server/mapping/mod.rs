//! What an index knows of its fields: names, types, numbers; how documents are read by it.

mod analyzer;
mod date;
mod document;
mod fit;
mod infer;
mod json;
mod value;

pub use analyzer::{Standard, tokens};
pub use date::{DateFormat, Rounding, floor, optional_date, shift};
pub use document::{Num, ReadError, Text, Values, read};
pub use fit::Fit;
pub use infer::extend;
pub use value::{ip_key, ip_text};

use std::{collections::BTreeMap, collections::HashMap, sync::Arc};

/// Most fields of one index, as Elasticsearch's `index.mapping.total_fields.limit`.
pub const MAX_FIELDS: usize = 1000;

/// The type of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Whole strings; longer ones than `ignore_above` characters are not indexed.
    Keyword { ignore_above: Option<usize> },
    /// Analysed text.
    Text,
    /// A whole number between the bounds; the name of the type.
    Integer {
        name: &'static str,
        min: i64,
        max: i64,
    },
    /// 32-bit floating point.
    Float,
    /// 64-bit floating point.
    Double,
    /// true or false.
    Boolean,
    /// Milliseconds since 1970.
    Date(DateFormat),
    /// IPv4 or IPv6 address.
    Ip,
    /// A point on the earth (kept, found by `exists`).
    GeoPoint,
}

impl Kind {
    /// The name in a mapping.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Keyword { .. } => "keyword",
            Kind::Text => "text",
            Kind::Integer { name, .. } => name,
            Kind::Float => "float",
            Kind::Double => "double",
            Kind::Boolean => "boolean",
            Kind::Date(_) => "date",
            Kind::Ip => "ip",
            Kind::GeoPoint => "geo_point",
        }
    }

    /// The column that holds this type's values, if there is one.
    pub fn column_group(&self) -> Option<char> {
        match self {
            Kind::Keyword { .. } | Kind::Ip => Some('k'),
            Kind::Text | Kind::GeoPoint => None,
            _ => Some('n'),
        }
    }
}

/// A field that holds values.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its full name.
    pub name: String,
    /// Its number as text, under which its values are indexed.
    pub key: String,
    /// Its type.
    pub kind: Kind,
}

impl Field {
    /// The name of the column of its values (or of their presence).
    pub fn column(&self) -> String {
        format!("{}.{}", self.kind.column_group().unwrap_or('p'), self.key)
    }
}

/// What an object does with fields that are not mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dynamic {
    /// Maps them by their first value.
    True,
    /// Keeps them in the source only.
    False,
    /// Refuses the document.
    Strict,
}

/// A name in the mapping: a place for objects or for values.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// An object.
    Object(Object),
    /// A field and its multi-fields, by number.
    Leaf {
        field: u32,
        multi: BTreeMap<String, u32>,
    },
}

/// The fields of an object.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Object {
    /// None = as the enclosing object.
    pub dynamic: Option<Dynamic>,
    /// The fields by name.
    pub properties: BTreeMap<String, Node>,
}

/// The fields of an index. Numbers are given in order and never change.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mapping {
    /// The top level.
    pub root: Object,
    fields: Vec<Arc<Field>>,
    names: HashMap<String, u32>,
}

impl Mapping {
    /// The field with this number.
    pub fn field(&self, number: u32) -> &Field {
        &self.fields[number as usize]
    }

    /// The field with this full name.
    pub fn find(&self, name: &str) -> Option<&Arc<Field>> {
        self.names
            .get(name)
            .map(|number| &self.fields[*number as usize])
    }

    /// All fields whose name starts with `object.`.
    pub fn below<'a>(&'a self, object: &'a str) -> impl Iterator<Item = &'a Arc<Field>> {
        self.fields.iter().filter(move |field| {
            field
                .name
                .strip_prefix(object)
                .is_some_and(|rest| rest.starts_with('.'))
        })
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    fn add(&mut self, name: &str, kind: Kind) -> u32 {
        let number = self.fields.len() as u32;
        let field = Field {
            name: name.into(),
            key: number.to_string(),
            kind,
        };
        self.fields.push(Arc::new(field));
        self.names.insert(name.into(), number);
        number
    }
}
