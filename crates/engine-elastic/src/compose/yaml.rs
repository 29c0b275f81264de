//! Writes a document as YAML in which every text is quoted.
//!
//! YAML libraries leave out quotes by the rules of YAML 1.2; Compose reads by those of 1.1, where `no` is a truth and
//! `1000:0` a number in base 60.

use std::fmt::Write;

use serde_json::Value;

/// A document, in block style.
pub(super) fn write(document: &Value) -> String {
    let mut out = String::new();
    node(&mut out, document, 0);
    out.trim_start().to_owned() + "\n"
}

/// A value behind its key or dash.
fn node(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                begin_line(out, depth);
                *out += &key_text(key);
                out.push(':');
                node(out, value, depth + 1);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                begin_line(out, depth);
                out.push('-');
                node(out, item, depth + 1);
            }
        }
        Value::String(text) => *out += &format!(" {}", quoted(text)),
        // numbers, truths, and what is empty look the same in JSON
        other => *out += &format!(" {other}"),
    }
}

fn begin_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// A key: the words of the compose specification need no quotes.
fn key_text(key: &str) -> String {
    let word = key.len() > 3
        && key
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if word && !["null", "true", "false"].contains(&key) {
        key.to_owned()
    } else {
        quoted(key)
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out += "\\n",
            ' '..='~' => out.push(c),
            c if c.is_alphanumeric() => out.push(c),
            c => {
                // writing to a string cannot fail
                let _ = write!(out, "\\U{:08X}", u32::from(c));
            }
        }
    }
    out + "\""
}
