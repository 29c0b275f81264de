//! What a staged file may be called.

use super::{DONE, INCOMING, QUARANTINE};

/// Longest name, in bytes: what the common file systems allow.
const MAX_BYTES: usize = 255;

/// The rule that a name breaks, if it breaks one.
pub fn broken_rule(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.len() > MAX_BYTES {
        Some("use 1 to 255 bytes")
    } else if name.starts_with('.') {
        Some("do not begin with a dot")
    } else if name.contains(['/', '\\']) {
        Some("do not use the path characters '/' and '\\'")
    } else if name.chars().any(char::is_control) {
        Some("do not use control characters")
    } else if [DONE, QUARANTINE, INCOMING].contains(&name) {
        Some("the platform keeps its own files under this name")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for good in [
            "a",
            "flights 2013-01.csv.gz",
            "ž🦀.csv",
            "$(rm -rf)",
            "a..b",
            &"x".repeat(255),
        ] {
            assert_eq!(broken_rule(good), None, "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            ".hidden",
            "a/b",
            "/etc/passwd",
            "..\\b",
            "a\0",
            "a\nb",
            "a\u{7f}",
            "a\u{85}",
            "done",
            "quarantine",
            &"x".repeat(256),
        ] {
            assert!(broken_rule(bad).is_some(), "{bad:?}");
        }
    }
}
