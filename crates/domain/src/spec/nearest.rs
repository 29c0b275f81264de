//! What was probably meant by a word that is none of those allowed.

use serde_json::Value;

/// A word is meant only if so few letters differ.
const MAX_DISTANCE: usize = 2;

/// ` did you mean …?` for the choice nearest to a value, if one is near. Choices are written as JSON.
pub(super) fn suggestion(value: &Value, choices: &[String]) -> String {
    let given = value.to_string();
    let near = choices
        .iter()
        .map(|choice| (distance(&given, choice), choice))
        .filter(|(distance, _)| *distance <= MAX_DISTANCE)
        .min();
    near.map_or_else(String::new, |(_, choice)| {
        format!("; did you mean {choice}?")
    })
}

/// How many letters have to be changed, added or removed.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let at = |row: &[usize], k: usize| row.get(k).copied().unwrap_or(usize::MAX / 2);
            let change = at(&row, j) + usize::from(from != *to);
            next.push(change.min(at(&row, j + 1) + 1).min(at(&next, j) + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_suggested() {
        let choices = [r#""csv""#, r#""ndjson""#, r#""lines""#].map(str::to_owned);
        let of = |word: &str| suggestion(&word.into(), &choices);
        assert_eq!(of("csvv"), r#"; did you mean "csv"?"#);
        assert_eq!(of("njson"), r#"; did you mean "ndjson"?"#);
        assert_eq!(of("parquet"), "");
        assert_eq!(of(&"x".repeat(1000)), "");
    }
}
