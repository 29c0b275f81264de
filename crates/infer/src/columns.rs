//! Columns: their values, and what those stand for that are no values.

use std::collections::BTreeSet;

use crate::types::Kind;

/// Texts that often stand for no value.
const NULLS: [&str; 9] = ["", "NA", "N/A", "null", "NULL", "None", "NaN", "-", "\\N"];

/// Parts of names that times have.
const TIMES: [&str; 5] = ["time", "date", "ts", "_at", "epoch"];

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: Kind,
}

/// The columns of rows, and the texts among them that stand for no value.
pub fn columns(names: &[String], rows: &[Vec<String>]) -> (Vec<Column>, BTreeSet<&'static str>) {
    let mut nulls = BTreeSet::new();
    let column = |(i, name): (usize, &String)| {
        let all = rows.iter().filter_map(|row| row.get(i).map(String::as_str));
        let (kind, used) = of_values(&all.collect::<Vec<_>>(), name);
        nulls.extend(used);
        Column {
            name: name.clone(),
            kind,
        }
    };
    let columns = names.iter().enumerate().map(column).collect();
    (columns, nulls)
}

/// What the values of a column are, and which texts among them are none. A text is none only if that makes a type of the
/// rest; an empty one always is.
fn of_values(values: &[&str], name: &str) -> (Kind, BTreeSet<&'static str>) {
    let lower = name.to_lowercase();
    let is_time = TIMES.iter().any(|part| lower.contains(part));
    let null = |value: &&str| NULLS.iter().find(|null| *null == value).copied();
    let present: Vec<&str> = values
        .iter()
        .copied()
        .filter(|v| null(v).is_none())
        .collect();
    let kind = Kind::of(&present, is_time);
    let typed = !present.is_empty() && !matches!(kind, Kind::Keyword | Kind::Text);
    let used = values
        .iter()
        .filter_map(null)
        .filter(|null| typed || null.is_empty());
    (kind, used.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_value_only_where_the_others_have_a_type() {
        let rows = [["1", "a", "-"], ["NA", "NA", ""]].map(|row| row.map(String::from).to_vec());
        let (columns, nulls) = columns(&["n", "k", "e"].map(String::from), &rows);
        let kinds: Vec<_> = columns.into_iter().map(|column| column.kind).collect();
        assert_eq!(kinds, [Kind::Integer, Kind::Keyword, Kind::Keyword]);
        assert_eq!(nulls, BTreeSet::from(["", "NA"]));
    }
}
