//! The grammar of conditions, by recursive descent.

use super::cursor::{Cursor, SyntaxError};
use crate::ast::{CompareOp, Expr, LogicOp, Operand};
use crate::field_ref::FieldRef;

/// Deeper nesting is refused.
const MAX_DEPTH: usize = 64;
const VALUE: &str = "a field reference `[name]`, a string or a number";

/// Parses a text that is a condition and nothing else.
pub(crate) fn parse(text: &str) -> Result<Expr, SyntaxError> {
    let mut cursor = Cursor::new(text);
    cursor.skip_space();
    let expr = condition(&mut cursor, 0)?;
    if cursor.at_end() {
        Ok(expr)
    } else {
        Err(cursor.expected("`and`, `or`, `xor`, `nand` or the end of the condition"))
    }
}

/// Parses a condition as far as it goes.
pub(crate) fn condition(cursor: &mut Cursor<'_>, depth: usize) -> Result<Expr, SyntaxError> {
    let mut chain = Chain::default();
    chain.operands.push(expression(cursor, depth)?);
    let operators = [LogicOp::And, LogicOp::Or, LogicOp::Xor, LogicOp::Nand];
    loop {
        let before = *cursor;
        let Some(op) = operators.iter().find(|op| cursor.eat(op.symbol())) else {
            return Ok(chain.finish());
        };
        if !chain.operator(*op) {
            return Err(before.expected(
                "parentheses: `xor` and `nand` have no precedence beside other operators",
            ));
        }
        chain.operands.push(expression(cursor, depth)?);
    }
}

/// Operands and operators of a condition, grouped as Logstash does it (`join_conditions` in its `lscl.rb`): an operator is
/// applied early only when it binds tighter than the next one, and one only; what is left is applied from the right.
#[derive(Default)]
struct Chain {
    operands: Vec<Expr>,
    operators: Vec<LogicOp>,
}

impl Chain {
    /// Takes the next operator; false if Logstash has no precedence for it beside the one before.
    fn operator(&mut self, next: LogicOp) -> bool {
        if let Some(last) = self.operators.last() {
            let (Some(left), Some(right)) = (binding(*last), binding(next)) else {
                return false;
            };
            if left > right {
                self.apply();
            }
        }
        self.operators.push(next);
        true
    }

    fn apply(&mut self) {
        if let (Some(op), Some(right), Some(left)) = (
            self.operators.pop(),
            self.operands.pop(),
            self.operands.pop(),
        ) {
            self.operands
                .push(Expr::Logic(op, Box::new(left), Box::new(right)));
        }
    }

    fn finish(mut self) -> Expr {
        while !self.operators.is_empty() {
            self.apply();
        }
        // a chain has one operand more than operators
        let lone = Expr::Truthy(Operand::String(String::new()));
        self.operands.pop().unwrap_or(lone)
    }
}

/// How tight an operator binds; `xor` and `nand` stand only alone.
fn binding(op: LogicOp) -> Option<u8> {
    match op {
        LogicOp::And => Some(2),
        LogicOp::Or => Some(1),
        LogicOp::Xor | LogicOp::Nand => None,
    }
}

fn expression(cursor: &mut Cursor<'_>, depth: usize) -> Result<Expr, SyntaxError> {
    if depth > MAX_DEPTH {
        return Err(cursor.expected("a condition with less nesting"));
    }
    if cursor.eat("(") {
        let inner = condition(cursor, depth + 1)?;
        cursor.require(")")?;
        return Ok(inner);
    }
    if cursor.peek() == Some('!') {
        cursor.eat("!");
        if cursor.eat("(") {
            let inner = condition(cursor, depth + 1)?;
            cursor.require(")")?;
            return Ok(Expr::Not(Box::new(inner)));
        }
        return match field(cursor)? {
            Some(field) => Ok(Expr::Not(Box::new(Expr::Truthy(Operand::Field(field))))),
            None => Err(cursor.expected("a field reference or `(` after `!`")),
        };
    }
    let left = operand(cursor, false)?;
    relation(cursor, left)
}

fn relation(cursor: &mut Cursor<'_>, left: Operand) -> Result<Expr, SyntaxError> {
    for negated in [false, true] {
        if cursor.eat(if negated { "!~" } else { "=~" }) {
            let pattern = match cursor.regex()? {
                Some(pattern) => Some(pattern),
                None => cursor.string()?,
            };
            let pattern = pattern
                .ok_or_else(|| cursor.expected("a regular expression `/…/` or a string"))?
                .to_owned();
            return Ok(Expr::Match {
                subject: left,
                pattern,
                negated,
            });
        }
    }
    let operators = [
        CompareOp::Eq,
        CompareOp::Ne,
        CompareOp::Le,
        CompareOp::Ge,
        CompareOp::Lt,
        CompareOp::Gt,
    ];
    if let Some(op) = operators.into_iter().find(|op| cursor.eat(op.symbol())) {
        return Ok(Expr::Compare(op, left, operand(cursor, false)?));
    }
    if cursor.eat_word("in") {
        return Ok(Expr::In {
            needle: left,
            haystack: operand(cursor, true)?,
            negated: false,
        });
    }
    if cursor.eat("not ") {
        if !cursor.eat_word("in") {
            return Err(cursor.expected("`in` after `not`"));
        }
        return Ok(Expr::In {
            needle: left,
            haystack: operand(cursor, true)?,
            negated: true,
        });
    }
    Ok(Expr::Truthy(left))
}

/// A field reference, literal or list. After `in`, `[5]` is a list.
pub(super) fn operand(cursor: &mut Cursor<'_>, after_in: bool) -> Result<Operand, SyntaxError> {
    if let Some(text) = cursor.string()? {
        return Ok(Operand::String(text.to_owned()));
    }
    if let Some(number) = cursor.number() {
        return Ok(Operand::Number(number));
    }
    if let Some(items) = list(cursor, after_in)? {
        return Ok(Operand::Array(items));
    }
    field(cursor)?
        .map(Operand::Field)
        .ok_or_else(|| cursor.expected(VALUE))
}

/// `["a", "b"]`. Tells a list from a field reference by its first item.
fn list(cursor: &mut Cursor<'_>, after_in: bool) -> Result<Option<Vec<Operand>>, SyntaxError> {
    let mut ahead = *cursor;
    if !ahead.eat("[") {
        return Ok(None);
    }
    let mut items = Vec::new();
    if ahead.eat("]") {
        // with a space between, the brackets hold the name of a field
        let is_empty = cursor.rest().starts_with("[]");
        if is_empty {
            *cursor = ahead;
        }
        return Ok(is_empty.then_some(items));
    }
    loop {
        if let Some(text) = ahead.string()? {
            items.push(Operand::String(text.to_owned()));
        } else if let Some(number) = ahead.number() {
            items.push(Operand::Number(number));
        } else if items.is_empty() {
            return Ok(None);
        } else {
            return Err(ahead.expected("a string or a number"));
        }
        if ahead.eat("]") {
            break;
        }
        if !ahead.eat(",") {
            return match items.as_slice() {
                [Operand::Number(_)] => Ok(None),
                _ => Err(ahead.expected("`,` or `]`")),
            };
        }
    }
    if matches!(items.as_slice(), [Operand::Number(_)]) && !after_in {
        return Ok(None);
    }
    *cursor = ahead;
    Ok(Some(items))
}

fn field(cursor: &mut Cursor<'_>) -> Result<Option<FieldRef>, SyntaxError> {
    if cursor.peek() != Some('[') {
        return Ok(None);
    }
    let before = *cursor;
    let text = cursor
        .selector()
        .ok_or_else(|| before.expected("a field reference that is closed by `]`"))?;
    FieldRef::parse(text)
        .map(Some)
        .map_err(|_| before.expected("a field reference `[name]` or `[outer][inner]`"))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::condition::print;

    #[test]
    fn prints_what_it_parses() {
        for (text, printed) in [
            (r#"[a]=="x""#, r#"[a] == "x""#),
            (r#"[a][b] != 'x"y'"#, r#"[a][b] != 'x"y'"#),
            ("[a] and [b] or [c]", "([a] and [b]) or [c]"),
            ("[a] and ([b] or [c])", "[a] and ([b] or [c])"),
            ("[a] or ([b] nand [c])", "[a] or ([b] nand [c])"),
            ("[a] and [b] and [c]", "[a] and [b] and [c]"),
            ("([a] and [b]) and [c]", "([a] and [b]) and [c]"),
            // Logstash applies one operator where it should apply two
            (
                "[a] or [b] and [c] and [d] or [e]",
                "[a] or ([b] and (([c] and [d]) or [e]))",
            ),
            ("![a] and !([b] == 1.50)", "![a] and !([b] == 1.50)"),
            ("[a] =~ /^x\\/y$/", "[a] =~ /^x\\/y$/"),
            ("[a] !~ \"a/b\"", "[a] !~ \"a/b\""),
            ("[a] in [\"x\", \"y\"] # why", "[a] in [\"x\", \"y\"]"),
            ("[a] not in [5]", "[a] not in [5]"),
            ("\"x\" in [tags]", "\"x\" in [tags]"),
            ("5 < [a] xor -1 >= [b]", "5 < [a] xor -1 >= [b]"),
        ] {
            let expr = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(print(&expr).unwrap(), printed);
            assert_eq!(parse(printed).unwrap(), expr);
        }
    }

    #[test]
    fn says_where_and_what_was_expected() {
        for (text, message) in [
            (
                "",
                "line 1, column 1: expected a field reference `[name]`, a string or a number, found the end",
            ),
            (
                "[a] == true",
                "line 1, column 8: expected a field reference `[name]`, a string or a number, found `true`",
            ),
            (
                "[a] == \"x",
                "line 1, column 10: expected a closing quote, found the end",
            ),
            (
                "[a] &&",
                "line 1, column 5: expected `and`, `or`, `xor`, `nand` or the end of the condition, found `&`",
            ),
            (
                "[a] xor [b] or [c]",
                "line 1, column 13: expected parentheses: `xor` and `nand` have no precedence beside other operators, found `or`",
            ),
            ("([a]", "line 1, column 5: expected `)`, found the end"),
            (
                "[a] not [b]",
                "line 1, column 9: expected `in` after `not`, found `[`",
            ),
            (
                "[a] =~ [p]",
                "line 1, column 8: expected a regular expression `/…/` or a string, found `[`",
            ),
            (
                "[a",
                "line 1, column 1: expected a field reference that is closed by `]`, found `[`",
            ),
            (
                "[a] and\n !5",
                "line 2, column 3: expected a field reference or `(` after `!`, found `5`",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), message, "{text}");
        }
    }
}
