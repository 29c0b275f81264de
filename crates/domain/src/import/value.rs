//! Reading the values of options.

use std::collections::BTreeMap;

use wrangling::ast::{At, Literal, Pipeline, Plugin, Statement};

/// The texts of a text or a list of texts.
pub(super) fn texts(value: &Literal) -> Vec<String> {
    match value {
        Literal::Array(items) => items.iter().filter_map(text).collect(),
        other => text(other).into_iter().collect(),
    }
}

/// The text of a scalar.
pub(super) fn text(value: &Literal) -> Option<String> {
    value.text().map(str::to_owned)
}

/// Whether the value says `true`.
pub(super) fn is_true(value: &Literal) -> bool {
    value.text() == Some("true")
}

/// The value with the defaults of its variables, as a job's source and destination hold none; `None` if one has no default.
pub(super) fn with_defaults(value: &Literal) -> Option<Literal> {
    let holder = Plugin {
        name: String::new(),
        options: vec![(String::new(), value.clone())],
        at: At::default(),
    };
    let pipeline = Pipeline {
        outputs: vec![Statement::Plugin(holder)],
        ..Pipeline::default()
    };
    let replaced = pipeline.with_variables(&BTreeMap::new()).ok()?;
    match replaced.outputs.into_iter().next()? {
        Statement::Plugin(holder) => holder.options.into_iter().next().map(|(_, value)| value),
        _ => None,
    }
}

/// A plugin as a statement.
pub(super) fn step(name: &str, options: Vec<(String, Literal)>, at: &At) -> Statement {
    Statement::Plugin(Plugin {
        name: name.to_owned(),
        options,
        at: at.clone(),
    })
}
