//! From a grok pattern to one regular expression: `%{NAME:field:type}` becomes a named group of the pattern's definition.

use super::library::Library;

/// Nesting beyond this is a pattern that refers to itself.
const MAX_DEPTH: usize = 100;
/// Names of the library's own parts, which never become fields.
const HELPER: &str = "__";
/// A longer expression is refused.
const MAX_BYTES: usize = 1 << 20;

/// Replaces all references.
///
/// # Errors
/// For a name that is not defined, and for patterns that refer to themselves.
pub(super) fn expand(
    pattern: &str,
    library: &mut Library,
    named_only: bool,
) -> Result<String, String> {
    let mut out = String::new();
    expand_into(pattern, library, named_only, 0, &mut out)?;
    Ok(out)
}

fn expand_into(
    pattern: &str,
    library: &mut Library,
    named_only: bool,
    depth: usize,
    out: &mut String,
) -> Result<(), String> {
    if depth > MAX_DEPTH || out.len() > MAX_BYTES {
        return Err("a pattern refers to itself, or the whole is too long".to_owned());
    }
    let mut rest = pattern;
    while let Some(at) = rest.find("%{") {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let Some(reference) = Reference::parse(tail) else {
            out.push_str("%{");
            rest = tail.get(2..).unwrap_or_default();
            continue;
        };
        if let Some(definition) = reference.definition {
            library.define(reference.pattern, definition);
        }
        let definition = library
            .get(reference.pattern)
            .ok_or_else(|| format!("the pattern `%{{{}}}` is not defined", reference.name))?;
        let nameless = !reference.name.contains(':');
        match nameless && (named_only || reference.name.starts_with(HELPER)) {
            true => out.push_str("(?:"),
            false => {
                out.push_str("(?<");
                out.push_str(reference.name);
                out.push('>');
            }
        }
        expand_into(&definition, library, named_only, depth + 1, out)?;
        out.push(')');
        rest = reference.after;
    }
    out.push_str(rest);
    Ok(())
}

/// `%{NAME:field:type=definition}`
struct Reference<'p> {
    pattern: &'p str,
    /// `NAME:field:type`
    name: &'p str,
    definition: Option<&'p str>,
    after: &'p str,
}

impl<'p> Reference<'p> {
    fn parse(text: &'p str) -> Option<Self> {
        let inner = text.strip_prefix("%{")?;
        let of_pattern = |c: char| matches!(c, 'A'..='z' | '0'..='9');
        let of_field = |c: char| of_pattern(c) || matches!(c, '@' | ':' | '.' | '-');
        let pattern_end = inner.find(|c| !of_pattern(c))?;
        let pattern = inner.get(..pattern_end)?;
        let mut name_end = pattern_end;
        if let Some(field) = inner.get(pattern_end..)?.strip_prefix(':') {
            let len = field.find(|c| !of_field(c)).unwrap_or(field.len());
            name_end += if len > 0 { len + 1 } else { 0 };
        }
        if pattern.is_empty() {
            return None;
        }
        let (name, tail) = inner.split_at(name_end);
        let definition_end = tail.strip_prefix('=').and_then(closing);
        let (definition, close) = match definition_end {
            Some(end) => (tail.get(1..=end), end + 1),
            None => (None, tail.find('}')?),
        };
        Some(Self {
            pattern,
            name,
            definition,
            after: tail.get(close + 1..)?,
        })
    }
}

/// Where the brace is that closes the one before `text`.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut escaped) = (0_usize, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '{' => depth += 1,
            '}' if depth == 0 => return (at > 0).then_some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::EcsCompatibility;

    fn expanded(pattern: &str, named_only: bool) -> Result<String, String> {
        let mut library = Library::new(EcsCompatibility::V8);
        library.define("A", "a+");
        library.define("B", "<%{A:x}>");
        library.define("LOOP", "%{LOOP}");
        expand(pattern, &mut library, named_only)
    }

    #[test]
    fn references_become_groups() {
        for (pattern, expected) in [
            ("%{A}", "(?:a+)"),
            ("%{A:f:int}", "(?<A:f:int>a+)"),
            ("%{A:[b][c] ignored}", "(?<A:[b][c]>a+)"),
            ("%{B}", "(?:<(?<A:x>a+)>)"),
            ("%%{A} %{} 5%", "%(?:a+) %{} 5%"),
            (r"%{NEW:n=\d{2}}-%{NEW}", r"(?<NEW:n>\d{2})-(?:\d{2})"),
        ] {
            assert_eq!(expanded(pattern, true).unwrap(), expected);
        }
        assert_eq!(expanded("%{A}", false).unwrap(), "(?<A>a+)");
        assert!(expanded("%{NOPE:x}", true).unwrap_err().contains("NOPE:x"));
        assert!(expanded("%{LOOP}", true).is_err());
    }
}
