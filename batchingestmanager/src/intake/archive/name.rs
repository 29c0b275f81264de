//! What a member of an archive may be called.

/// Longest path, in bytes.
const MAX_BYTES: usize = 1024;
/// Characters shown of a name that cannot be taken.
const SHOWN: usize = 200;

/// A member's path with `/` between its parts, or the rule that it breaks.
pub fn path(name: &[u8]) -> Result<String, &'static str> {
    let Ok(name) = std::str::from_utf8(name) else {
        return Err("it is not UTF-8");
    };
    if name.len() > MAX_BYTES {
        return Err("it has more than 1024 bytes");
    }
    if name.chars().any(char::is_control) {
        return Err("it holds control characters");
    }
    let is_drive = name.as_bytes().get(1) == Some(&b':');
    if name.starts_with(['/', '\\']) || is_drive {
        return Err("it is an absolute path");
    }
    let parts: Vec<&str> = parts(name).collect();
    match parts.as_slice() {
        [] => Err("it is empty"),
        parts if parts.contains(&"..") => Err("it leads out of the archive"),
        parts => Ok(parts.join("/")),
    }
}

/// The parts of a path, without those that mean nothing.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split(['/', '\\'])
        .filter(|part| !part.is_empty() && *part != ".")
}

/// Whether somebody's desktop has put it there: hidden files, and what macOS adds to its archives.
pub fn is_hidden(path: &str) -> bool {
    path.split('/')
        .any(|part| part.starts_with('.') || part == "__MACOSX")
}

/// A name as it can be shown, whatever it is.
pub fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name)
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .take(SHOWN)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_inside() {
        for (name, expected) in [
            ("a.csv", "a.csv"),
            ("./dir//a.csv", "dir/a.csv"),
            ("dir\\sub\\a.csv", "dir/sub/a.csv"),
            ("a..b/c", "a..b/c"),
            ("ž/🦀.csv", "ž/🦀.csv"),
        ] {
            assert_eq!(path(name.as_bytes()).as_deref(), Ok(expected));
        }
        for name in [
            "",
            ".",
            "./",
            "/etc/passwd",
            "\\\\host\\share",
            "C:\\a",
            "C:a",
            "..",
            "a/../b",
            "a\\..\\b",
            "../a",
            "a\nb",
            "a\0b",
            "a\u{85}",
        ] {
            assert!(path(name.as_bytes()).is_err(), "{name:?}");
        }
        assert!(path(b"\xff\xfe").is_err());
        assert!(path(&[b'x'; 1025]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_taken_is_plain(name: Vec<u8>) {
            if let Ok(path) = path(&name) {
                assert!(path.split('/').all(|part| !["", ".", ".."].contains(&part)));
                assert!(!path.contains(['\\', '\0', '\n']));
            }
            assert!(!shown(&name).chars().any(char::is_control));
        }
    }
}
