//! Timestamps in scripts: values of a kind of their own, as in events.

use rhai::{Engine, EvalAltResult};

use crate::date::{DateFormatter, parse_timestamp, write_iso8601};

/// Milliseconds since 1970 of the first moment of the year 0 and of the last one of the year 9999.
const RANGE: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// A moment, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Timestamp(pub(super) i64);

type Result<T> = std::result::Result<T, Box<EvalAltResult>>;

impl Timestamp {
    fn new(millis: i64) -> Result<Self> {
        if RANGE.contains(&millis) {
            return Ok(Self(millis));
        }
        Err("a timestamp is of the years 0 to 9999".into())
    }

    fn moved(self, millis: Option<i64>) -> Result<Self> {
        millis.map_or_else(|| Self::new(i64::MAX), Self::new)
    }

    fn parse(text: &str) -> Result<Self> {
        match parse_timestamp(text) {
            Some(millis) => Self::new(millis),
            None => Err("the text is no timestamp of ISO 8601".into()),
        }
    }

    fn text(&mut self) -> String {
        let mut text = Vec::new();
        write_iso8601(self.0, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    fn format(&mut self, pattern: &str) -> Result<String> {
        let formatter = DateFormatter::java(pattern)?;
        let mut text = String::new();
        let _infallible = formatter.write(self.0, &mut text);
        Ok(text)
    }
}

/// Makes timestamps known to scripts.
pub(super) fn register(engine: &mut Engine) {
    engine
        .register_type_with_name::<Timestamp>("timestamp")
        .register_fn("timestamp", Timestamp::parse)
        .register_fn("timestamp", Timestamp::new)
        .register_get("millis", |at: &mut Timestamp| at.0)
        .register_fn("to_string", Timestamp::text)
        .register_fn("to_debug", Timestamp::text)
        .register_fn("format", Timestamp::format)
        .register_fn("+", |at: Timestamp, by: i64| at.moved(at.0.checked_add(by)))
        .register_fn("-", |at: Timestamp, by: i64| at.moved(at.0.checked_sub(by)))
        .register_fn("-", |at: Timestamp, other: Timestamp| {
            at.0.saturating_sub(other.0)
        })
        .register_fn("==", |at: Timestamp, other: Timestamp| at == other)
        .register_fn("!=", |at: Timestamp, other: Timestamp| at != other)
        .register_fn("<", |at: Timestamp, other: Timestamp| at < other)
        .register_fn("<=", |at: Timestamp, other: Timestamp| at <= other)
        .register_fn(">", |at: Timestamp, other: Timestamp| at > other)
        .register_fn(">=", |at: Timestamp, other: Timestamp| at >= other);
}
