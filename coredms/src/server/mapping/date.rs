//! Date formats: Elasticsearch's named ones and patterns of year to fraction, read and printed.

use jiff::{Timestamp, ToSpan, civil, tz::TimeZone};

/// How the parts that a date text leaves out are filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// With the smallest value: the start of that year, day, ….
    Down,
    /// With the greatest: its last millisecond.
    Up,
}

/// The alternatives of a date field's `format`, tried in order.
#[derive(Debug, Clone, PartialEq)]
pub struct DateFormat {
    text: String,
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone, PartialEq)]
enum Pattern {
    /// `2013`, `2013-01-05`, `2013-01-05T10:00:00.123+01:00`, …
    OptionalTime {
        strict: bool,
    },
    EpochMillis,
    EpochSecond,
    Parts(Vec<Part>),
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Year(usize),
    Month(usize),
    Day(usize),
    Hour(usize),
    Minute(usize),
    Second(usize),
    Fraction(usize),
    Offset,
    Literal(char),
}

/// The format of a date field that names none.
pub const DEFAULT: &str = "strict_date_optional_time||epoch_millis";

impl Default for DateFormat {
    fn default() -> Self {
        let patterns = vec![Pattern::OptionalTime { strict: true }, Pattern::EpochMillis];
        Self {
            text: DEFAULT.into(),
            patterns,
        }
    }
}

impl DateFormat {
    /// Reads a `format`; `None` when a part of it is not known.
    pub fn new(text: &str) -> Option<Self> {
        let patterns = text.split("||").map(pattern).collect::<Option<Vec<_>>>()?;
        Some(Self {
            text: text.into(),
            patterns,
        })
    }

    /// The format as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Milliseconds since 1970 of a date text.
    pub fn parse(&self, text: &str) -> Option<i64> {
        self.parse_rounded(text, Rounding::Down)
    }

    /// [`DateFormat::parse`] for a bound of a range.
    pub fn parse_rounded(&self, text: &str, rounding: Rounding) -> Option<i64> {
        self.patterns.iter().find_map(|pattern| match pattern {
            Pattern::OptionalTime { strict } => optional_time(text, *strict)?.millis(rounding),
            Pattern::EpochMillis => epoch(text),
            Pattern::EpochSecond => epoch(text)?.checked_mul(1000),
            Pattern::Parts(parts) => read_parts(text, parts)?.millis(rounding),
        })
    }

    /// A date in this format's first alternative.
    pub fn print(&self, millis: i64) -> String {
        match self.patterns.first() {
            Some(Pattern::EpochMillis) => millis.to_string(),
            Some(Pattern::EpochSecond) => millis.div_euclid(1000).to_string(),
            Some(Pattern::Parts(parts)) => print_parts(millis, parts),
            _ => iso(millis),
        }
    }

    /// A bound of a range: a date, or `now` or `date||` followed by date math (`+1M`, `/d`).
    pub fn parse_math(&self, text: &str, now: i64, rounding: Rounding) -> Option<i64> {
        let (anchor, math) = match (text.strip_prefix("now"), text.split_once("||")) {
            (Some(math), _) => (now, math),
            (None, Some((date, math))) => (self.parse_rounded(date, Rounding::Down)?, math),
            (None, None) => return self.parse_rounded(text, rounding),
        };
        date_math(anchor, math, rounding)
    }
}

fn pattern(text: &str) -> Option<Pattern> {
    let pattern = match text {
        "strict_date_optional_time" | "strict_date_optional_time_nanos" | "iso8601" => {
            return Some(Pattern::OptionalTime { strict: true });
        }
        "date_optional_time" => return Some(Pattern::OptionalTime { strict: false }),
        "epoch_millis" => return Some(Pattern::EpochMillis),
        "epoch_second" => return Some(Pattern::EpochSecond),
        "strict_date" | "date" | "strict_year_month_day" | "year_month_day" => "yyyy-MM-dd",
        "basic_date" => "yyyyMMdd",
        "strict_year_month" | "year_month" => "yyyy-MM",
        "strict_year" | "year" => "yyyy",
        "strict_date_hour_minute_second" | "date_hour_minute_second" => "yyyy-MM-dd'T'HH:mm:ss",
        "strict_date_time" | "date_time" => "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        "strict_date_time_no_millis" | "date_time_no_millis" => "yyyy-MM-dd'T'HH:mm:ssXXX",
        other => other,
    };
    let mut parts = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(letter) = chars.next() {
        if letter == '\'' {
            parts.extend(chars.by_ref().take_while(|c| *c != '\'').map(Part::Literal));
            continue;
        }
        let mut width = 1;
        while letter.is_ascii_alphabetic() && chars.next_if_eq(&letter).is_some() {
            width += 1;
        }
        parts.push(match (letter, width) {
            ('y' | 'u', 4) => Part::Year(4),
            ('M', 1 | 2) => Part::Month(width),
            ('d', 1 | 2) => Part::Day(width),
            ('H', 1 | 2) => Part::Hour(width),
            ('m', 1 | 2) => Part::Minute(width),
            ('s', 1 | 2) => Part::Second(width),
            ('S', 1..=9) => Part::Fraction(width),
            ('X' | 'x' | 'Z', _) => Part::Offset,
            (other, 1) if !other.is_ascii_alphabetic() => Part::Literal(other),
            _ => return None,
        });
    }
    (!parts.is_empty()).then_some(Pattern::Parts(parts))
}

#[derive(Debug, Default)]
struct Parts {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    hour: Option<i64>,
    minute: Option<i64>,
    second: Option<i64>,
    millis: Option<i64>,
    offset_seconds: i64,
}

impl Parts {
    fn millis(&self, rounding: Rounding) -> Option<i64> {
        let up = rounding == Rounding::Up;
        let fill =
            |part: Option<i64>, low: i64, high: i64| part.unwrap_or(if up { high } else { low });
        let (year, month) = (
            i16::try_from(self.year).ok()?,
            i8::try_from(fill(self.month, 1, 12)).ok()?,
        );
        let first = civil::Date::new(year, month, 1).ok()?;
        let day = i8::try_from(fill(self.day, 1, first.days_in_month().into())).ok()?;
        let date = civil::Date::new(year, month, day).ok()?;
        let small = |part: Option<i64>, high: i64| i8::try_from(fill(part, 0, high)).ok();
        let time = civil::Time::new(
            small(self.hour, 23)?,
            small(self.minute, 59)?,
            small(self.second, 59)?,
            0,
        )
        .ok()?;
        let instant = date
            .to_datetime(time)
            .to_zoned(TimeZone::UTC)
            .ok()?
            .timestamp();
        instant
            .as_second()
            .checked_sub(self.offset_seconds)?
            .checked_mul(1000)?
            .checked_add(fill(self.millis, 0, 999))
    }
}

/// The unread rest of a date text.
struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    fn literal(&mut self, byte: u8) -> Option<()> {
        let (first, rest) = self.0.split_first()?;
        (*first == byte).then(|| self.0 = rest)
    }

    fn digits(&mut self, min: usize, max: usize) -> Option<(i64, usize)> {
        let count = self
            .0
            .iter()
            .take(max)
            .take_while(|b| b.is_ascii_digit())
            .count();
        if count < min {
            return None;
        }
        let (digits, rest) = self.0.split_at(count);
        self.0 = rest;
        Some((
            digits.iter().fold(0, |n, b| n * 10 + i64::from(b - b'0')),
            count,
        ))
    }

    fn fraction(&mut self, min: usize, max: usize) -> Option<i64> {
        let (value, digits) = self.digits(min, max)?;
        Some(if digits <= 3 {
            value * 10_i64.pow(3 - digits as u32)
        } else {
            value / 10_i64.pow(digits as u32 - 3)
        })
    }

    fn offset(&mut self) -> Option<i64> {
        if self.literal(b'Z').is_some() {
            return Some(0);
        }
        let sign = if self.literal(b'-').is_some() {
            -1
        } else {
            self.literal(b'+').map(|()| 1)?
        };
        let (hours, _) = self.digits(2, 2)?;
        let minutes = match self.literal(b':') {
            Some(()) => self.digits(2, 2)?.0,
            None => self.digits(2, 2).map_or(0, |(minutes, _)| minutes),
        };
        Some(sign * (hours * 3600 + minutes * 60))
    }
}

/// Whether dynamic mapping takes `text` for a date.
pub fn optional_date(text: &str) -> bool {
    optional_time(text, true).is_some_and(|parts| parts.millis(Rounding::Down).is_some())
}

fn optional_time(text: &str, strict: bool) -> Option<Parts> {
    let mut scan = Scan(text.as_bytes());
    let two = if strict { 2 } else { 1 };
    let mut parts = Parts {
        year: scan.digits(if strict { 4 } else { 1 }, 4)?.0,
        ..Parts::default()
    };
    if scan.literal(b'-').is_some() {
        parts.month = Some(scan.digits(two, 2)?.0);
        if scan.literal(b'-').is_some() {
            parts.day = Some(scan.digits(two, 2)?.0);
        }
    }
    if scan.literal(b'T').is_some() && !scan.0.is_empty() {
        parts.hour = Some(scan.digits(two, 2)?.0);
        if scan.literal(b':').is_some() {
            parts.minute = Some(scan.digits(two, 2)?.0);
            if scan.literal(b':').is_some() {
                parts.second = Some(scan.digits(two, 2)?.0);
                if scan.literal(b'.').or_else(|| scan.literal(b',')).is_some() {
                    parts.millis = Some(scan.fraction(1, 9)?);
                }
            }
        }
        if !scan.0.is_empty() {
            parts.offset_seconds = scan.offset()?;
        }
    }
    scan.0.is_empty().then_some(parts)
}

fn epoch(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit());
    if digits { whole.parse().ok() } else { None }
}

fn read_parts(text: &str, pattern: &[Part]) -> Option<Parts> {
    let mut scan = Scan(text.as_bytes());
    let mut parts = Parts::default();
    for part in pattern {
        match *part {
            Part::Year(width) => parts.year = scan.digits(width, width)?.0,
            Part::Month(width) => parts.month = Some(scan.digits(width, 2)?.0),
            Part::Day(width) => parts.day = Some(scan.digits(width, 2)?.0),
            Part::Hour(width) => parts.hour = Some(scan.digits(width, 2)?.0),
            Part::Minute(width) => parts.minute = Some(scan.digits(width, 2)?.0),
            Part::Second(width) => parts.second = Some(scan.digits(width, 2)?.0),
            Part::Fraction(width) => parts.millis = Some(scan.fraction(width, width)?),
            Part::Offset => parts.offset_seconds = scan.offset()?,
            Part::Literal(letter) => {
                let mut bytes = [0; 4];
                for byte in letter.encode_utf8(&mut bytes).bytes() {
                    scan.literal(byte)?;
                }
            }
        }
    }
    scan.0.is_empty().then_some(parts)
}

fn at(millis: i64) -> Option<civil::DateTime> {
    Some(
        Timestamp::from_millisecond(millis)
            .ok()?
            .to_zoned(TimeZone::UTC)
            .datetime(),
    )
}

fn millis(at: civil::DateTime) -> Option<i64> {
    Some(
        at.to_zoned(TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_millisecond(),
    )
}

fn iso(millis: i64) -> String {
    at(millis).map_or_else(
        || millis.to_string(),
        |t| {
            format!(
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                t.year(),
                t.month(),
                t.day(),
                t.hour(),
                t.minute(),
                t.second(),
                t.millisecond()
            )
        },
    )
}

fn print_parts(millis: i64, parts: &[Part]) -> String {
    let Some(t) = at(millis) else {
        return millis.to_string();
    };
    let mut out = String::new();
    for part in parts {
        let (value, width) = match *part {
            Part::Year(width) => (i64::from(t.year()), width),
            Part::Month(width) => (t.month().into(), width),
            Part::Day(width) => (t.day().into(), width),
            Part::Hour(width) => (t.hour().into(), width),
            Part::Minute(width) => (t.minute().into(), width),
            Part::Second(width) => (t.second().into(), width),
            Part::Fraction(width) => {
                let nanos = format!("{:09}", t.subsec_nanosecond());
                out.push_str(&nanos[..width]);
                continue;
            }
            Part::Offset => {
                out.push('Z');
                continue;
            }
            Part::Literal(letter) => {
                out.push(letter);
                continue;
            }
        };
        out.push_str(&format!("{value:0width$}"));
    }
    out
}

fn date_math(anchor: i64, math: &str, rounding: Rounding) -> Option<i64> {
    let mut time = anchor;
    let mut chars = math.chars().peekable();
    while let Some(sign) = chars.next() {
        let mut number = String::new();
        while let Some(digit) = chars.next_if(char::is_ascii_digit) {
            number.push(digit);
        }
        let unit = chars.next()?;
        match sign {
            '+' | '-' => {
                let amount: i64 = if number.is_empty() {
                    1
                } else {
                    number.parse().ok()?
                };
                time = shift(time, unit, if sign == '-' { -amount } else { amount })?;
            }
            '/' if number.is_empty() => {
                let start = floor(time, unit)?;
                time = if rounding == Rounding::Up {
                    shift(start, unit, 1)?.checked_sub(1)?
                } else {
                    start
                };
            }
            _ => return None,
        }
    }
    Some(time)
}

/// `time` moved by `amount` units (`y M w d h H m s`).
pub fn shift(time: i64, unit: char, amount: i64) -> Option<i64> {
    let fixed = |size: i64| time.checked_add(amount.checked_mul(size)?);
    match unit {
        'y' => millis(
            at(time)?
                .checked_add(i32::try_from(amount).ok()?.years())
                .ok()?,
        ),
        'M' => millis(
            at(time)?
                .checked_add(i32::try_from(amount).ok()?.months())
                .ok()?,
        ),
        'q' => shift(time, 'M', amount.checked_mul(3)?),
        'w' => fixed(7 * 86_400_000),
        'd' => fixed(86_400_000),
        'h' | 'H' => fixed(3_600_000),
        'm' => fixed(60_000),
        's' => fixed(1000),
        _ => None,
    }
}

/// The start of the unit that `time` lies in; weeks start on Monday.
pub fn floor(time: i64, unit: char) -> Option<i64> {
    let fixed = |size: i64| Some(time.div_euclid(size) * size);
    let date = |month: i8| {
        let first = civil::Date::new(at(time)?.year(), month, 1).ok()?;
        millis(first.to_datetime(civil::Time::midnight()))
    };
    match unit {
        'y' => date(1),
        'q' => date((at(time)?.month() - 1) / 3 * 3 + 1),
        'M' => date(at(time)?.month()),
        // 1970-01-05 was a Monday.
        'w' => Some(
            (time - 4 * 86_400_000).div_euclid(7 * 86_400_000) * 7 * 86_400_000 + 4 * 86_400_000,
        ),
        'd' => fixed(86_400_000),
        'h' | 'H' => fixed(3_600_000),
        'm' => fixed(60_000),
        's' => fixed(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_format() {
        let format = DateFormat::default();
        for (text, expected) in [
            ("2013-01-01T10:00:00Z", Some(1_357_034_400_000)),
            ("2013-01-01T10:00:00.123456+02:00", Some(1_357_027_200_123)),
            ("2013-01-01", Some(1_356_998_400_000)),
            ("2013", Some(1_356_998_400_000)),
            ("1357034400000", Some(1_357_034_400_000)),
            ("-1", Some(-1)),
            ("2013-02-30", None),
            ("2013-1-1", None),
            ("2013-01-01 10:00", None),
            ("soon", None),
        ] {
            assert_eq!(format.parse(text), expected, "{text}");
        }
        assert_eq!(format.print(1_357_034_400_007), "2013-01-01T10:00:00.007Z");
    }

    #[test]
    fn patterns_read_what_they_print() {
        for text in [
            "yyyy-MM-dd HH:mm:ss",
            "yyyy/MM/dd HH:mm:ss.SSS",
            "dd.MM.yyyy'T'HH",
            "basic_date",
            "epoch_second",
        ] {
            let format = DateFormat::new(text).unwrap();
            let printed = format.print(1_356_998_400_000);
            assert_eq!(
                format.parse(&printed),
                Some(1_356_998_400_000),
                "{text} {printed}"
            );
        }
        assert!(DateFormat::new("EEE, dd MMM yyyy").is_none());
    }

    #[test]
    fn bounds_and_date_math() {
        let format = DateFormat::default();
        let day = 86_400_000;
        let now = 1_357_034_400_000;
        for (text, rounding, expected) in [
            ("2013-01-01", Rounding::Up, 1_356_998_400_000 + day - 1),
            ("now", Rounding::Down, now),
            ("now-1d", Rounding::Down, now - day),
            ("now/d", Rounding::Down, 1_356_998_400_000),
            ("now/d", Rounding::Up, 1_356_998_400_000 + day - 1),
            (
                "2013-01-31||+1M",
                Rounding::Down,
                1_356_998_400_000 + 58 * day,
            ),
            (
                "2013-01-09||/M",
                Rounding::Up,
                1_356_998_400_000 + 31 * day - 1,
            ),
            ("2013-01-05||/w", Rounding::Down, 1_356_998_400_000 - day),
        ] {
            assert_eq!(
                format.parse_math(text, now, rounding),
                Some(expected),
                "{text}"
            );
        }
        assert_eq!(format.parse_math("now~1d", now, Rounding::Down), None);
    }
}
