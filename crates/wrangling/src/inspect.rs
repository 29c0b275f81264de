//! How Ruby shows lists and objects as text: `["a", 1]`, `{"k"=>nil}`.

use std::fmt::Write as _;

use bumpalo::Bump;

use crate::value::Value;

/// What Ruby's `to_s` gives: as [`Value::ruby_text`], and lists and objects as `inspect` shows them, members sorted by name.
pub(crate) fn ruby_to_s<'a>(value: Value<'a>, bump: &'a Bump) -> &'a str {
    match value {
        Value::Array(_) | Value::Object(_) => {
            let mut text = String::new();
            inspect(value, bump, &mut text);
            bump.alloc_str(&text)
        }
        scalar => scalar.ruby_text(bump),
    }
}

fn inspect<'a>(value: Value<'a>, bump: &'a Bump, out: &mut String) {
    match value {
        Value::Absent | Value::Null => out.push_str("nil"),
        Value::Str(text) => inspect_str(text, out),
        Value::Time(_) => inspect_str(value.text(bump), out),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                inspect(*item, bump, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut sorted = members.to_vec();
            sorted.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (index, (name, value)) in sorted.into_iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { "" });
                inspect_str(name, out);
                out.push_str("=>");
                inspect(value, bump, out);
            }
            out.push('}');
        }
        scalar => out.push_str(scalar.ruby_text(bump)),
    }
}

/// A string as Ruby's `String#inspect` quotes it.
fn inspect_str(text: &str, out: &mut String) {
    out.push('"');
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
    out.push('"');
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
            (r#""plain""#, "plain"),
        ] {
            let value = crate::json::parse(json, &bump).unwrap();
            assert_eq!(ruby_to_s(value, &bump), shown);
        }
    }
}
