//! Conditions back to text.

use crate::ast::{Expr, LogicOp, Operand};

/// The text of a condition, `None` if a string in it cannot be written, because it ends
/// with a backslash or holds both kinds of quotes.
pub(crate) fn print(expr: &Expr) -> Option<String> {
    Some(match expr {
        Expr::Not(inner) => match &**inner {
            Expr::Truthy(Operand::Field(field)) => format!("!{field}"),
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
            format!("{} {} {}", operand(left)?, op.symbol(), operand(right)?)
        }
        Expr::Match {
            subject,
            pattern,
            negated,
        } => {
            let op = if *negated { "!~" } else { "=~" };
            let pattern = delimited(pattern, '/').or_else(|| quoted(pattern))?;
            format!("{} {op} {pattern}", operand(subject)?)
        }
        Expr::In {
            needle,
            haystack,
            negated,
        } => {
            let op = if *negated { "not in" } else { "in" };
            format!("{} {op} {}", operand(needle)?, operand(haystack)?)
        }
        Expr::Truthy(value) => operand(value)?,
    })
}

fn operand(operand_: &Operand) -> Option<String> {
    Some(match operand_ {
        Operand::Field(field) => field.to_string(),
        Operand::String(text) => quoted(text)?,
        Operand::Number(number) => number.text().to_owned(),
        Operand::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(operand).collect();
            format!("[{}]", items?.join(", "))
        }
    })
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
