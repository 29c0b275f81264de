//! `json` and `json_lines`: objects, or lists of them.

use serde_json::value::RawValue;
use wrangling::Field;

use super::{Fields, set_original};

/// Makes events of a JSON text: one of an object, or one of each object of a list. `original` is what they were read from.
pub fn events(text: String, target: Option<&str>, original: Option<&str>, out: &mut Vec<Fields>) {
    let body = text.trim_start();
    if body.is_empty() {
        return;
    }
    let name = target.unwrap_or_default();
    let mut push = |mut fields: Fields| {
        if let Some(original) = original {
            set_original(original.to_owned(), true, &mut fields);
        }
        out.push(fields);
    };
    match body.bytes().next() {
        // whether it is one shows when the event is run; if not, the text becomes its message there
        Some(b'{') => push(vec![(name.to_owned(), Field::Json(text))]),
        Some(b'[') => match objects(body) {
            Some(objects) => {
                for object in objects {
                    push(vec![(
                        name.to_owned(),
                        Field::Json(object.get().to_owned()),
                    )]);
                }
            }
            None => push(failure(text)),
        },
        _ => push(failure(text)),
    }
}

/// The objects of a list; `None` if it is none, or holds anything else.
fn objects(text: &str) -> Option<Vec<&RawValue>> {
    let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    items
        .iter()
        .all(|item| item.get().starts_with('{'))
        .then_some(items)
}

fn failure(text: String) -> Fields {
    let tags = Field::Texts(vec!["_jsonparsefailure".to_owned()]);
    vec![
        ("message".to_owned(), text.into()),
        ("tags".to_owned(), tags),
    ]
}
