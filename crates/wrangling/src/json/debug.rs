//! Events as Ruby's `awesome_print` shows them.

use bumpalo::Bump;

use crate::inspect::inspect_bytes;
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
}
