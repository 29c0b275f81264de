//! Values as Ruby's `inspect` shows them.

use std::fmt::Write;

use serde_json::Value;

/// Appends a value.
pub fn inspect(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("nil"),
        Value::Bool(_) | Value::Number(_) => {
            // writing to memory does not fail
            let _written = write!(out, "{value}");
        }
        Value::String(text) => inspect_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                out.push_str(if number == 0 { "" } else { ", " });
                inspect(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (number, (name, member)) in members.iter().enumerate() {
                out.push_str(if number == 0 { "" } else { ", " });
                inspect_text(name, out);
                out.push_str("=>");
                inspect(member, out);
            }
            out.push('}');
        }
    }
}

fn inspect_text(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\u{8}' => out.push_str("\\b"),
            '\u{7}' => out.push_str("\\a"),
            '\u{1b}' => out.push_str("\\e"),
            '#' if matches!(rest.peek(), Some('{' | '$' | '@')) => out.push_str("\\#"),
            control if control.is_control() => {
                // writing to memory does not fail
                let _written = match u32::from(control) {
                    code @ 0x80.. => write!(out, "\\u{code:04X}"),
                    code => write!(out, "\\x{code:02X}"),
                };
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_shown_as_ruby_shows_them() {
        let value = json!({"a": [1, 2.5, null, true], "b\"": {"c": "x#{y}\n\u{1b}\u{1}ü\\"}});
        let mut shown = String::new();
        inspect(&value, &mut shown);
        assert_eq!(
            shown,
            r#"{"a"=>[1, 2.5, nil, true], "b\""=>{"c"=>"x\#{y}\n\e\x01ü\\"}}"#
        );
    }
}
