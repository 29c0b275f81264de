//! Delimited values: which delimiter and whether the first row names the columns.

use std::collections::{BTreeMap, BTreeSet};

use crate::SAMPLE_RECORDS;
use crate::columns::{Column, columns};
use crate::types::Kind;

/// Delimiters, the likeliest first.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
/// So much of the rows, in percent, must be equally wide.
const MIN_PERCENT: usize = 80;

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What stands between values.
    pub delimiter: char,
    /// Whether the first row names the columns.
    pub header: bool,
    /// The columns.
    pub columns: Vec<Column>,
    /// Texts that stand for no value.
    pub nulls: BTreeSet<&'static str>,
    /// Rows that are as wide as the table, in percent.
    pub confidence: u8,
}

/// The table that a text is; none if it is none.
pub fn look(text: &str) -> Option<Table> {
    let candidates = DELIMITERS.iter().filter_map(|&delimiter| {
        let rows = rows(text, delimiter);
        let (width, count) = usual_width(&rows)?;
        let percent = count * 100 / rows.len();
        (width >= 2 && percent >= MIN_PERCENT).then_some((percent, width, delimiter, rows))
    });
    // of equally good ones the first: the likeliest
    let (percent, width, delimiter, mut rows) =
        candidates.reduce(|best, next| match (next.0, next.1) > (best.0, best.1) {
            true => next,
            false => best,
        })?;
    rows.retain(|row| row.len() == width);
    let header = is_header(&rows);
    let names = match (header, rows.first()) {
        (true, Some(first)) => first.clone(),
        _ => (1..=width)
            .map(|number| format!("column{number}"))
            .collect(),
    };
    let (columns, nulls) = columns(&names, rows.get(usize::from(header)..).unwrap_or_default());
    Some(Table {
        delimiter,
        header,
        columns,
        nulls,
        confidence: u8::try_from(percent).unwrap_or(100),
    })
}

/// The commonest width of rows, and how many have it.
fn usual_width(rows: &[Vec<String>]) -> Option<(usize, usize)> {
    let mut widths = BTreeMap::<usize, usize>::new();
    for row in rows {
        *widths.entry(row.len()).or_default() += 1;
    }
    widths.into_iter().max_by_key(|(_, count)| *count)
}

/// Whether the first row names columns: distinct words, over columns of which one at least holds something else.
fn is_header(rows: &[Vec<String>]) -> bool {
    let Some((first, rest)) = rows.split_first() else {
        return false;
    };
    let distinct = first.iter().collect::<BTreeSet<_>>().len() == first.len();
    let words = first.iter().all(|name| {
        let kind = Kind::of(&[name.as_str()], false);
        !name.trim().is_empty() && kind == Kind::Keyword
    });
    if !(distinct && words) {
        return false;
    }
    let (below, _) = columns(first, rest);
    let typed = below
        .iter()
        .any(|column| !matches!(column.kind, Kind::Keyword | Kind::Text));
    // texts only: names do not come again as values
    let repeated = first
        .iter()
        .enumerate()
        .any(|(i, name)| rest.iter().any(|row| row.get(i) == Some(name)));
    typed || (!rest.is_empty() && !repeated)
}

/// The rows of a text; quoted values may hold delimiters and line ends. The last one is left out if a quote is open.
fn rows(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut value) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                value.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if value.is_empty() => quoted = true,
            '\n' if !quoted => {
                end(&mut rows, &mut row, &mut value);
                if rows.len() >= SAMPLE_RECORDS {
                    return rows;
                }
            }
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            c if c == delimiter && !quoted => row.push(std::mem::take(&mut value)),
            c => value.push(c),
        }
    }
    if !quoted {
        end(&mut rows, &mut row, &mut value);
    }
    rows
}

fn end(rows: &mut Vec<Vec<String>>, row: &mut Vec<String>, value: &mut String) {
    if row.is_empty() && value.is_empty() {
        return;
    }
    row.push(std::mem::take(value));
    rows.push(std::mem::take(row));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_one_that_makes_rows_equally_wide() {
        for (text, delimiter, header) in [
            ("a,b\n1,2\n3,4\n", ',', true),
            ("1,2\n3,4\n", ',', false),
            ("a;b\n1,5;2\n3,5;4\n", ';', true),
            ("a\tb\r\n1\tx y\r\n", '\t', true),
            ("x|y|z\n1|2|3\n", '|', true),
            ("a,b\n\"x, and\nmore\",2\n", ',', true),
            ("colour,fruit\ngreen,pear\nred,cherry\n", ',', true),
            ("red,apple\ngreen,pear\nred,apple\n", ',', false),
        ] {
            let table = look(text).unwrap();
            assert_eq!(
                (table.delimiter, table.header),
                (delimiter, header),
                "{text:?}"
            );
        }
        assert_eq!(look("one word\nanother one\n"), None);
    }
}
