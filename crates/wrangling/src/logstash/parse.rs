//! A recursive-descent parser of Logstash configurations.

use crate::ast::{At, Branch, If, Literal, Pipeline, Plugin, Statement};
use crate::compile;
use crate::condition::{Cursor, SyntaxError, condition};
use crate::environment::Environment;
use crate::violation::Violation;

/// Deeper nesting of conditionals and values is refused.
const MAX_DEPTH: usize = 32;

/// Parses `filter { … }` sections, or the bare inside of one.
///
/// # Errors
/// The first syntax error (`invalid_syntax`, with line, column and what was expected), or else everything that is wrong with
/// the filters' options. Pointers are `line:column` of the filter, followed by a JSON pointer to the option.
pub fn parse(text: &str) -> Result<Vec<Statement>, Vec<Violation>> {
    parse_in(text, &Environment::default())
}

/// As [`parse`], checked with the files and variables of an environment.
///
/// # Errors
/// As [`parse`].
pub fn parse_in(text: &str, environment: &Environment) -> Result<Vec<Statement>, Vec<Violation>> {
    let mut cursor = Cursor::new(text);
    cursor.skip_space();
    let body = filters(&mut cursor).map_err(refusal)?;
    let violations = compile::check(&body, environment);
    if violations.is_empty() {
        Ok(body)
    } else {
        Err(violations)
    }
}

/// Parses a whole configuration: any number of `input`, `filter` and `output` sections. Names and options of plugins are not
/// looked at: see [`crate::check`].
///
/// # Errors
/// The first syntax error (`invalid_syntax`), at `line:column`, with what was expected.
pub fn parse_pipeline(text: &str) -> Result<Pipeline, Vec<Violation>> {
    let mut cursor = Cursor::new(text);
    cursor.skip_space();
    pipeline(&mut cursor).map_err(refusal)
}

fn refusal(error: SyntaxError) -> Vec<Violation> {
    let place = format!("{}:{}", error.line, error.column);
    vec![Violation::new(place, "invalid_syntax", error.to_string())]
}

fn pipeline(cursor: &mut Cursor<'_>) -> Result<Pipeline, SyntaxError> {
    let mut pipeline = Pipeline::default();
    while !cursor.at_end() {
        let section = if cursor.eat("input") {
            &mut pipeline.inputs
        } else if cursor.eat("filter") {
            &mut pipeline.filters
        } else if cursor.eat("output") {
            &mut pipeline.outputs
        } else {
            return Err(cursor.expected("`input`, `filter`, `output` or the end"));
        };
        section.extend(block(cursor, 0)?);
    }
    Ok(pipeline)
}

fn filters(cursor: &mut Cursor<'_>) -> Result<Vec<Statement>, SyntaxError> {
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
    Ok(Statement::Plugin(Plugin {
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
        separated(cursor, options.is_empty(), "an option's name")?;
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
            Some((_, known)) => repeat(known, value).map_err(|(known, kind)| {
                before.expected(format!(
                    "{known}, as before; {kind} does not add up with it"
                ))
            })?,
        }
    }
    Ok(options)
}

/// Entries of plugins and hashes are separated by white space.
fn separated(cursor: &Cursor<'_>, is_first: bool, next: &str) -> Result<(), SyntaxError> {
    if is_first || cursor.spaced() || cursor.at_end() {
        Ok(())
    } else {
        Err(cursor.expected(format!("white space before {next}, or `}}`")))
    }
}

/// A repeated option adds to what was given before, as in Logstash: members to a hash, items to a list; two values are a list.
fn repeat(known: &mut Literal, value: Literal) -> Result<(), (&'static str, &'static str)> {
    match (&mut *known, value) {
        (Literal::Hash(members), Literal::Hash(more)) => merge(members, more),
        (Literal::Hash(_), other) => return Err(("a hash", other.kind())),
        (Literal::Array(items), Literal::Array(more)) => items.extend(more),
        (Literal::Array(items), other) => items.push(other),
        (scalar, other) if *scalar == other => {}
        (scalar, other) => {
            let first = std::mem::replace(scalar, Literal::Bool(false));
            *scalar = Literal::Array(vec![first, other]);
        }
    }
    Ok(())
}

/// Adds members to a hash; values of a key that is there become one list without repetitions.
fn merge(members: &mut Vec<(String, Literal)>, more: Vec<(String, Literal)>) {
    for (key, value) in more {
        match members.iter_mut().find(|(known, _)| *known == key) {
            None => members.push((key, value)),
            Some((_, Literal::Hash(inner))) if matches!(value, Literal::Hash(_)) => {
                if let Literal::Hash(value) = value {
                    merge(inner, value);
                }
            }
            Some((_, known)) if *known == value => {}
            Some((_, known)) => {
                let first = std::mem::replace(known, Literal::Bool(false));
                let mut items = items_of(first);
                for item in items_of(value) {
                    if !items.contains(&item) {
                        items.push(item);
                    }
                }
                *known = Literal::Array(items);
            }
        }
    }
}

fn items_of(value: Literal) -> Vec<Literal> {
    match value {
        Literal::Array(items) => items,
        scalar => vec![scalar],
    }
}

fn value(cursor: &mut Cursor<'_>, depth: usize) -> Result<Literal, SyntaxError> {
    if depth > MAX_DEPTH {
        return Err(cursor.expected("values with less nesting"));
    }
    if let Some(inner) = nested_plugin(cursor, depth)? {
        return Ok(Literal::Plugin(inner));
    }
    if let Some(word) = cursor.bareword() {
        return Ok(match word {
            "true" => Literal::Bool(true),
            "false" => Literal::Bool(false),
            word => Literal::Bareword(word.to_owned()),
        });
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
    Err(cursor.expected("a string, number, word, `[` or `{`"))
}

/// A plugin as a value: a name and its options in braces.
fn nested_plugin(cursor: &mut Cursor<'_>, depth: usize) -> Result<Option<Plugin>, SyntaxError> {
    let mut ahead = *cursor;
    let at = at(&ahead);
    let Some(name) = ahead.word() else {
        return Ok(None);
    };
    if ahead.peek() != Some('{') {
        return Ok(None);
    }
    let options = attributes(&mut ahead, depth + 1)?;
    *cursor = ahead;
    Ok(Some(Plugin {
        name: name.to_owned(),
        options,
        at,
    }))
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
        separated(cursor, members.is_empty(), "a key")?;
        let before = *cursor;
        let key = match cursor.string()? {
            Some(key) => key.to_owned(),
            None => match cursor.number() {
                Some(number) => number.text().to_owned(),
                None => cursor
                    .bareword()
                    .ok_or_else(|| cursor.expected("a key or `}`"))?
                    .to_owned(),
            },
        };
        if members.iter().any(|(known, _)| *known == key) {
            return Err(before.expected(format!("each key once; `{key}` is repeated")));
        }
        cursor.require("=>")?;
        members.push((key, value(cursor, depth + 1)?));
    }
    Ok(Literal::Hash(members))
}
