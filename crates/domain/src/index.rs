//! Index names of jobs: the pattern that covers them.

use crate::ids::ClientId;

/// An index of the core DMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_ms: crate::EpochMs,
}

/// The pattern that covers every index that a job's documents may go to: the destination with `*` for what depends on the
/// record, under the client's prefix. A client's id holds no dot, so the pattern never covers another client's indices.
pub fn pattern(client: &ClientId, destination: &str) -> String {
    let mut pattern = format!("{client}.");
    let mut rest = destination;
    while let Some((before, after)) = rest.split_once("%{") {
        let Some(close) = after.find('}') else { break };
        // `%{{…}}` is a date
        let close = if after.starts_with('{') && after[close..].starts_with("}}") {
            close + 1
        } else {
            close
        };
        pattern.extend(before.chars().flat_map(legal));
        if !pattern.ends_with('*') {
            pattern.push('*');
        }
        rest = &after[close + 1..];
    }
    pattern.extend(rest.chars().flat_map(legal));
    pattern
}

/// A character as it stands in index names.
fn legal(c: char) -> impl Iterator<Item = char> {
    let c = match c {
        '\\' | '/' | '*' | '?' | '"' | '<' | '>' | '|' | ' ' | ',' | '#' | ':' | '%' | '{'
        | '}' => '_',
        c if c.is_control() || c.is_whitespace() => '_',
        c => c,
    };
    c.to_lowercase()
}

/// Whether a pattern, in which `*` stands for any text, covers an index.
pub fn covers(pattern: &str, index: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| index.strip_prefix(first)) else {
        return false;
    };
    let mut is_open = false;
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        is_open = part.is_empty();
        let found = match parts.peek() {
            None => rest.ends_with(part).then(|| rest.len() - part.len()),
            Some(_) => rest.find(part),
        };
        let Some(at) = found else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty() || is_open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_the_record_decides_and_stays_under_the_prefix() {
        let client: ClientId = "acme".parse().unwrap();
        for (destination, expected) in [
            ("flights", "acme.flights"),
            ("Flights-%{+yyyy.MM}", "acme.flights-*"),
            ("%{kind}", "acme.*"),
            ("a-%{[x][y]}%{z}-b c", "acme.a-*-b_c"),
            ("d-%{{yyyy-DDD}}-e", "acme.d-*-e"),
            ("*,other.x", "acme.__other.x"),
            ("open%{never", "acme.open__never"),
        ] {
            assert_eq!(pattern(&client, destination), expected, "{destination}");
        }
    }

    #[test]
    fn a_pattern_covers_its_indices_and_no_others() {
        for (pattern, index, expected) in [
            ("acme.flights", "acme.flights", true),
            ("acme.flights", "acme.flights-2013", false),
            ("acme.flights-*", "acme.flights-2013", true),
            ("acme.flights-*", "acme.flights-", true),
            ("acme.a-*-b*", "acme.a-x-bc", true),
            ("acme.a-*-b", "acme.a-b", false),
            ("acme.*", "acme2.x", false),
        ] {
            assert_eq!(covers(pattern, index), expected, "{pattern} {index}");
        }
    }
}
