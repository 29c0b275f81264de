//! The functions that scripts have besides those of the language: fields by reference, tags, and dropping the event.

use rhai::{Array, Dynamic, Engine, EvalAltResult, FuncRegistration, Map, Position};

use crate::field_ref::FieldRef;
use crate::value::array_index;

type Result<T> = std::result::Result<T, Box<EvalAltResult>>;

const TAGS: &str = "tags";

/// What [`drop`](register) ends a script with.
#[derive(Debug, Clone)]
struct Drop;

/// Whether a script ended because it dropped its event.
pub(super) fn is_drop(error: &EvalAltResult) -> bool {
    matches!(error.unwrap_inner(), EvalAltResult::ErrorTerminated(token, _) if token.is::<Drop>())
}

/// Makes the functions known to scripts. Those of objects take the place of the language's own; they differ in that a key in
/// brackets is a field reference.
pub(super) fn register(engine: &mut Engine) {
    let reading = |name: &str| {
        FuncRegistration::new(name)
            .in_global_namespace()
            .with_purity(true)
    };
    reading("get").register_into_engine(engine, |object: &mut Map, field: &str| get(object, field));
    reading("contains").register_into_engine(engine, |object: &mut Map, field: &str| {
        Ok::<_, Box<EvalAltResult>>(find(object, parse(field)?.path()).is_some())
    });
    engine
        .register_fn("set", set)
        .register_fn("remove", remove)
        .register_fn("tag", tag)
        .register_fn("untag", untag)
        .register_fn("drop", || -> Result<()> {
            let token = Dynamic::from(Drop);
            Err(EvalAltResult::ErrorTerminated(token, Position::NONE).into())
        });
}

fn parse(field: &str) -> Result<FieldRef> {
    FieldRef::parse(field).map_err(|error| error.to_string().into())
}

fn get(object: &mut Map, field: &str) -> Result<Dynamic> {
    Ok(find(object, parse(field)?.path()).unwrap_or(Dynamic::UNIT))
}

/// A copy of what is at `path`.
fn find(object: &Map, path: &[String]) -> Option<Dynamic> {
    let (key, rest) = path.split_first()?;
    inside(object.get(key.as_str())?, rest)
}

fn inside(value: &Dynamic, path: &[String]) -> Option<Dynamic> {
    let Some((key, rest)) = path.split_first() else {
        return Some(value.clone());
    };
    if let Ok(object) = value.as_map_ref() {
        return find(&object, path);
    }
    let items = value.as_array_ref().ok()?;
    inside(items.get(array_index(key, items.len())?)?, rest)
}

/// Sets a field; objects on the way are made.
fn set(object: &mut Map, field: &str, value: Dynamic) -> Result<()> {
    let reference = parse(field)?;
    let mut path = reference.path().iter();
    let root = path.next().map_or("", String::as_str);
    put(
        object.entry(root.into()).or_default(),
        path.as_slice(),
        value,
        field,
    )
}

fn put(place: &mut Dynamic, path: &[String], value: Dynamic, field: &str) -> Result<()> {
    let Some((key, rest)) = path.split_first() else {
        *place = value;
        return Ok(());
    };
    if place.is_unit() {
        *place = Map::new().into();
    }
    if let Ok(mut object) = place.as_map_mut() {
        return put(
            object.entry(key.as_str().into()).or_default(),
            rest,
            value,
            field,
        );
    }
    if let Ok(mut items) = place.as_array_mut() {
        let index = array_index(key, items.len());
        return match index.and_then(|index| items.get_mut(index)) {
            Some(item) => put(item, rest, value, field),
            None => Err(format!("{field} cannot be set: the list has no item {key}").into()),
        };
    }
    Err(format!(
        "{field} cannot be set: it lies inside of a {}",
        place.type_name()
    )
    .into())
}

/// Removes a field and returns what it was.
fn remove(object: &mut Map, field: &str) -> Result<Dynamic> {
    Ok(take(object, parse(field)?.path()).unwrap_or(Dynamic::UNIT))
}

fn take(object: &mut Map, path: &[String]) -> Option<Dynamic> {
    match path {
        [] => None,
        [key] => object.remove(key.as_str()),
        [key, rest @ ..] => take_inside(object.get_mut(key.as_str())?, rest),
    }
}

fn take_inside(value: &mut Dynamic, path: &[String]) -> Option<Dynamic> {
    if let Ok(mut object) = value.as_map_mut() {
        return take(&mut object, path);
    }
    let mut items = value.as_array_mut().ok()?;
    let (key, rest) = path.split_first()?;
    let index = array_index(key, items.len())?;
    match rest {
        [] => Some(items.remove(index)),
        rest => take_inside(items.get_mut(index)?, rest),
    }
}

/// The tags as a list; a single one may be a text.
fn tags(event: &mut Map) -> Array {
    match event.remove(TAGS) {
        Some(tags) if tags.is_array() => tags.cast(),
        Some(tag) if tag.is_string() => vec![tag],
        _ => Array::new(),
    }
}

fn is(tag: &Dynamic, text: &str) -> bool {
    tag.as_immutable_string_ref()
        .is_ok_and(|tag| tag.as_str() == text)
}

fn tag(event: &mut Map, text: &str) {
    let mut tags = tags(event);
    if !tags.iter().any(|tag| is(tag, text)) {
        tags.push(text.into());
    }
    event.insert(TAGS.into(), tags.into());
}

fn untag(event: &mut Map, text: &str) {
    if event.contains_key(TAGS) {
        let mut tags = tags(event);
        tags.retain(|tag| !is(tag, text));
        event.insert(TAGS.into(), tags.into());
    }
}
