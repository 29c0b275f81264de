//! Events as Ruby's `awesome_print` shows them, and texts as `inspect` does.

use bumpalo::Bump;

use crate::value::Value;

/// Each level of nesting is indented by so much.
const INDENT: usize = 4;

/// Appends a value, `depth` levels inside.
pub(crate) fn write_debug(value: Value<'_>, depth: usize, out: &mut Vec<u8>) {
    match value {
        Value::Absent | Value::Null => out.extend_from_slice(b"nil"),
        Value::Str(text) => out.extend_from_slice(inspect_bytes(text.as_bytes()).as_bytes()),
        Value::Object([]) => out.extend_from_slice(b"{}"),
        Value::Array([]) => out.extend_from_slice(b"[]"),
        Value::Object(members) => {
            let names: Vec<String> = members
                .iter()
                .map(|(name, _)| inspect_bytes(name.as_bytes()))
                .collect();
            let width = |name: &String| name.chars().count();
            let widest = names.iter().map(width).max().unwrap_or(0);
            let width = widest + INDENT * (depth + 1);
            let mut separator = "{\n";
            for (name, (_, value)) in names.iter().zip(members) {
                out.extend_from_slice(format!("{separator}{name:>width$} => ").as_bytes());
                write_debug(*value, depth + 1, out);
                separator = ",\n";
            }
            close(b'}', depth, out);
        }
        Value::Array(items) => {
            let digits = (items.len() - 1).to_string().len();
            let indent = INDENT * (depth + 1);
            let mut separator = "[\n";
            for (index, item) in items.iter().enumerate() {
                let head = format!("{separator}{:indent$}[{index:>digits$}] ", "");
                out.extend_from_slice(head.as_bytes());
                write_debug(*item, depth + 1, out);
                separator = ",\n";
            }
            close(b']', depth, out);
        }
        scalar => out.extend_from_slice(scalar.text(&Bump::new()).as_bytes()),
    }
}

fn close(bracket: u8, depth: usize, out: &mut Vec<u8>) {
    out.push(b'\n');
    out.resize(out.len() + INDENT * depth, b' ');
    out.push(bracket);
}

/// Bytes as Ruby's `inspect` shows a UTF-8 string, with its quotes: what is no UTF-8 as `\xFF`.
#[must_use]
pub fn inspect_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid().chars().peekable();
        while let Some(c) = rest.next() {
            inspect_char(c, rest.peek().copied(), &mut text);
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text.push('"');
    text
}

fn inspect_char(c: char, next: Option<char>, text: &mut String) {
    match c {
        '"' => text.push_str("\\\""),
        '\\' => text.push_str("\\\\"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        '\u{b}' => text.push_str("\\v"),
        '\u{c}' => text.push_str("\\f"),
        '\u{8}' => text.push_str("\\b"),
        '\u{7}' => text.push_str("\\a"),
        '\u{1b}' => text.push_str("\\e"),
        '#' if matches!(next, Some('{' | '$' | '@')) => text.push_str("\\#"),
        '\u{7f}' => text.push_str("\\x7F"),
        c if c.is_control() => text.push_str(&format!("\\u{:04X}", u32::from(c))),
        c => text.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_right_aligned_and_lists_are_numbered() {
        let inner = [("h", Value::Int(1))];
        let items = [Value::Str("a\n#{x}"), Value::Null];
        let members = [
            ("@timestamp", Value::Time(0)),
            ("host", Value::Object(&inner)),
            ("l", Value::Array(&items)),
        ];
        let mut out = Vec::new();
        write_debug(Value::Object(&members), 0, &mut out);
        let expected = "{\n    \"@timestamp\" => 1970-01-01T00:00:00.000Z,\n          \"host\" => {\n        \"h\" => 1\n    },\n             \"l\" => [\n        [0] \"a\\n\\#{x}\",\n        [1] nil\n    ]\n}";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_by_their_numbers() {
        assert_eq!(
            inspect_bytes(b"a\xff\xe2\x98 \"\\"),
            "\"a\\xFF\\xE2\\x98 \\\"\\\\\""
        );
    }
}
