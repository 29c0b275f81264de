//! ISO 8601: the reader of Joda's `dateTimeParser` with a fast path for the common shape, and the writer.

use super::civil::{DAY_MS, civil_from_days, days_from_civil, days_in_month};
use super::pattern::{Scanner, read_offset};
use super::resolve::Fields;
use super::{DateContext, Zone, pattern};

/// Appends `2024-03-05T10:11:12.345Z`.
#[inline]
pub(crate) fn write_iso8601(ms: i64, out: &mut Vec<u8>) {
    let (days, in_day) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
    let (year, month, day) = civil_from_days(days);
    if !(0..=9999).contains(&year) {
        let sign = if year < 0 { '-' } else { '+' };
        out.extend_from_slice(format!("{sign}{:04}", year.abs()).as_bytes());
        out.extend_from_slice(&digits(0, month, day, in_day)[4..]);
        return;
    }
    out.extend_from_slice(&digits(year, month, day, in_day));
}

/// The 24 characters for a year of four digits.
#[inline]
fn digits(year: i64, month: i64, day: i64, in_day: i64) -> [u8; 24] {
    let digit = |value: u32, power: u32| b'0' + ((value / power) % 10) as u8;
    let (year, month, day, in_day) = (year as u32, month as u32, day as u32, in_day as u32);
    let (seconds, ms) = (in_day / 1000, in_day % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    [
        digit(year, 1000),
        digit(year, 100),
        digit(year, 10),
        digit(year, 1),
        b'-',
        digit(month, 10),
        digit(month, 1),
        b'-',
        digit(day, 10),
        digit(day, 1),
        b'T',
        digit(hour, 10),
        digit(hour, 1),
        b':',
        digit(minute, 10),
        digit(minute, 1),
        b':',
        digit(second, 10),
        digit(second, 1),
        b'.',
        digit(ms, 100),
        digit(ms, 10),
        digit(ms, 1),
        b'Z',
    ]
}

/// What the date filter accepts as `ISO8601`: ISO 8601, or a space between date and time if there are milliseconds.
#[inline]
pub(super) fn parse_filter(text: &str, context: &DateContext<'_>) -> Option<i64> {
    parse(text, context.zone).or_else(|| parse_spaced(text, context))
}

fn parse_spaced(text: &str, context: &DateContext<'_>) -> Option<i64> {
    if !text.contains(' ') {
        return None;
    }
    pattern::SPACED_ISO
        .iter()
        .find_map(|pattern| pattern.parse(text, context))
}

/// Reads ISO 8601; `zone` applies if the text names no offset.
#[inline]
pub(super) fn parse(text: &str, zone: &Zone) -> Option<i64> {
    fast(text.as_bytes()).or_else(|| general(text, zone))
}

/// `YYYY-MM-DDThh:mm:ssZ` and `YYYY-MM-DDThh:mm:ss.sssZ`.
#[inline]
fn fast(text: &[u8]) -> Option<i64> {
    let (head, ms) = match text {
        [head @ .., b'.', a, b, c, b'Z'] if head.len() == 19 => (head, number(&[*a, *b, *c])?),
        [head @ .., b'Z'] if head.len() == 19 => (head, 0),
        _ => return None,
    };
    let &[
        y1,
        y2,
        y3,
        y4,
        b'-',
        mo1,
        mo2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        mi1,
        mi2,
        b':',
        s1,
        s2,
    ] = head
    else {
        return None;
    };
    let (year, month, day) = (
        number(&[y1, y2, y3, y4])?,
        number(&[mo1, mo2])?,
        number(&[d1, d2])?,
    );
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[mi1, mi2])?, number(&[s1, s2])?);
    let valid = (1..=12).contains(&month)
        && day >= 1
        && day <= days_in_month(year, month)
        && hour <= 23
        && minute <= 59
        && second <= 59;
    valid.then(|| {
        days_from_civil(year, month, day) * DAY_MS
            + ((hour * 60 + minute) * 60 + second) * 1000
            + ms
    })
}

#[inline]
fn number<const N: usize>(digits: &[u8; N]) -> Option<i64> {
    let mut number = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + i64::from(digit);
    }
    Some(number)
}

#[cold]
fn general(text: &str, zone: &Zone) -> Option<i64> {
    let mut scanner = Scanner::new(text);
    let mut fields = Fields::default();
    if !scanner.starts_with_ignore_case("T") {
        date(&mut scanner, &mut fields)?;
    }
    if scanner.eat_ignore_case("T") {
        if scanner.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            time(&mut scanner, &mut fields)?;
        }
        if !scanner.at_end() {
            fields.offset_ms = Some(read_offset(&mut scanner)?);
        }
    }
    scanner.at_end().then_some(())?;
    fields.resolve(zone)
}

fn date(scanner: &mut Scanner<'_>, fields: &mut Fields) -> Option<()> {
    let year = scanner.number(9, true)?;
    if scanner.starts_with_ignore_case("-W") {
        scanner.skip(2);
        fields.weekyear = Some(year);
        fields.week = Some(scanner.number(2, false)?);
        if scanner.eat_ignore_case("-") {
            fields.weekday = Some(scanner.number(1, false)?);
        }
        return Some(());
    }
    fields.year = Some(year);
    if scanner.eat_ignore_case("-") {
        if scanner.digits_ahead(4) == 3 {
            fields.day_of_year = Some(scanner.number(3, false)?);
            return Some(());
        }
        fields.month = Some(scanner.number(2, false)?);
        if scanner.eat_ignore_case("-") {
            fields.day = Some(scanner.number(2, false)?);
        }
    }
    Some(())
}

fn time(scanner: &mut Scanner<'_>, fields: &mut Fields) -> Option<()> {
    fields.hour = Some(scanner.number(2, false)?);
    let mut unit_ms = 3_600_000;
    if scanner.eat_ignore_case(":") {
        fields.minute = Some(scanner.number(2, false)?);
        unit_ms = 60_000;
        if scanner.eat_ignore_case(":") {
            fields.second = Some(scanner.number(2, false)?);
            unit_ms = 1000;
        }
    }
    if scanner.eat_ignore_case(".") || scanner.eat_ignore_case(",") {
        fields.fraction_ms = Some(scanner.fraction(9, unit_ms)?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_joda_reads() {
        let utc = Zone::Utc;
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T00:00:00.123456Z", Some(123)),
            ("1970-01-01T01:00:00+01:00", Some(0)),
            ("1970-01-01T01:00:00+0100", Some(0)),
            ("1970-01-01T00:00:01,5", Some(1500)),
            ("1970-1-1", Some(0)),
            ("1970", Some(0)),
            ("1970-002", Some(DAY_MS)),
            ("1970-W01-4", Some(0)),
            ("1970-01-01T01.5", Some(5_400_000)),
            ("1970-01-01 00:00:00", None),
            ("1970-13-01", None),
            ("1970-02-29", None),
            ("1970-01-01T24:00:00Z", None),
            ("1970-01-01T00:00:60Z", None),
            ("19700101T000000Z", None),
            ("1970-01-01T00:00:00Zx", None),
            ("", None),
        ] {
            assert_eq!(parse(text, &utc), ms, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(ms in -62_167_219_200_000_i64..253_402_300_800_000) {
            let mut out = Vec::new();
            write_iso8601(ms, &mut out);
            let text = String::from_utf8(out).unwrap();
            prop_assert_eq!(fast(text.as_bytes()), Some(ms));
            prop_assert_eq!(general(&text, &Zone::Utc), Some(ms));
            prop_assert_eq!(text.parse::<jiff::Timestamp>().unwrap().as_millisecond(), ms);
        }
    }
}
