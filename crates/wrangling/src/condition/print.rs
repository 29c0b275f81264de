//! Conditions back to text.

use super::cursor::Cursor;
use super::parse;
use crate::ast::{Expr, LogicOp, Operand};
use crate::field_ref::FieldRef;

/// The text of a condition, `None` if a string in it cannot be written, because it ends
/// with a backslash or holds both kinds of quotes, or a field's name, because it would be read as something else.
pub(crate) fn print(expr: &Expr) -> Option<String> {
    Some(match expr {
        Expr::Not(inner) => match &**inner {
            Expr::Truthy(Operand::Field(field)) => format!("!{}", selector(field, false)?),
            other => format!("!({})", print(other)?),
        },
        Expr::Logic(op, left, right) => {
            // a chain of one operator groups from the right; everything else is written out
            let side = |side: &Expr, is_right: bool| {
                let text = print(side)?;
                let chained = |inner: LogicOp| {
                    is_right && inner == *op && matches!(op, LogicOp::And | LogicOp::Or)
                };
                let bare = !matches!(side, Expr::Logic(inner, ..) if !chained(*inner));
                Some(if bare { text } else { format!("({text})") })
            };
            format!(
                "{} {} {}",
                side(left, false)?,
                op.symbol(),
                side(right, true)?
            )
        }
        Expr::Compare(op, left, right) => {
            let (left, right) = (operand(left, false)?, operand(right, false)?);
            format!("{left} {} {right}", op.symbol())
        }
        Expr::Match {
            subject,
            pattern,
            negated,
        } => {
            let op = if *negated { "!~" } else { "=~" };
            let pattern = delimited(pattern, '/').or_else(|| quoted(pattern))?;
            format!("{} {op} {pattern}", operand(subject, false)?)
        }
        Expr::In {
            needle,
            haystack,
            negated,
        } => {
            let op = if *negated { "not in" } else { "in" };
            format!(
                "{} {op} {}",
                operand(needle, false)?,
                operand(haystack, true)?
            )
        }
        Expr::Truthy(value) => operand(value, false)?,
    })
}

fn operand(operand_: &Operand, after_in: bool) -> Option<String> {
    Some(match operand_ {
        Operand::Field(field) => selector(field, after_in)?,
        Operand::String(text) => quoted(text)?,
        Operand::Number(number) => number.text().to_owned(),
        Operand::Array(items) => {
            let items: Option<Vec<String>> =
                items.iter().map(|item| operand(item, false)).collect();
            format!("[{}]", items?.join(", "))
        }
    })
}

/// A field reference, if it is read as one: `['a']` would be a list.
fn selector(field: &FieldRef, after_in: bool) -> Option<String> {
    let text = field.to_string();
    let mut cursor = Cursor::new(&text);
    let read = parse::operand(&mut cursor, after_in).ok()?;
    let is_it = matches!(read, Operand::Field(read) if read == *field);
    (is_it && cursor.rest().is_empty()).then_some(text)
}

/// A string literal in the quotes that fit.
pub(crate) fn quoted(text: &str) -> Option<String> {
    delimited(text, '"').or_else(|| delimited(text, '\''))
}

fn delimited(text: &str, delimiter: char) -> Option<String> {
    let mut previous = delimiter;
    for c in text.chars() {
        if c == delimiter && previous != '\\' {
            return None;
        }
        previous = c;
    }
    (previous != '\\').then(|| format!("{delimiter}{text}{delimiter}"))
}
