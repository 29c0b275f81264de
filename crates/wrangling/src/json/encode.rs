//! Writes values as JSON straight into a byte buffer.

use crate::date::write_iso8601;
use crate::number::{write_double, write_int};
use crate::value::{Member, Value};

/// Appends `text` as a JSON string with its quotes.
#[inline]
pub fn write_json_str(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    write_escaped(text.as_bytes(), out);
    out.push(b'"');
}

/// Whether a byte must be escaped inside a JSON string.
const ESCAPED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

#[inline]
fn needs_escape(byte: u8) -> bool {
    ESCAPED.get(usize::from(byte)).copied().unwrap_or(false)
}

/// Whether any of eight bytes must be escaped.
#[inline]
fn any_escape(word: u64) -> bool {
    escapes(word) != 0
}

/// A bit for bytes that must be escaped. The lowest bit is exact; bits above it may be false.
#[inline]
fn escapes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero_in = |x: u64| x.wrapping_sub(ONES) & !x & HIGH;
    let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
    control | zero_in(word ^ (ONES * 0x22)) | zero_in(word ^ (ONES * 0x5C))
}

/// Appends up to 16 bytes by copies of constant size, which need no call. Returns false if the text is longer or must be
/// escaped; nothing is appended then.
#[inline]
fn write_short(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    let len = bytes.len();
    if let (Some(head), Some(tail)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        let clean =
            !any_escape(u64::from_le_bytes(*head)) && !any_escape(u64::from_le_bytes(*tail));
        if len > 16 || !clean {
            return false;
        }
        out.extend_from_slice(head);
        out.truncate(out.len() + len - 16);
        out.extend_from_slice(tail);
        return true;
    }
    if let (Some(head), Some(tail)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let both =
            u64::from(u32::from_le_bytes(*head)) << 32 | u64::from(u32::from_le_bytes(*tail));
        if any_escape(both) {
            return false;
        }
        out.extend_from_slice(head);
        out.truncate(out.len() + len - 8);
        out.extend_from_slice(tail);
        return true;
    }
    if bytes.iter().any(|byte| needs_escape(*byte)) {
        return false;
    }
    match *bytes {
        [a] => out.push(a),
        [a, b] => out.extend_from_slice(&[a, b]),
        [a, b, c] => out.extend_from_slice(&[a, b, c]),
        _ => {}
    }
    true
}

/// How many bytes come before the first that ends a JSON string or needs a look: 8 if none does.
#[inline]
pub(super) fn plain_bytes(word: [u8; 8]) -> usize {
    escapes(u64::from_le_bytes(word)).trailing_zeros() as usize / 8
}

#[inline]
fn write_escaped(bytes: &[u8], out: &mut Vec<u8>) {
    if write_short(bytes, out) {
        return;
    }
    let mut rest = bytes;
    loop {
        let (clean, tail) = rest.split_at(clean_bytes(rest));
        out.extend_from_slice(clean);
        let Some((byte, tail)) = tail.split_first() else {
            return;
        };
        write_escape(*byte, out);
        rest = tail;
    }
}

/// How many bytes come before the first that must be escaped.
#[inline]
fn clean_bytes(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let escapes = escapes(u64::from_le_bytes(*word));
        if escapes != 0 {
            return index * 8 + escapes.trailing_zeros() as usize / 8;
        }
    }
    let before = tail.iter().take_while(|byte| !needs_escape(**byte));
    words.len() * 8 + before.count()
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        other => {
            let hex = |nibble: u8| {
                if nibble < 10 {
                    b'0' + nibble
                } else {
                    b'a' + nibble - 10
                }
            };
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex(other >> 4), hex(other & 15)]);
        }
    }
}

/// Appends a field's value; the common kinds without a call.
#[inline]
pub(crate) fn write_field(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Str(text) => write_json_str(text, out),
        Value::Int(number) => write_int(number, out),
        other => write_value(other, out),
    }
}

/// Appends `value` as JSON. An absent value is written as null.
pub(crate) fn write_value(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Str(text) => write_json_str(text, out),
        Value::Int(number) => write_int(number, out),
        Value::Float(number) => write_double(number, out),
        Value::BigInt(text) | Value::Decimal(text) => out.extend_from_slice(text.as_bytes()),
        Value::Absent | Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Time(ms) => {
            out.push(b'"');
            write_iso8601(ms, out);
            out.push(b'"');
        }
        Value::Array(items) => write_array(items, write_field, out),
        Value::Object(members) => write_object(members, write_field, out),
    }
}

/// As [`write_value`], with the members of objects sorted by name: how sprintf renders an object.
pub(crate) fn write_sorted(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Array(items) => write_array(items, write_sorted, out),
        Value::Object(members) => {
            let mut sorted = members.to_vec();
            sorted.sort_by_key(|(name, _)| *name);
            write_object(&sorted, write_sorted, out);
        }
        scalar => write_value(scalar, out),
    }
}

fn write_array(items: &[Value<'_>], write: impl Fn(Value<'_>, &mut Vec<u8>), out: &mut Vec<u8>) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(*item, out);
    }
    out.push(b']');
}

fn write_object(
    members: &[Member<'_>],
    write: impl Fn(Value<'_>, &mut Vec<u8>),
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_json_str(name, out);
        out.push(b':');
        write(*value, out);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn strings_are_written_as_serde_json_reads_them(text in any::<String>()) {
            let mut out = Vec::new();
            super::write_json_str(&text, &mut out);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
