//! Sizes and durations as people write them in specs and configuration: `"512MiB"`, `"30s"`.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A number of bytes, written `"64KiB"`, `"512MiB"`, `"1GB"`, or as a plain number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

impl Bytes {
    /// So many mebibytes.
    pub const fn mib(count: u64) -> Self {
        Self(count << 20)
    }
    /// So many gibibytes.
    pub const fn gib(count: u64) -> Self {
        Self(count << 30)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", bytesize::ByteSize::b(self.0).display().iec())
    }
}

impl FromStr for Bytes {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<bytesize::ByteSize>()
            .map(|size| Self(size.as_u64()))
            .map_err(|_| {
                format!("{text:?} is no size: write for example \"64KiB\", \"512MiB\" or \"2GiB\"")
            })
    }
}

/// A span of time, written `"250ms"`, `"30s"`, `"15m"`, `"7days"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Its length in milliseconds.
    pub ms: u64,
}

impl Span {
    /// So many seconds.
    pub const fn secs(secs: u64) -> Self {
        Self { ms: secs * 1000 }
    }
    /// As the standard library's duration.
    pub const fn duration(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.ms)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", humantime::format_duration(self.duration()))
    }
}

impl FromStr for Span {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text)
            .map(|d| Self {
                ms: u64::try_from(d.as_millis()).unwrap_or(u64::MAX),
            })
            .map_err(|_| {
                format!(
                    "{text:?} is no duration: write for example \"250ms\", \"30s\" or \"7days\""
                )
            })
    }
}

macro_rules! human_text {
    ($name:ident, $schema_name:literal, $pattern:literal, $example:literal) => {
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $schema_name.into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "examples": [$example] })
            }
        }
    };
}

human_text!(
    Bytes,
    "Bytes",
    r"^\s*[0-9.]+\s*([kKMGTP]i?)?[bB]?\s*$",
    "512MiB"
);
human_text!(Span, "Span", r"^\s*([0-9]+\s*[a-z]+\s*)+$", "30s");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_spans_survive_their_own_printing() {
        for text in ["64KiB", "512MiB", "2GiB", "1GB", "0"] {
            let size: Bytes = text.parse().unwrap();
            let again: Bytes = size.to_string().parse().unwrap();
            assert!(again.0.abs_diff(size.0) <= size.0 / 10, "{text} → {size}");
        }
        for text in ["250ms", "30s", "7days", "1h 30m"] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        }
        assert!("many".parse::<Bytes>().is_err());
        assert!("5 apples".parse::<Span>().is_err());
    }
}
