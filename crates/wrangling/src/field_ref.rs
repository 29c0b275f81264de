//! Field references: `name`, `[name]`, `[outer][inner]`.

use std::fmt;

/// The path to a field: the top-level name first. Never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldRef {
    path: Vec<String>,
}

/// A text that is no field reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a field reference; write `name` or `[outer][inner]`")]
pub struct InvalidFieldRef(pub String);

impl FieldRef {
    /// A top-level field, whatever characters its name has.
    #[must_use]
    pub fn top(name: &str) -> Self {
        Self {
            path: vec![name.to_owned()],
        }
    }

    /// Parses a reference as Logstash's strict parser does: a bare name without brackets, or bracketed segments only.
    /// Embedded references flatten: `[[a][b]][c]` is `[a][b][c]`.
    ///
    /// # Errors
    /// [`InvalidFieldRef`] for unbalanced brackets, empty segments, or text outside of brackets.
    pub fn parse(text: &str) -> Result<Self, InvalidFieldRef> {
        if !text.starts_with('[') {
            return match text.contains(['[', ']']) {
                true => Err(InvalidFieldRef(text.to_owned())),
                false => Ok(Self::top(text)),
            };
        }
        match segments(text) {
            Some(path) if !path.is_empty() => Ok(Self { path }),
            _ => Err(InvalidFieldRef(text.to_owned())),
        }
    }

    /// `inner` inside of the field that this refers to.
    #[must_use]
    pub fn join(&self, inner: &Self) -> Self {
        Self {
            path: [self.path(), inner.path()].concat(),
        }
    }

    /// All segments, the top-level name first.
    #[must_use]
    pub fn path(&self) -> &[String] {
        &self.path
    }

    /// The top-level name.
    #[must_use]
    pub fn root(&self) -> &str {
        self.path.first().map_or("", String::as_str)
    }

    /// The segments below the top-level name.
    #[must_use]
    pub fn rest(&self) -> &[String] {
        self.path.get(1..).unwrap_or_default()
    }
}

/// The bracketed segments of `text`; `None` if it is malformed.
fn segments(text: &str) -> Option<Vec<String>> {
    let (mut path, mut depth, mut segment) = (Vec::new(), 0_usize, String::new());
    let mut previous = ' ';
    for c in text.chars() {
        match c {
            '[' if segment.is_empty() => depth += 1,
            ']' if depth > 0 => {
                depth -= 1;
                match (segment.is_empty(), previous) {
                    (false, _) => path.push(std::mem::take(&mut segment)),
                    (true, ']') => {}
                    (true, _) => return None,
                }
            }
            '[' | ']' => return None,
            _ if depth == 0 || previous == ']' => return None,
            _ => segment.push(c),
        }
        previous = c;
    }
    (depth == 0 && segment.is_empty()).then_some(path)
}

impl fmt::Display for FieldRef {
    /// Always bracketed: `[a][b]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path
            .iter()
            .try_for_each(|segment| write!(f, "[{segment}]"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_what_logstash_parses() {
        for (text, path) in [
            ("a", vec!["a"]),
            ("a.b", vec!["a.b"]),
            ("", vec![""]),
            ("[a]", vec!["a"]),
            ("[a][b c][0]", vec!["a", "b c", "0"]),
            ("[[a][b]][c]", vec!["a", "b", "c"]),
        ] {
            assert_eq!(FieldRef::parse(text).unwrap().path(), path, "{text}");
        }
        for text in [
            "[", "[a", "a]", "[a]b", "a[b]", "[]", "[a][]", "[a]]", "[a[b]]", "x][y",
        ] {
            assert!(FieldRef::parse(text).is_err(), "{text}");
        }
    }
}
