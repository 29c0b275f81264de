//! How Ruby shows texts, lists and objects: `"a\n"`, `["a", 1]`, `{"k"=>nil}`.

use std::fmt::Write as _;

use bumpalo::Bump;

use crate::value::Value;

/// In which order an object's members are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Members {
    AsTheyStand,
    /// By name.
    Sorted,
}

/// As [`Value::ruby_text`], but with the members of objects sorted.
pub(crate) fn sorted_text<'a>(value: Value<'a>, bump: &'a Bump) -> &'a str {
    match value {
        Value::Array(_) | Value::Object(_) => {
            let mut text = String::new();
            inspect(value, Members::Sorted, bump, &mut text);
            bump.alloc_str(&text)
        }
        scalar => scalar.ruby_text(bump),
    }
}

/// Appends a value as Ruby's `inspect` shows it.
pub(crate) fn inspect<'a>(value: Value<'a>, order: Members, bump: &'a Bump, out: &mut String) {
    match value {
        Value::Absent | Value::Null => out.push_str("nil"),
        Value::Str(text) => inspect_str(text, out),
        Value::Time(_) => inspect_str(value.text(bump), out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                inspect(*item, order, bump, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut all = members.to_vec();
            if order == Members::Sorted {
                all.sort_by_key(|(name, _)| *name);
            }
            out.push('{');
            for (index, (name, value)) in all.into_iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                inspect_str(name, out);
                out.push_str("=>");
                inspect(value, order, bump, out);
            }
            out.push('}');
        }
        scalar => out.push_str(scalar.ruby_text(bump)),
    }
}

/// Bytes as Ruby's `inspect` shows a UTF-8 string, with its quotes: what is no UTF-8 as `\xFF`.
#[must_use]
pub fn inspect_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    for chunk in bytes.utf8_chunks() {
        escape(chunk.valid(), &mut text);
        for byte in chunk.invalid() {
            let _infallible = write!(text, "\\x{byte:02X}");
        }
    }
    text.push('"');
    text
}

/// A string as Ruby's `String#inspect` quotes it.
fn inspect_str(text: &str, out: &mut String) {
    out.push('"');
    escape(text, out);
    out.push('"');
}

/// Appends a text with the escapes of `inspect`, without quotes.
pub(crate) fn escape(text: &str, out: &mut String) {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '#' if matches!(chars.peek(), Some('{' | '$' | '@')) => out.push_str("\\#"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{c}' => out.push_str("\\f"),
            '\u{b}' => out.push_str("\\v"),
            '\u{8}' => out.push_str("\\b"),
            '\u{7}' => out.push_str("\\a"),
            '\u{1b}' => out.push_str("\\e"),
            '\u{7f}' => out.push_str("\\x7F"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                let _infallible = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_are_shown_as_ruby_shows_them() {
        let bump = Bump::new();
        for (json, shown) in [
            (r#"["a", 1, null, true]"#, r#"["a", 1, nil, true]"#),
            (
                r#"{"b": {"z": 2.5, "y": []}, "a": ""}"#,
                r#"{"a"=>"", "b"=>{"y"=>[], "z"=>0.25e1}}"#,
            ),
            (
                r##"["\"\\\n\u0001", "#{a} #b", "é"]"##,
                r##"["\"\\\n\u0001", "\#{a} #b", "é"]"##,
            ),
            (r#""plain""#, r#""plain""#),
        ] {
            let value = crate::json::parse(json, &bump).unwrap();
            let mut text = String::new();
            inspect(value, Members::Sorted, &bump, &mut text);
            assert_eq!(text, shown);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_by_their_numbers() {
        assert_eq!(
            inspect_bytes(b"a\xff\xe2\x98 \"\\"),
            "\"a\\xFF\\xE2\\x98 \\\"\\\\\""
        );
    }
}
