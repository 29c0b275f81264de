//! From bytes to text.

use encoding_rs::Encoding;
use wrangling::Violation;
use wrangling::codec::inspect_bytes;

use crate::options::Options;

/// How bytes become text.
#[derive(Debug, Clone, Copy)]
pub enum Charset {
    /// Bytes that are no UTF-8 are shown as Ruby's `inspect` does (`\xFF`).
    Utf8,
    /// ISO 8859-1 proper: every byte is the code point of its number.
    Latin1,
    /// Only bytes below 128 are characters; others are replaced.
    Ascii,
    /// Any other; bytes that mean nothing are replaced.
    Other(&'static Encoding),
}

impl Charset {
    /// Reads the option `charset`.
    pub fn read(options: Options<'_>) -> Result<Self, Violation> {
        let name = options.text("charset")?.unwrap_or("UTF-8");
        match name.to_ascii_uppercase().as_str() {
            "UTF-8" | "UTF8" => Ok(Self::Utf8),
            "ISO-8859-1" | "ISO8859-1" => Ok(Self::Latin1),
            "US-ASCII" | "ASCII" | "ANSI_X3.4-1968" | "646" | "ASCII-8BIT" | "BINARY" => {
                Ok(Self::Ascii)
            }
            upper => {
                // Ruby's names that the web's registry of labels does not have
                let label = match upper {
                    "EUCJP" | "EUCJP-MS" | "CP51932" => "euc-jp",
                    "WINDOWS-31J" | "CP932" | "SJIS" => "shift_jis",
                    "EUCKR" | "CP949" => "euc-kr",
                    "EUCCN" | "GB2312" | "CP936" => "gbk",
                    "CP950" => "big5",
                    "CP866" => "ibm866",
                    "CP878" => "koi8-r",
                    other => other,
                };
                Encoding::for_label(label.as_bytes())
                    .map(Self::Other)
                    .ok_or_else(|| {
                        let message = format!("the charset `{name}` is not known");
                        options.wrong("charset", "invalid_charset", message)
                    })
            }
        }
    }

    /// The text of some bytes.
    pub fn text(self, bytes: &[u8]) -> String {
        match self {
            Self::Utf8 => match std::str::from_utf8(bytes) {
                Ok(text) => text.to_owned(),
                Err(_) => {
                    let quoted = inspect_bytes(bytes);
                    let inner = quoted
                        .strip_prefix('"')
                        .and_then(|text| text.strip_suffix('"'));
                    inner.unwrap_or(&quoted).to_owned()
                }
            },
            Self::Latin1 => bytes.iter().copied().map(char::from).collect(),
            Self::Ascii => {
                let known = |byte: &u8| match byte {
                    0..=127 => char::from(*byte),
                    _ => char::REPLACEMENT_CHARACTER,
                };
                bytes.iter().map(known).collect()
            }
            Self::Other(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
        }
    }
}
