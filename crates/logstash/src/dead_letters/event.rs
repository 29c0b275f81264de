//! Events as Logstash keeps them: CBOR in which values that are no plain numbers and booleans stand in a list with the name
//! of their Java class, `["org.logstash.ConvertedMap", {…}]`.

use base64::Engine;
use ciborium::Value as Cbor;
use jiff::Timestamp;
use serde_json::{Map, Number, Value as Json};

/// Fields by name.
type Fields = Map<String, Json>;

const EVENT: &str = "java.util.HashMap";
const MAP: &str = "org.logstash.ConvertedMap";
const LIST: &str = "org.logstash.ConvertedList";
const TEXT: &str = "org.jruby.RubyString";
const NIL: &str = "org.jruby.RubyNil";
const TIME: &str = "org.logstash.Timestamp";
/// The fields.
const DATA: &str = "DATA";
/// The metadata.
const META: &str = "META";

/// A time as Logstash writes it.
pub fn iso8601(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// The bytes of an event. The field `@timestamp` is a timestamp if it can be one.
pub fn encode(fields: &Fields, metadata: &Fields) -> Vec<u8> {
    let member = |(name, value): (&String, &Json)| {
        let value = match (name.as_str(), value.as_str()) {
            ("@timestamp", Some(text)) if text.parse::<Timestamp>().is_ok() => {
                typed(TIME, text.into())
            }
            _ => to_cbor(value),
        };
        (name.as_str().into(), value)
    };
    let data = Cbor::Map(fields.iter().map(member).collect());
    let members = vec![
        (DATA.into(), typed(MAP, data)),
        (META.into(), typed(MAP, map(metadata))),
    ];
    let mut bytes = Vec::new();
    // writing to memory does not fail
    let _written = ciborium::into_writer(&typed(EVENT, Cbor::Map(members)), &mut bytes);
    bytes
}

fn typed(class: &str, value: Cbor) -> Cbor {
    Cbor::Array(vec![class.into(), value])
}

fn map(members: &Fields) -> Cbor {
    let member = |(name, value): (&String, &Json)| (name.as_str().into(), to_cbor(value));
    Cbor::Map(members.iter().map(member).collect())
}

fn to_cbor(value: &Json) -> Cbor {
    match value {
        Json::Null => typed(NIL, Cbor::Null),
        Json::Bool(flag) => (*flag).into(),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => number.into(),
            (_, Some(number)) => number.into(),
            _ => number.as_f64().unwrap_or_default().into(),
        },
        Json::String(text) => typed(TEXT, text.as_str().into()),
        Json::Array(items) => typed(LIST, Cbor::Array(items.iter().map(to_cbor).collect())),
        Json::Object(members) => typed(MAP, map(members)),
    }
}

/// The fields and the metadata of an event.
///
/// # Errors
/// What is wrong with its bytes.
pub fn decode(bytes: &[u8]) -> Result<(Fields, Fields), String> {
    // values that are nested too deep to be read safely are an error, too
    let value: Cbor = ciborium::from_reader(bytes)
        .map_err(|error| format!("the event is no CBOR that can be read: {error}"))?;
    let Json::Object(mut event) = to_json(value)? else {
        return Err("the event is no map".to_owned());
    };
    let mut part = |name: &str| match event.remove(name) {
        Some(Json::Object(members)) => Ok(members),
        _ => Err(format!("the event has no map {name}")),
    };
    Ok((part(DATA)?, part(META)?))
}

fn to_json(value: Cbor) -> Result<Json, String> {
    Ok(match value {
        Cbor::Null => Json::Null,
        Cbor::Bool(flag) => flag.into(),
        Cbor::Integer(number) => integer(number.into()),
        Cbor::Float(number) => float(number),
        Cbor::Text(text) => text.into(),
        Cbor::Bytes(bytes) => base64::engine::general_purpose::STANDARD
            .encode(bytes)
            .into(),
        Cbor::Tag(2, digits) => magnitude(&digits)?,
        Cbor::Tag(3, digits) => match magnitude(&digits)?.as_f64() {
            Some(number) => float(-1.0 - number),
            None => Json::Null,
        },
        Cbor::Tag(4, parts) => decimal(*parts)?,
        Cbor::Tag(_, value) => to_json(*value)?,
        Cbor::Map(members) => object(members)?,
        Cbor::Array(items) => untyped(items)?,
        _ => return Err("a value of the event is of no kind that is known".to_owned()),
    })
}

/// The value of a list that names a class.
fn untyped(items: Vec<Cbor>) -> Result<Json, String> {
    let [Cbor::Text(class), value] = <[Cbor; 2]>::try_from(items)
        .map_err(|items| format!("a value of the event has {} parts, not 2", items.len()))?
    else {
        return Err("a value of the event does not name its class".to_owned());
    };
    match value {
        Cbor::Array(items) if class != TIME => items.into_iter().map(to_json).collect(),
        value => to_json(value),
    }
}

fn object(members: Vec<(Cbor, Cbor)>) -> Result<Json, String> {
    let member = |(name, value)| match name {
        Cbor::Text(name) => Ok((name, to_json(value)?)),
        _ => Err("the name of a field is no text".to_owned()),
    };
    members
        .into_iter()
        .map(member)
        .collect::<Result<Map<_, _>, _>>()
        .map(Json::Object)
}

fn integer(number: i128) -> Json {
    match (i64::try_from(number), u64::try_from(number)) {
        (Ok(number), _) => number.into(),
        (_, Ok(number)) => number.into(),
        _ => float(number as f64),
    }
}

/// A double; JSON has no number for infinity and the like: then it is the text that Ruby gives.
fn float(number: f64) -> Json {
    match Number::from_f64(number) {
        Some(number) => Json::Number(number),
        None if number.is_nan() => "NaN".into(),
        None if number > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}

/// A big whole number, not negative, from its bytes.
fn magnitude(digits: &Cbor) -> Result<Json, String> {
    let Cbor::Bytes(digits) = digits else {
        return Err("a big number has no digits".to_owned());
    };
    let significant = digits
        .iter()
        .position(|digit| *digit != 0)
        .unwrap_or(digits.len());
    let digits = digits.get(significant..).unwrap_or_default();
    Ok(match digits.len() {
        0..=8 => digits
            .iter()
            .fold(0_u64, |number, digit| number << 8 | u64::from(*digit))
            .into(),
        _ => float(
            digits
                .iter()
                .fold(0.0, |number, digit| number * 256.0 + f64::from(*digit)),
        ),
    })
}

/// A decimal number from its exponent and its digits.
fn decimal(parts: Cbor) -> Result<Json, String> {
    let wrong = || "a decimal number is not an exponent and digits".to_owned();
    let parts: [Cbor; 2] = parts
        .into_array()
        .ok()
        .and_then(|parts| parts.try_into().ok())
        .ok_or_else(wrong)?;
    let [Cbor::Integer(exponent), digits] = parts else {
        return Err(wrong());
    };
    let Json::Number(digits) = to_json(digits)? else {
        return Err(wrong());
    };
    // digits that became a double are written without an exponent
    let digits = match digits.as_f64() {
        Some(number) if digits.is_f64() => format!("{number}"),
        _ => digits.to_string(),
    };
    let exponent = i128::from(exponent);
    let number: f64 = format!("{digits}e{exponent}")
        .parse()
        .map_err(|_| wrong())?;
    Ok(float(number))
}
