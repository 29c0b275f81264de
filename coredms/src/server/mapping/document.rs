//! Reads a document's JSON straight into the values of its mapped fields, without a tree.

use super::{
    Dynamic, Kind, Mapping, Node, Object,
    value::{Misfit, Scalar, add, point},
};
use crate::server::error::EsError;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use std::{borrow::Cow, fmt};

/// A string value: a span of the source, or a copy where the source has escapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// Offset and length in the source.
    Span(u32, u32),
    /// A text of its own.
    Owned(Box<str>),
}

impl Text {
    /// The text, given the source it was read from.
    pub fn get<'a>(&'a self, source: &'a [u8]) -> &'a str {
        match self {
            Text::Span(start, length) => {
                let (start, length) = (*start as usize, *length as usize);
                // The span was a &str of this very source.
                source
                    .get(start..start + length)
                    .and_then(|b| std::str::from_utf8(b).ok())
                    .unwrap_or("")
            }
            Text::Owned(text) => text,
        }
    }
}

/// A number value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Num {
    /// Whole numbers, booleans, dates.
    I64(i64),
    /// Floating point.
    F64(f64),
}

/// The values of a document by field number.
#[derive(Debug, Default)]
pub struct Values {
    /// Of keyword and ip fields.
    pub keywords: Vec<(u32, Text)>,
    /// Of text fields.
    pub texts: Vec<(u32, Text)>,
    /// Of number, boolean and date fields.
    pub numbers: Vec<(u32, Num)>,
    /// Fields without a column that have a value.
    pub present: Vec<u32>,
}

/// Why a document could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// It has fields that the mapping must first be given.
    Unmapped,
    /// It is refused.
    Refused(EsError),
}

/// Reads the values of `source` by `mapping`. `id` is for error messages.
pub fn read(mapping: &Mapping, source: &[u8], id: &str) -> Result<Values, ReadError> {
    let refused = |reason: String| {
        ReadError::Refused(EsError::new(400, "document_parsing_exception", reason))
    };
    let text = std::str::from_utf8(source).map_err(|e| {
        refused(format!(
            "failed to parse: invalid UTF-8 after byte {}",
            e.valid_up_to()
        ))
    })?;
    let mut reader = Reader {
        mapping,
        id,
        start: text.as_ptr() as usize,
        values: Values::default(),
        error: None,
    };
    let mut json = serde_json::Deserializer::from_str(text);
    let seed = ValueSeed {
        reader: &mut reader,
        slot: Slot::Object(&mapping.root, Dynamic::True),
        path: Path::ROOT,
    };
    let outcome = seed.deserialize(&mut json).and_then(|()| json.end());
    match (outcome, reader.error) {
        (_, Some(error)) => Err(error),
        (Err(error), None) => Err(refused(format!("failed to parse: {error}"))),
        (Ok(()), None) => Ok(reader.values),
    }
}

struct Reader<'m> {
    mapping: &'m Mapping,
    id: &'m str,
    start: usize,
    values: Values,
    error: Option<ReadError>,
}

/// The way from the root, as a list on the stack: only error messages need its text.
#[derive(Clone, Copy)]
struct Path<'p> {
    above: Option<&'p Path<'p>>,
    name: &'p str,
}

impl Path<'_> {
    const ROOT: Path<'static> = Path {
        above: None,
        name: "",
    };

    fn text(&self) -> String {
        match self.above {
            Some(above) if above.above.is_some() => format!("{}.{}", above.text(), self.name),
            _ => self.name.into(),
        }
    }
}

#[derive(Clone, Copy)]
enum Slot<'m> {
    Object(&'m Object, Dynamic),
    Node(&'m Node, Dynamic),
    Unmapped,
    Ignored,
}

impl<'m> Slot<'m> {
    /// The slot of `key` in an object.
    fn member(object: &'m Object, dynamic: Dynamic, key: &str) -> Result<Self, ()> {
        let dynamic = object.dynamic.unwrap_or(dynamic);
        let (first, rest) = match object.properties.get(key) {
            Some(node) => return Ok(Slot::Node(node, dynamic)),
            None => key
                .split_once('.')
                .map_or((key, None), |(first, rest)| (first, Some(rest))),
        };
        match (rest, object.properties.get(first)) {
            (Some(rest), Some(Node::Object(inner))) => Slot::member(inner, dynamic, rest),
            _ => match dynamic {
                Dynamic::True => Ok(Slot::Unmapped),
                Dynamic::False => Ok(Slot::Ignored),
                Dynamic::Strict => Err(()),
            },
        }
    }
}

impl<'m> Reader<'m> {
    fn fail<E: serde::de::Error>(&mut self, error: ReadError) -> E {
        self.error = Some(error);
        E::custom("refused")
    }

    fn refuse<E: serde::de::Error>(
        &mut self,
        kind: &'static str,
        reason: String,
        cause: Option<Misfit>,
    ) -> E {
        let mut error = EsError::new(400, kind, reason);
        error.cause = cause.map(|(kind, reason)| Box::new((Cow::Borrowed(kind), reason)));
        self.fail(ReadError::Refused(error))
    }

    fn misfit<E: serde::de::Error>(&mut self, field: u32, preview: &str, cause: Misfit) -> E {
        let field = self.mapping.field(field);
        let reason = format!(
            "failed to parse field [{}] of type [{}] in document with id '{}'. Preview of field's value: '{}'",
            field.name,
            field.kind.name(),
            self.id,
            preview.chars().take(100).collect::<String>()
        );
        self.refuse("document_parsing_exception", reason, Some(cause))
    }

    fn scalar<E: serde::de::Error>(
        &mut self,
        slot: Slot<'m>,
        scalar: &Scalar<'_>,
        path: Path<'_>,
    ) -> Result<(), E> {
        match slot {
            Slot::Ignored => Ok(()),
            Slot::Unmapped => Err(self.fail(ReadError::Unmapped)),
            Slot::Object(..) | Slot::Node(Node::Object(_), _) => {
                let name = path.text();
                let reason = if name.is_empty() {
                    "failed to parse: the document is not an object".into()
                } else {
                    format!(
                        "object mapping for [{name}] tried to parse field [{name}] as object, but found a concrete value"
                    )
                };
                Err(self.refuse("document_parsing_exception", reason, None))
            }
            Slot::Node(Node::Leaf { field, multi }, _) => {
                for id in std::iter::once(field).chain(multi.values()) {
                    let mapped = self.mapping.field(*id);
                    if let Err(cause) = add(&mut self.values, *id, mapped, scalar) {
                        return Err(self.misfit(*id, &scalar.to_string(), cause));
                    }
                }
                Ok(())
            }
        }
    }
}

struct ValueSeed<'r, 'm, 'p> {
    reader: &'r mut Reader<'m>,
    slot: Slot<'m>,
    path: Path<'p>,
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'m> ValueSeed<'_, 'm, '_> {
    fn is_point(&self) -> Option<u32> {
        match self.slot {
            Slot::Node(Node::Leaf { field, .. }, _)
                if self.reader.mapping.field(*field).kind == Kind::GeoPoint =>
            {
                Some(*field)
            }
            _ => None,
        }
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.reader
            .scalar(self.slot, &Scalar::Bool(value), self.path)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.reader
            .scalar(self.slot, &Scalar::I64(value), self.path)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        let scalar = i64::try_from(value).map_or(Scalar::U64(value), Scalar::I64);
        self.reader.scalar(self.slot, &scalar, self.path)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.reader
            .scalar(self.slot, &Scalar::F64(value), self.path)
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, value: &'de str) -> Result<(), E> {
        let offset = (value.as_ptr() as usize).wrapping_sub(self.reader.start) as u32;
        self.reader
            .scalar(self.slot, &Scalar::Borrowed(value, offset), self.path)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.reader
            .scalar(self.slot, &Scalar::Owned(value), self.path)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        if let Some(field) = self.is_point() {
            return self.visit_point_list(field, seq);
        }
        let ValueSeed { reader, slot, path } = self;
        while seq
            .next_element_seed(ValueSeed {
                reader: &mut *reader,
                slot,
                path,
            })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if let Some(field) = self.is_point() {
            return self.visit_point_object(field, map);
        }
        let ValueSeed { reader, slot, path } = self;
        let (object, dynamic) = match slot {
            Slot::Object(object, dynamic) | Slot::Node(Node::Object(object), dynamic) => {
                (object, dynamic)
            }
            Slot::Unmapped => return Err(reader.fail(ReadError::Unmapped)),
            Slot::Ignored => {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                return Ok(());
            }
            Slot::Node(Node::Leaf { field, .. }, _) => {
                let cause = (
                    "illegal_state_exception",
                    "Can't get text on a START_OBJECT".into(),
                );
                return Err(reader.misfit(*field, "{…}", cause));
            }
        };
        let mut seen = Seen::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let inner = Path {
                above: Some(&path),
                name: &key,
            };
            if !seen.insert(&key) {
                let reason = format!("Duplicate field '{key}'");
                return Err(reader.refuse("document_parsing_exception", reason, None));
            }
            let Ok(slot) = Slot::member(object, dynamic, &key) else {
                let reason = format!(
                    "mapping set to strict, dynamic introduction of [{}] within [{}] is not allowed",
                    inner.text(),
                    if path.above.is_none() {
                        "_doc".into()
                    } else {
                        path.text()
                    }
                );
                return Err(reader.refuse("strict_dynamic_mapping_exception", reason, None));
            };
            if key.is_empty() || key.split('.').any(|part| part.trim().is_empty()) {
                let reason =
                    format!("field name cannot contain only whitespace or be empty: [{key}]");
                return Err(reader.refuse("document_parsing_exception", reason, None));
            }
            map.next_value_seed(ValueSeed {
                reader: &mut *reader,
                slot,
                path: inner,
            })?;
        }
        Ok(())
    }
}

impl ValueSeed<'_, '_, '_> {
    /// `[lon, lat]`, or a list of points.
    fn visit_point_list<'de, A: SeqAccess<'de>>(
        self,
        field: u32,
        mut seq: A,
    ) -> Result<(), A::Error> {
        let mut numbers = Vec::new();
        while let Some(value) = seq.next_element::<serde_json::Value>()? {
            match value.as_f64() {
                Some(number) => numbers.push(number),
                None => {
                    let text = value.to_string();
                    let read = ValueSeed {
                        reader: &mut *self.reader,
                        slot: self.slot,
                        path: self.path,
                    };
                    let mut json = serde_json::Deserializer::from_str(&text);
                    read.deserialize(&mut json).map_err(A::Error::custom)?;
                }
            }
        }
        match numbers[..] {
            [] => Ok(()),
            [lon, lat] | [lon, lat, _] => self.point(field, lat, lon),
            _ => Err(self.reader.misfit(
                field,
                "[…]",
                ("parse_exception", "geo_point expected".into()),
            )),
        }
    }

    /// `{"lat": …, "lon": …}` or GeoJSON.
    fn visit_point_object<'de, A: MapAccess<'de>>(
        self,
        field: u32,
        mut map: A,
    ) -> Result<(), A::Error> {
        let mut object = serde_json::Map::new();
        while let Some((key, value)) = map.next_entry::<String, serde_json::Value>()? {
            object.insert(key, value);
        }
        let number = |value: Option<&serde_json::Value>| match value? {
            serde_json::Value::String(text) => text.parse().ok(),
            other => other.as_f64(),
        };
        let coordinates = object.get("coordinates").and_then(|c| c.as_array());
        let (lat, lon) = match coordinates {
            Some(pair) => (number(pair.get(1)), number(pair.first())),
            None => (number(object.get("lat")), number(object.get("lon"))),
        };
        match (lat, lon) {
            (Some(lat), Some(lon)) => self.point(field, lat, lon),
            _ => {
                let cause = (
                    "parse_exception",
                    "field must be either lat/lon or type/coordinates".into(),
                );
                Err(self.reader.misfit(field, "{…}", cause))
            }
        }
    }

    fn point<E: serde::de::Error>(self, field: u32, lat: f64, lon: f64) -> Result<(), E> {
        if let Err(cause) = point(lat, lon) {
            return Err(self.reader.misfit(field, &format!("{lat},{lon}"), cause));
        }
        self.reader.values.present.push(field);
        Ok(())
    }
}

/// The keys of one object: a list while it is short, as most are.
#[derive(Default)]
struct Seen {
    few: Vec<u64>,
    many: std::collections::HashSet<u64>,
    hasher: std::hash::RandomState,
}

impl Seen {
    /// False when the key was there. Keyed 64-bit hashes: a clash of two keys of one object does not happen by chance.
    fn insert(&mut self, key: &str) -> bool {
        use std::hash::BuildHasher;
        let hash = self.hasher.hash_one(key);
        if self.few.len() < 32 {
            let new = !self.few.contains(&hash);
            self.few.push(hash);
            return new;
        }
        !self.few.contains(&hash) && self.many.insert(hash)
    }
}
