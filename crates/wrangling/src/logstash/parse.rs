//! A recursive-descent parser of Logstash configurations, as far as they describe filters.

use crate::ast::{At, Branch, Filter, If, Literal, Statement};
use crate::compile;
use crate::condition::{Cursor, SyntaxError, condition};
use crate::violation::Violation;

/// Deeper nesting of conditionals and values is refused.
const MAX_DEPTH: usize = 32;

/// Parses `filter { … }` sections, or the bare inside of one.
///
/// # Errors
/// The first syntax error (`invalid_syntax`, with line, column and what was expected), or else everything that is wrong with
/// the filters' options. Pointers are `line:column` of the filter, followed by a JSON pointer to the option.
pub fn parse(text: &str) -> Result<Vec<Statement>, Vec<Violation>> {
    let mut cursor = Cursor::new(text);
    cursor.skip_space();
    let body = sections(&mut cursor).map_err(|error| {
        let place = format!("{}:{}", error.line, error.column);
        vec![Violation::new(place, "invalid_syntax", error.to_string())]
    })?;
    let violations = compile::check(&body);
    if violations.is_empty() {
        Ok(body)
    } else {
        Err(violations)
    }
}

fn sections(cursor: &mut Cursor<'_>) -> Result<Vec<Statement>, SyntaxError> {
    let mut body = Vec::new();
    while !cursor.at_end() {
        let before = *cursor;
        if cursor.eat_word("filter") {
            body.extend(block(cursor, 0)?);
        } else if before.rest().starts_with("input") || before.rest().starts_with("output") {
            return Err(before
                .expected("a `filter` section; a job's source and destination are in its spec"));
        } else {
            body.push(statement(cursor, 0)?);
        }
    }
    Ok(body)
}

/// `{ statement … }`
fn block(cursor: &mut Cursor<'_>, depth: usize) -> Result<Vec<Statement>, SyntaxError> {
    if depth > MAX_DEPTH {
        return Err(cursor.expected("conditionals with less nesting"));
    }
    cursor.require("{")?;
    let mut body = Vec::new();
    while !cursor.eat("}") {
        if cursor.at_end() {
            return Err(cursor.expected("a filter, `if` or `}`"));
        }
        body.push(statement(cursor, depth)?);
    }
    Ok(body)
}

fn statement(cursor: &mut Cursor<'_>, depth: usize) -> Result<Statement, SyntaxError> {
    let at = at(cursor);
    if cursor.eat_word("if") {
        return conditional(cursor, at, depth).map(Statement::If);
    }
    let name = cursor
        .word()
        .ok_or_else(|| cursor.expected("a filter, `if` or `}`"))?
        .to_owned();
    Ok(Statement::Filter(Filter {
        name,
        options: attributes(cursor, depth)?,
        at,
    }))
}

fn at(cursor: &Cursor<'_>) -> At {
    let (line, column) = cursor.place();
    At(format!("{line}:{column}"))
}

fn conditional(cursor: &mut Cursor<'_>, place: At, depth: usize) -> Result<If, SyntaxError> {
    let mut branches = vec![Branch {
        condition: condition(cursor, 0)?,
        body: block(cursor, depth + 1)?,
        at: place,
    }];
    loop {
        let place = at(cursor);
        let else_if = cursor.eat_word("elseif");
        if !else_if && !cursor.eat_word("else") {
            return Ok(If {
                branches,
                otherwise: Vec::new(),
            });
        }
        if !else_if && !cursor.eat_word("if") {
            return Ok(If {
                branches,
                otherwise: block(cursor, depth + 1)?,
            });
        }
        branches.push(Branch {
            condition: condition(cursor, 0)?,
            body: block(cursor, depth + 1)?,
            at: place,
        });
    }
}

/// `{ name => value … }`
fn attributes(
    cursor: &mut Cursor<'_>,
    depth: usize,
) -> Result<Vec<(String, Literal)>, SyntaxError> {
    cursor.require("{")?;
    let mut options: Vec<(String, Literal)> = Vec::new();
    while !cursor.eat("}") {
        let name = match cursor.string()? {
            Some(name) => name,
            None => cursor
                .word()
                .ok_or_else(|| cursor.expected("an option's name or `}`"))?,
        };
        cursor.require("=>")?;
        let before = *cursor;
        let value = value(cursor, depth + 1)?;
        match options.iter_mut().find(|(known, _)| known == name) {
            None => options.push((name.to_owned(), value)),
            Some((_, known)) => {
                merge(known, value).map_err(|expected| before.expected(expected))?
            }
        }
        cursor.eat(",");
    }
    Ok(options)
}

/// A repeated option adds to the list or hash given before, as in Logstash.
fn merge(known: &mut Literal, value: Literal) -> Result<(), String> {
    match (known, value) {
        (Literal::Hash(members), Literal::Hash(more)) => {
            for (key, value) in more {
                match members.iter_mut().find(|(known, _)| *known == key) {
                    Some(member) => member.1 = value,
                    None => members.push((key, value)),
                }
            }
            Ok(())
        }
        (Literal::Array(items), Literal::Array(more)) => {
            items.extend(more);
            Ok(())
        }
        (Literal::Array(items), scalar) => {
            items.push(scalar);
            Ok(())
        }
        (known, value) => Err(format!(
            "one value for this option; {} and {} do not add up",
            known.kind(),
            value.kind()
        )),
    }
}

fn value(cursor: &mut Cursor<'_>, depth: usize) -> Result<Literal, SyntaxError> {
    if depth > MAX_DEPTH {
        return Err(cursor.expected("values with less nesting"));
    }
    if let Some(text) = cursor.string()? {
        return Ok(Literal::String(text.to_owned()));
    }
    if let Some(number) = cursor.number() {
        return Ok(Literal::Number(number));
    }
    if cursor.eat("[") {
        return array(cursor, depth);
    }
    if cursor.eat("{") {
        return hash(cursor, depth);
    }
    match cursor.word() {
        Some("true") => Ok(Literal::Bool(true)),
        Some("false") => Ok(Literal::Bool(false)),
        Some(word) => Ok(Literal::Bareword(word.to_owned())),
        None => Err(cursor.expected("a string, number, word, `[` or `{`")),
    }
}

fn array(cursor: &mut Cursor<'_>, depth: usize) -> Result<Literal, SyntaxError> {
    let mut items = Vec::new();
    if cursor.eat("]") {
        return Ok(Literal::Array(items));
    }
    loop {
        items.push(value(cursor, depth + 1)?);
        if cursor.eat("]") {
            return Ok(Literal::Array(items));
        }
        if !cursor.eat(",") {
            return Err(cursor.expected("`,` or `]`"));
        }
    }
}

fn hash(cursor: &mut Cursor<'_>, depth: usize) -> Result<Literal, SyntaxError> {
    let mut members: Vec<(String, Literal)> = Vec::new();
    while !cursor.eat("}") {
        let before = *cursor;
        let key = match cursor.string()? {
            Some(key) => key,
            None => cursor
                .word()
                .ok_or_else(|| cursor.expected("a key or `}`"))?,
        };
        if members.iter().any(|(known, _)| known == key) {
            return Err(before.expected(format!("each key once; `{key}` is repeated")));
        }
        cursor.require("=>")?;
        members.push((key.to_owned(), value(cursor, depth + 1)?));
    }
    Ok(Literal::Hash(members))
}
