//! The option `params`: what a script is told by its step.

use rhai::{Dynamic, Map};

use crate::ast::Literal;

/// The object for the script; kinds were checked before.
pub(super) fn params(option: Option<&Literal>) -> Map {
    match option {
        Some(Literal::Hash(members)) => object(members),
        // Logstash takes a list of keys and values for a hash
        Some(Literal::Array(items)) => {
            let (pairs, _) = items.as_chunks::<2>();
            let member = |[key, value]: &[Literal; 2]| Some((key.text()?.into(), dynamic(value)));
            pairs.iter().filter_map(member).collect()
        }
        _ => Map::new(),
    }
}

fn object(members: &[(String, Literal)]) -> Map {
    let member = |(key, value): &(String, Literal)| (key.as_str().into(), dynamic(value));
    members.iter().map(member).collect()
}

fn dynamic(value: &Literal) -> Dynamic {
    match value {
        Literal::String(text) | Literal::Bareword(text) => text.as_str().into(),
        Literal::Bool(flag) => (*flag).into(),
        Literal::Number(number) => match number.text().parse::<i64>() {
            Ok(whole) => whole.into(),
            Err(_) => number.text().parse().unwrap_or(f64::NAN).into(),
        },
        Literal::Array(items) => items.iter().map(dynamic).collect::<Vec<_>>().into(),
        Literal::Hash(members) => object(members).into(),
        Literal::Plugin(plugin) => plugin.name.as_str().into(),
    }
}
