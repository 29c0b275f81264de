//! Dates: the date filter's formats for reading, ISO 8601 and Joda patterns for writing. Times are milliseconds since 1970.

mod civil;
mod format;
mod iso;
mod names;
mod pattern;
mod resolve;
mod unix;
mod zone;

pub(crate) use civil::year_of;
pub(crate) use format::DateFormatter;
pub(crate) use iso::write_iso8601;
pub(crate) use names::Language;
pub(crate) use zone::Zone;

use pattern::Pattern;

/// What a reader of dates needs to know of its surroundings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DateContext<'z> {
    /// Zone of texts that name none.
    pub(crate) zone: &'z Zone,
    /// The run's clock: guesses missing and two-digit years.
    pub(crate) clock_ms: i64,
}

/// A date format that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("date format `{format}`: {reason}")]
pub(crate) struct DateFormatError {
    format: String,
    reason: String,
}

/// Formats tried in order.
#[derive(Debug, Clone)]
pub(crate) struct DateFormats {
    readers: Vec<Reader>,
}

#[derive(Debug, Clone)]
enum Reader {
    Iso8601,
    Unix,
    UnixMs,
    Tai64n,
    Pattern(Pattern),
}

impl DateFormats {
    /// Compiles formats as the date filter has them: `ISO8601`, `UNIX`, `UNIX_MS`, `TAI64N`, or a Joda pattern with English
    /// names of months and days.
    pub(crate) fn compile(formats: &[String]) -> Result<Self, DateFormatError> {
        Self::compile_in(formats, Language::English)
    }

    /// As [`Self::compile`], with the names of a language.
    pub(crate) fn compile_in(
        formats: &[String],
        language: Language,
    ) -> Result<Self, DateFormatError> {
        let reader = |format: &String| {
            Ok(match format.as_str() {
                "ISO8601" => Reader::Iso8601,
                "UNIX" => Reader::Unix,
                "UNIX_MS" => Reader::UnixMs,
                "TAI64N" => Reader::Tai64n,
                pattern => {
                    Reader::Pattern(Pattern::compile(pattern, language).map_err(|reason| {
                        DateFormatError {
                            format: format.clone(),
                            reason,
                        }
                    })?)
                }
            })
        };
        Ok(Self {
            readers: formats.iter().map(reader).collect::<Result<_, _>>()?,
        })
    }

    /// The time that the first fitting format reads.
    #[inline]
    pub(crate) fn parse(&self, text: &str, context: &DateContext<'_>) -> Option<i64> {
        self.readers.iter().find_map(|reader| match reader {
            Reader::Iso8601 => iso::parse_filter(text, context),
            Reader::Unix => unix::seconds(text),
            Reader::UnixMs => unix::milliseconds(text),
            Reader::Tai64n => unix::tai64n(text),
            Reader::Pattern(pattern) => pattern.parse(text, context),
        })
    }

    /// As [`Self::parse`], with the formats alone that need no time zone.
    pub(crate) fn parse_number(&self, text: &str) -> Option<i64> {
        self.readers.iter().find_map(|reader| match reader {
            Reader::Unix => unix::seconds(text),
            Reader::UnixMs => unix::milliseconds(text),
            Reader::Tai64n => unix::tai64n(text),
            Reader::Iso8601 | Reader::Pattern(_) => None,
        })
    }
}

/// Whether a format of the date filter reads all of these texts. No format reads what it cannot be compiled of.
pub fn reads_dates(format: &str, texts: &[&str]) -> bool {
    let context = DateContext {
        zone: &Zone::Utc,
        clock_ms: 0,
    };
    DateFormats::compile(&[format.to_owned()]).is_ok_and(|formats| {
        texts
            .iter()
            .all(|text| formats.parse(text, &context).is_some())
    })
}

/// A timestamp as events carry it (`@timestamp` of a JSON document): ISO 8601, UTC if it names no zone.
pub(crate) fn parse_timestamp(text: &str) -> Option<i64> {
    iso::parse(text, &Zone::Utc)
}
