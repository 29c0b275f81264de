//! One JSON object a line.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::columns::Column;
use crate::types::Kind;
use crate::{SAMPLE_RECORDS, Unknown};

/// So much of the lines, in percent, must be objects.
const MIN_PERCENT: usize = 90;

/// Objects.
#[derive(Debug, Clone, PartialEq)]
pub struct Objects {
    /// The members that have one type, with dots made into `[outer][inner]`, in order of their coming.
    pub fields: Vec<Column>,
    /// Lines that are objects, in percent.
    pub confidence: u8,
}

/// What the values of a member are so far; none if they differ.
type Seen = Option<Kind>;

/// The objects that a text is.
pub fn look(text: &str) -> Result<Option<Objects>, Unknown> {
    match text.trim_start().chars().next() {
        Some('[') if serde_json::from_str::<Value>(text.trim()).is_ok() => {
            return Err(Unknown::NotRead("one JSON array"));
        }
        Some('{') => {}
        _ => return Ok(None),
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let (mut all, mut objects) = (0, Vec::new());
    for line in lines.take(SAMPLE_RECORDS) {
        all += 1;
        if let Ok(Value::Object(object)) = serde_json::from_str(line) {
            objects.push(object);
        }
    }
    let percent = objects.len() * 100 / all.max(1);
    if percent < MIN_PERCENT {
        return match serde_json::from_str::<Value>(text.trim()) {
            Ok(_) => Err(Unknown::NotRead("one JSON document over several lines")),
            Err(_) => Ok(None),
        };
    }
    Ok(Some(Objects {
        fields: fields(&objects),
        confidence: u8::try_from(percent).unwrap_or(100),
    }))
}

fn fields(objects: &[Map<String, Value>]) -> Vec<Column> {
    let (mut order, mut texts, mut kinds) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for object in objects {
        collect(object, "", &mut order, &mut texts, &mut kinds);
    }
    let kind = |name: &String| match texts.get(name) {
        Some(values) if !kinds.contains_key(name) => {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            // a text of digits is a text where numbers can be had
            Some(match Kind::of(&values, false) {
                kind @ (Kind::Date { .. } | Kind::Ip | Kind::Text) => kind,
                _ => Kind::Keyword,
            })
        }
        Some(_) => None,
        None => kinds.get(name).cloned().flatten(),
    };
    let column = |name: String| {
        let kind = kind(&name)?;
        Some(Column { name, kind })
    };
    order.into_iter().filter_map(column).collect()
}

fn collect(
    object: &Map<String, Value>,
    above: &str,
    order: &mut Vec<String>,
    texts: &mut BTreeMap<String, Vec<String>>,
    kinds: &mut BTreeMap<String, Seen>,
) {
    for (name, value) in object {
        let full = match above {
            "" => name.clone(),
            above if above.starts_with('[') => format!("{above}[{name}]"),
            above => format!("[{above}][{name}]"),
        };
        // names that would need escaping, and the clock's own, are left to the core DMS
        if name.contains(['[', ']']) || name == "@timestamp" || value.is_null() {
            continue;
        }
        if let Value::Object(inner) = value {
            collect(inner, &full, order, texts, kinds);
            continue;
        }
        if !texts.contains_key(&full) && !kinds.contains_key(&full) {
            order.push(full.clone());
        }
        let kind = match value {
            Value::String(text) => {
                texts.entry(full).or_default().push(text.clone());
                continue;
            }
            Value::Bool(_) => Some(Kind::Boolean),
            Value::Number(number) if number.is_f64() => Some(Kind::Double),
            Value::Number(number) if number.as_i64().is_some() => Some(Kind::Long),
            _ => None,
        };
        let merged = |before: &Seen| match (before, &kind) {
            (Some(a), Some(b)) if a == b => Some(a.clone()),
            (Some(Kind::Double), Some(Kind::Long)) | (Some(Kind::Long), Some(Kind::Double)) => {
                Some(Kind::Double)
            }
            _ => None,
        };
        let next = kinds.get(&full).map_or(kind.clone(), merged);
        kinds.insert(full, next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_one_type_are_fields() {
        let text = r#"{"n":1,"s":"12","a":{"ip":"::1"},"mixed":1,"d":1,"list":[1]}
{"n":2,"s":"x","mixed":"y","d":1.5}
"#;
        let objects = look(text).unwrap().unwrap();
        let told: Vec<_> = objects
            .fields
            .into_iter()
            .map(|f| (f.name, f.kind))
            .collect();
        let expected = [
            ("n", Kind::Long),
            ("s", Kind::Keyword),
            ("[a][ip]", Kind::Ip),
            ("d", Kind::Double),
        ];
        assert_eq!(told, expected.map(|(name, kind)| (name.to_owned(), kind)));
        assert_eq!(look("a,b\n"), Ok(None));
        assert!(look("[{\"a\":1}]").is_err() && look("{\n\"a\":1\n}").is_err());
    }
}
