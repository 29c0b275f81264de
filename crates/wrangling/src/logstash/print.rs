//! From a pipeline back to text.

use std::fmt::Write as _;

use crate::ast::{Branch, If, Literal, Pipeline, Plugin, Statement};
use crate::condition::{print as condition, quoted};

const INDENT: &str = "  ";

/// What has no notation in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrintError {
    /// The platform's statements follow from other parts of a job's spec.
    #[error("a platform statement has no notation in a Logstash configuration")]
    Platform,
    /// Logstash's strings know no escapes.
    #[error(
        "a text that holds both kinds of quotes or ends with a backslash cannot be written: {0}"
    )]
    Unquotable(String),
    /// An `if` without a condition.
    #[error("a conditional without a condition")]
    Empty,
}

/// Writes a configuration. Parsing it gives an equal pipeline. Sections without statements are left out.
///
/// # Errors
/// For what Logstash's notation cannot express.
pub fn print(pipeline: &Pipeline) -> Result<String, PrintError> {
    let mut text = String::new();
    for (section, body) in [
        ("input", &pipeline.inputs),
        ("filter", &pipeline.filters),
        ("output", &pipeline.outputs),
    ] {
        if !body.is_empty() {
            text += section;
            block(&mut text, body, 0)?;
            text.push('\n');
        }
    }
    Ok(text)
}

/// ` { … }`, statements on lines of their own.
fn block(text: &mut String, body: &[Statement], depth: usize) -> Result<(), PrintError> {
    text.push_str(" {\n");
    for statement in body {
        indent(text, depth + 1);
        match statement {
            Statement::Plugin(written) => plugin(text, written, depth + 1)?,
            Statement::If(conditional) => branches(text, conditional, depth + 1)?,
            Statement::Decode(_)
            | Statement::RejectFailures
            | Statement::DefaultTimestamp
            | Statement::Schema(_)
            | Statement::Provenance
            | Statement::Document(_)
            | Statement::Source(_)
            | Statement::Deliver(_) => return Err(PrintError::Platform),
        }
        text.push('\n');
    }
    indent(text, depth);
    text.push('}');
    Ok(())
}

fn branches(text: &mut String, conditional: &If, depth: usize) -> Result<(), PrintError> {
    if conditional.branches.is_empty() {
        return Err(PrintError::Empty);
    }
    for (
        index,
        Branch {
            condition: when,
            body,
            ..
        },
    ) in conditional.branches.iter().enumerate()
    {
        let when = condition(when).ok_or_else(|| PrintError::Unquotable(format!("{when:?}")))?;
        let keyword = if index == 0 { "if" } else { " else if" };
        let _infallible = write!(text, "{keyword} {when}");
        block(text, body, depth)?;
    }
    if !conditional.otherwise.is_empty() {
        text.push_str(" else");
        block(text, &conditional.otherwise, depth)?;
    }
    Ok(())
}

fn plugin(text: &mut String, plugin: &Plugin, depth: usize) -> Result<(), PrintError> {
    text.push_str(&plugin.name);
    if plugin.options.is_empty() {
        text.push_str(" {}");
        return Ok(());
    }
    text.push_str(" {\n");
    for (name, value) in &plugin.options {
        indent(text, depth + 1);
        text.push_str(&option_name(name)?);
        text.push_str(" => ");
        literal(text, value, depth + 1)?;
        text.push('\n');
    }
    indent(text, depth);
    text.push('}');
    Ok(())
}

fn option_name(name: &str) -> Result<String, PrintError> {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(is_bare) {
        return Ok(name.to_owned());
    }
    quote(name)
}

fn quote(text: &str) -> Result<String, PrintError> {
    quoted(text).ok_or_else(|| PrintError::Unquotable(text.to_owned()))
}

fn literal(text: &mut String, value: &Literal, depth: usize) -> Result<(), PrintError> {
    match value {
        Literal::String(string) => text.push_str(&quote(string)?),
        Literal::Number(number) => text.push_str(number.text()),
        Literal::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
        Literal::Bareword(word) => text.push_str(word),
        Literal::Plugin(inner) => plugin(text, inner, depth)?,
        Literal::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                literal(text, item, depth)?;
            }
            text.push(']');
        }
        Literal::Hash(members) if members.is_empty() => text.push_str("{}"),
        Literal::Hash(members) => {
            text.push_str("{\n");
            for (key, member) in members {
                indent(text, depth + 1);
                text.push_str(&quote(key)?);
                text.push_str(" => ");
                literal(text, member, depth + 1)?;
                text.push('\n');
            }
            indent(text, depth);
            text.push('}');
        }
    }
    Ok(())
}

fn indent(text: &mut String, depth: usize) {
    for _ in 0..depth {
        text.push_str(INDENT);
    }
}
