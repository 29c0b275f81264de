//! `document_id`: a text with references to fields.

use wrangling::ast::Literal;
use wrangling::field_ref::FieldRef;

use super::value::{text, with_defaults};

/// The platform puts this between the values of an id.
const SEPARATOR: &str = "|";

/// The fields of an id.
pub(super) struct IdFields {
    /// As the spec names them.
    pub(super) fields: Vec<String>,
    /// Whether the platform's id is the same text.
    pub(super) same: bool,
}

/// The fields that an id is made of, or why it cannot be made of fields.
pub(super) fn id_fields(value: &Literal) -> Result<IdFields, String> {
    let value = with_defaults(value).ok_or("a variable without a default is part of the id")?;
    let id = text(&value).ok_or("the id is no text")?;
    let (mut fields, mut between) = (Vec::new(), Vec::new());
    let mut rest = id.as_str();
    while let Some((before, tail)) = rest.split_once("%{") {
        let (reference, after) = tail
            .split_once('}')
            .ok_or("the id holds a reference without an end")?;
        if reference.starts_with(['+', '{']) {
            return Err("an id is made of fields; a date is none".into());
        }
        FieldRef::parse(reference).map_err(|e| e.to_string())?;
        fields.push(reference.to_owned());
        between.push(before);
        rest = after;
    }
    if fields.is_empty() {
        return Err(
            "the id is the same for every record: all but the first would be duplicates".into(),
        );
    }
    let (first, others) = between.split_first().ok_or("the id is empty")?;
    let same = first.is_empty() && rest.is_empty() && others.iter().all(|text| *text == SEPARATOR);
    Ok(IdFields { fields, same })
}
