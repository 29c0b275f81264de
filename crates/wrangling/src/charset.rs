//! Character sets by their names in Ruby.

use std::fmt::Write as _;

use encoding_rs::Encoding;

use crate::inspect::escape;

/// How bytes become text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Charset {
    Utf8,
    Ascii,
    Latin1,
    Other(&'static Encoding),
}

impl Charset {
    /// A character set by name, in any case; `None` if it cannot be read here.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "UTF-8" | "CP65001" => Some(Self::Utf8),
            "US-ASCII" | "ASCII" | "ANSI_X3.4-1968" | "646" | "ASCII-8BIT" | "BINARY" => {
                Some(Self::Ascii)
            }
            "ISO-8859-1" | "ISO8859-1" => Some(Self::Latin1),
            // names of Ruby's that the standard for the web has not
            "CP932" | "CSWINDOWS31J" => Some(Self::Other(encoding_rs::SHIFT_JIS)),
            "CP936" => Some(Self::Other(encoding_rs::GBK)),
            "CP949" => Some(Self::Other(encoding_rs::EUC_KR)),
            "CP950" => Some(Self::Other(encoding_rs::BIG5)),
            "CP878" => Some(Self::Other(encoding_rs::KOI8_R)),
            "MACCYRILLIC" => Some(Self::Other(encoding_rs::X_MAC_CYRILLIC)),
            "MACROMAN" => Some(Self::Other(encoding_rs::MACINTOSH)),
            label => Encoding::for_label(label.as_bytes()).map(Self::Other),
        }
    }

    /// Whether the bytes of a text in UTF-8 are the same text in this set.
    pub(crate) fn keeps(self, text: &str) -> bool {
        match self {
            Self::Utf8 => true,
            Self::Other(encoding) => text.is_ascii() && encoding.is_ascii_compatible(),
            Self::Ascii | Self::Latin1 => text.is_ascii(),
        }
    }

    /// The text of bytes. What is none becomes U+FFFD, or escapes in UTF-8, as Logstash does.
    pub(crate) fn decode(self, bytes: &[u8]) -> String {
        match self {
            Self::Utf8 => inspected(bytes),
            Self::Ascii => {
                let char = |byte: &u8| match byte.is_ascii() {
                    true => char::from(*byte),
                    false => char::REPLACEMENT_CHARACTER,
                };
                bytes.iter().map(char).collect()
            }
            Self::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect(),
            Self::Other(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
        }
    }
}

/// UTF-8 as it is; if it is none, as Ruby's `inspect` without the quotes.
fn inspected(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(bytes.len() * 2);
    for chunk in bytes.utf8_chunks() {
        escape(chunk.valid(), &mut out);
        for byte in chunk.invalid() {
            let _infallible = write!(out, "\\x{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Charset;

    #[test]
    fn bytes_are_read_as_ruby_does() {
        for (charset, bytes, text) in [
            ("utf-8", &b"caf\xC3\xA9"[..], "café"),
            ("UTF-8", b"a\"\n\xFF", "a\\\"\\n\\xFF"),
            ("US-ASCII", b"caf\xE9", "caf\u{FFFD}"),
            ("ISO-8859-1", b"caf\xE9\x80", "café\u{80}"),
            ("CP1252", b"\x80", "€"),
            ("Shift_JIS", b"\x83e\x83X\x83g", "テスト"),
            ("UTF-16LE", b"h\0i\0", "hi"),
            ("KOI8-R", b"\xC1", "а"),
        ] {
            assert_eq!(
                Charset::named(charset).unwrap().decode(bytes),
                text,
                "{charset}"
            );
        }
        assert!(Charset::named("nonsense").is_none());
        assert!(!Charset::named("CP1252").unwrap().keeps("é"));
    }
}
