//! Index names: which are allowed, and which indices a list with wildcards means.

use super::Index;
use crate::server::error::{EsError, EsResult};
use std::{collections::BTreeMap, sync::Arc};

/// What to do with names that match nothing.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// A name without wildcard that does not exist is passed over.
    pub ignore_unavailable: bool,
    /// A list that means no index at all is no error.
    pub allow_no_indices: bool,
}

/// Refuses what Elasticsearch refuses as the name of an index.
pub fn check(name: &str) -> EsResult<()> {
    let wrong = |why: &str| {
        Err(EsError::new(
            400,
            "invalid_index_name_exception",
            format!("Invalid index name [{name}], {why}"),
        )
        .about(name))
    };
    if name.is_empty() || name == "." || name == ".." {
        return wrong("must not be empty, '.' or '..'");
    }
    if name.chars().any(char::is_uppercase) {
        return wrong("must be lowercase");
    }
    if name.starts_with(['_', '-', '+']) {
        return wrong("must not start with '_', '-', or '+'");
    }
    if name
        .chars()
        .any(|c| "\\/*?\"<>| ,#:".contains(c) || c.is_control())
    {
        return wrong(
            "must not contain the following characters ['\\','/','*','?','\"','<','>','|',' ',',','#',':']",
        );
    }
    if name.len() > 255 {
        return wrong("index name is too long");
    }
    Ok(())
}

/// The indices that a comma-separated list of names and patterns means, each once.
pub fn resolve(
    all: &BTreeMap<String, Arc<Index>>,
    expression: &str,
    scope: Scope,
) -> EsResult<Vec<Arc<Index>>> {
    let mut found = BTreeMap::new();
    let expression = if expression.is_empty() || expression == "_all" {
        "*"
    } else {
        expression
    };
    for part in expression.split(',').filter(|part| !part.is_empty()) {
        if let Some(excluded) = part.strip_prefix('-').filter(|_| expression.contains('*')) {
            found.retain(|name: &String, _| !matches(excluded, name));
        } else if part.contains('*') {
            // Names with a dot in front are hidden from wildcards that do not ask for them.
            let visible = all.iter().filter(|(name, _)| {
                matches(part, name) && (!name.starts_with('.') || part.starts_with('.'))
            });
            found.extend(visible.map(|(name, index)| (name.clone(), index.clone())));
        } else {
            match all.get(part) {
                Some(index) => drop(found.insert(part.into(), index.clone())),
                None if scope.ignore_unavailable => {}
                None => return Err(EsError::no_index(part)),
            }
        }
    }
    if found.is_empty() && !scope.allow_no_indices {
        return Err(EsError::no_index(expression));
    }
    Ok(found.into_values().collect())
}

/// Whether `name` fits a pattern in which `*` stands for anything.
pub fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut left) = name.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or("");
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("acme.*", "acme.flights", true),
            ("acme.*", "acmes.flights", false),
            ("*", "x", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("*ts", "flights", true),
            ("ab*ba", "aba", false),
            ("flights", "flights", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn names() {
        for name in ["acme.flights", "a", "2013-01", ".hidden", "ü"] {
            assert!(check(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "..",
            "Upper",
            "_a",
            "-a",
            "a/b",
            "a b",
            "a*",
            "a:b",
            "a\nb",
            &"x".repeat(256),
        ] {
            assert_eq!(check(name).unwrap_err().status, 400, "{name}");
        }
    }
}
