//! A strict JSON parser (RFC 8259) into the record's arena. Strings without escapes stay in the input buffer.

use bumpalo::Bump;
use bumpalo::collections::{String as BumpString, Vec as BumpVec};

use super::encode::plain_bytes;
use crate::number::java_decimal;
use crate::value::{Member, Value};

/// Deeper nesting is refused: documents like that have no use, and the stack is finite.
const MAX_DEPTH: usize = 256;
/// From this many members on, repeated names of an object are found by sorting.
const MANY_MEMBERS: usize = 32;

/// Where and why a text is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {at}")]
pub(crate) struct JsonError {
    pub(crate) reason: &'static str,
    pub(crate) at: usize,
}

/// Parses one JSON value with nothing after it but white space. Of repeated members the last one counts.
pub(crate) fn parse<'a>(text: &'a str, bump: &'a Bump) -> Result<Value<'a>, JsonError> {
    let mut parser = Parser {
        text,
        bytes: text.as_bytes(),
        at: 0,
        bump,
    };
    parser.skip_space();
    let value = parser.value(0)?;
    parser.skip_space();
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.error("unexpected text after the value")),
    }
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    bump: &'a Bump,
}

impl<'a> Parser<'a> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn error(&self, reason: &'static str) -> JsonError {
        JsonError {
            reason,
            at: self.at,
        }
    }

    #[inline]
    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        match self.peek() {
            Some(b'"') => Ok(Value::Str(self.string()?)),
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => Err(self.error("expected a JSON value")),
            None => Err(self.error("unexpected end of text")),
        }
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, JsonError> {
        if self
            .bytes
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word.as_bytes()))
        {
            self.at += word.len();
            Ok(value)
        } else {
            Err(self.error("expected a JSON value"))
        }
    }

    fn enter(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth > MAX_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    /// After an item: `true` if another follows, `false` if the container ended.
    #[inline]
    fn more(&mut self, end: u8, reason: &'static str) -> Result<bool, JsonError> {
        self.skip_space();
        let more = match self.peek() {
            Some(b',') => true,
            Some(byte) if byte == end => false,
            _ => return Err(self.error(reason)),
        };
        self.at += 1;
        if more {
            self.skip_space();
        }
        Ok(more)
    }

    fn array(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        self.enter(depth)?;
        let mut items = BumpVec::new_in(self.bump);
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(&[]));
        }
        loop {
            items.push(self.value(depth)?);
            if !self.more(b']', "expected `,` or `]`")? {
                return Ok(Value::Array(items.into_bump_slice()));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, JsonError> {
        self.enter(depth)?;
        let mut members: BumpVec<'a, Member<'a>> = BumpVec::new_in(self.bump);
        let mut seen = 0_u64;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(&[]));
        }
        members.reserve(8);
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a member name in double quotes"));
            }
            let name = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.error("expected `:`"));
            }
            self.at += 1;
            self.skip_space();
            let value = self.value(depth)?;
            // most names are new: the search is for those that look like one seen before
            let bit = name_bit(name);
            let known = if seen & bit != 0 && members.len() < MANY_MEMBERS {
                members.iter_mut().find(|member| member.0 == name)
            } else {
                None
            };
            seen |= bit;
            match known {
                Some(member) => member.1 = value,
                None => members.push((name, value)),
            }
            if !self.more(b'}', "expected `,` or `}`")? {
                break;
            }
        }
        if members.len() >= MANY_MEMBERS {
            keep_last(&mut members);
        }
        Ok(Value::Object(members.into_bump_slice()))
    }

    fn string(&mut self) -> Result<&'a str, JsonError> {
        self.at += 1;
        let start = self.at;
        loop {
            while let Some(word) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
                let plain = plain_bytes(*word);
                self.at += plain;
                if plain < 8 {
                    break;
                }
            }
            match self.peek() {
                Some(b'"') => {
                    let text = self.slice(start, self.at)?;
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => return self.escaped(start),
                Some(0..0x20) => return Err(self.error("unescaped control character in a string")),
                Some(_) => self.at += 1,
                None => return Err(self.error("unterminated string")),
            }
        }
    }

    fn slice(&self, from: usize, to: usize) -> Result<&'a str, JsonError> {
        self.text.get(from..to).ok_or(JsonError {
            reason: "broken text",
            at: from,
        })
    }

    fn escaped(&mut self, start: usize) -> Result<&'a str, JsonError> {
        let mut text = BumpString::from_str_in(self.slice(start, self.at)?, self.bump);
        loop {
            let run = self.at;
            while self
                .peek()
                .is_some_and(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\')
            {
                self.at += 1;
            }
            text.push_str(self.slice(run, self.at)?);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text.into_bump_str());
                }
                Some(b'\\') => {
                    self.at += 1;
                    text.push(self.escape()?);
                }
                Some(_) => return Err(self.error("unescaped control character in a string")),
                None => return Err(self.error("unterminated string")),
            }
        }
    }

    /// The character of the escape whose backslash was just read.
    fn escape(&mut self) -> Result<char, JsonError> {
        let simple = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.error("unknown escape")),
        };
        self.at += 1;
        Ok(simple)
    }

    fn unicode(&mut self) -> Result<char, JsonError> {
        let unit = self.hex4()?;
        if !(0xD800..0xDC00).contains(&unit) {
            return Ok(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        if self.bytes.get(self.at..self.at + 2) != Some(b"\\u") {
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let before = self.at;
        self.at += 2;
        let low = self.hex4()?;
        if (0xDC00..0xE000).contains(&low) {
            let code = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        self.at = before;
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> Result<u32, JsonError> {
        let digits = self.bytes.get(self.at..self.at + 4).unwrap_or_default();
        let unit = digits
            .iter()
            .try_fold(0, |unit, byte| {
                Some(unit * 16 + char::from(*byte).to_digit(16)?)
            })
            .filter(|_| digits.len() == 4)
            .ok_or_else(|| self.error("expected four hexadecimal digits"))?;
        self.at += 4;
        Ok(unit)
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Value<'a>, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        let whole = self.digits();
        if whole == 0 || (leading_zero && whole > 1) {
            return Err(self.error("malformed number"));
        }
        let mut fraction = false;
        if self.peek() == Some(b'.') {
            self.at += 1;
            fraction = true;
            if self.digits() == 0 {
                return Err(self.error("malformed number"));
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            fraction = true;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.error("malformed number"));
            }
        }
        let text = self.slice(start, self.at)?;
        if fraction {
            return java_decimal(text, self.bump)
                .map(Value::Decimal)
                .ok_or_else(|| self.error("number out of range"));
        }
        Ok(text.parse().map_or(Value::BigInt(text), Value::Int))
    }
}

/// One of 64 bits by length, first and last byte of a name.
#[inline]
fn name_bit(name: &str) -> u64 {
    let byte = |byte: Option<&u8>| usize::from(byte.copied().unwrap_or_default());
    let (first, last) = (byte(name.as_bytes().first()), byte(name.as_bytes().last()));
    1 << ((name.len() * 29 + first * 3 + last * 11) & 63)
}

/// Removes all but the last of members with the same name.
fn keep_last(members: &mut BumpVec<'_, Member<'_>>) {
    let mut order: Vec<usize> = (0..members.len()).collect();
    let name = |index: &usize| members.get(*index).map(|member| member.0);
    order.sort_by(|a, b| name(a).cmp(&name(b)).then(a.cmp(b)));
    let mut dead: Vec<usize> = order
        .windows(2)
        .filter_map(|pair| match pair {
            [first, second] if name(first) == name(second) => Some(*first),
            _ => None,
        })
        .collect();
    if dead.is_empty() {
        return;
    }
    dead.sort_unstable();
    let mut index = 0;
    members.retain(|_| {
        let keep = dead.binary_search(&index).is_err();
        index += 1;
        keep
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::write_value;

    fn round_trip(text: &str) -> Result<String, JsonError> {
        let bump = Bump::new();
        let mut out = Vec::new();
        write_value(parse(text, &bump)?, &mut out);
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in [
            "",
            "  ",
            "{",
            "[1,]",
            "{\"a\":}",
            "{a:1}",
            "01",
            "1.",
            ".5",
            "+1",
            "NaN",
            "tru",
            "\"\u{1}\"",
            "\"\\x\"",
            "1 2",
            "'a'",
            "\"\\u12\"",
            "{\"a\":1,}",
            "-",
        ] {
            assert!(round_trip(text).is_err(), "{text:?}");
        }
        assert!(round_trip(&"[".repeat(1000)).is_err());
    }

    #[test]
    fn the_last_of_repeated_members_counts_however_many_there_are() {
        assert_eq!(
            round_trip(r#"{"a":1,"b":2,"a":3}"#).unwrap(),
            r#"{"a":3,"b":2}"#
        );
        let many: Vec<String> = (0..100).map(|n| format!("\"k{}\":{n}", n % 50)).collect();
        let parsed: serde_json::Value =
            serde_json::from_str(&round_trip(&format!("{{{}}}", many.join(","))).unwrap()).unwrap();
        assert_eq!(parsed.as_object().unwrap().len(), 50);
        assert_eq!(parsed["k7"], 57);
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
                prop::collection::vec((any::<String>(), inner), 0..8)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(value in json()) {
            let parsed: serde_json::Value = serde_json::from_str(&round_trip(&value.to_string()).unwrap()).unwrap();
            prop_assert_eq!(parsed, value);
        }

        #[test]
        fn accepts_nothing_that_serde_json_refuses(text in "[\\[\\]{},:\"0-9a-e.\\\\ +-]{0,24}") {
            if round_trip(&text).is_ok() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
            }
        }
    }
}
