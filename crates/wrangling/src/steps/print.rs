//! From statements back to steps.

use serde_json::{Map, Value};

use crate::ast::{Branch, Literal, Plugin, Statement};
use crate::condition;

/// A statement that steps cannot express.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrintError {
    /// Steps are what a client writes; the platform's statements follow from other parts of the spec.
    #[error("a platform statement has no notation as a step")]
    Platform,
    /// A string in a condition ends with a backslash or holds both kinds of quotes.
    #[error("a string of a condition cannot be quoted")]
    Unquotable,
    /// An `if` without a condition.
    #[error("a conditional without a condition")]
    Empty,
    /// A plugin as an option's value, which only codecs are.
    #[error("a codec has no notation in a step")]
    Codec,
}

/// Writes statements as a list of steps. Parsing the result gives equal statements; bare words become texts.
///
/// # Errors
/// For statements that have no notation as a step.
pub fn print(body: &[Statement]) -> Result<Value, PrintError> {
    body.iter()
        .map(statement)
        .collect::<Result<_, _>>()
        .map(Value::Array)
}

fn statement(statement: &Statement) -> Result<Value, PrintError> {
    match statement {
        Statement::Plugin(filter) => Ok(one(&filter.name, options(filter)?)),
        Statement::If(conditional) => {
            let (first, elifs) = conditional
                .branches
                .split_first()
                .ok_or(PrintError::Empty)?;
            let mut step = branch(first)?;
            if !elifs.is_empty() {
                let elifs: Result<_, _> = elifs
                    .iter()
                    .map(|elif| branch(elif).map(Value::Object))
                    .collect();
                step.insert("elif".to_owned(), Value::Array(elifs?));
            }
            if !conditional.otherwise.is_empty() {
                step.insert("else".to_owned(), print(&conditional.otherwise)?);
            }
            Ok(Value::Object(step))
        }
        Statement::Decode(_)
        | Statement::RejectFailures
        | Statement::DefaultTimestamp
        | Statement::Schema(_)
        | Statement::Provenance
        | Statement::Document(_)
        | Statement::Source(_)
        | Statement::Deliver(_) => Err(PrintError::Platform),
    }
}

fn one(name: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value)]))
}

fn branch(branch: &Branch) -> Result<Map<String, Value>, PrintError> {
    let condition = condition::print(&branch.condition).ok_or(PrintError::Unquotable)?;
    Ok(Map::from_iter([
        ("if".to_owned(), condition.into()),
        ("then".to_owned(), print(&branch.body)?),
    ]))
}

fn options(filter: &Plugin) -> Result<Value, PrintError> {
    let option = |(name, value): &(String, Literal)| Ok((name.clone(), literal(value)?));
    let options: Result<_, _> = filter.options.iter().map(option).collect();
    options.map(Value::Object)
}

fn literal(value: &Literal) -> Result<Value, PrintError> {
    Ok(match value {
        Literal::String(text) | Literal::Bareword(text) => text.clone().into(),
        Literal::Bool(flag) => (*flag).into(),
        Literal::Number(number) => {
            match (number.text().parse::<i64>(), number.text().parse::<f64>()) {
                (Ok(whole), _) => whole.into(),
                (_, Ok(fraction)) => fraction.into(),
                _ => number.text().into(),
            }
        }
        Literal::Array(items) => items.iter().map(literal).collect::<Result<_, _>>()?,
        Literal::Hash(members) => {
            let member = |(key, value): &(String, Literal)| Ok((key.clone(), literal(value)?));
            Value::Object(members.iter().map(member).collect::<Result<_, _>>()?)
        }
        Literal::Plugin(_) => return Err(PrintError::Codec),
    })
}
