//! Writes dates by patterns: Joda's (`%{+yyyy.MM.dd}`) and Java's (`%{{yyyy-DDD}}`), in UTC and English.

use std::fmt::{self, Write};

use super::civil::{DAY_MS, civil_from_days, days_from_civil, iso_week, weekday};
use super::pattern::{MONTHS, Token, WEEKDAYS, tokens};

/// A compiled output pattern.
#[derive(Debug, Clone)]
pub(crate) struct DateFormatter {
    items: Vec<Item>,
}

#[derive(Debug, Clone)]
enum Item {
    Literal(String),
    Number(Part, usize),
    /// A year in two digits.
    Short(Part),
    Fraction(usize),
    MonthName {
        full: bool,
    },
    WeekdayName {
        full: bool,
    },
    HalfDay,
    Era,
    Zone(&'static str),
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Year,
    YearOfEra,
    Century,
    Weekyear,
    Month,
    Day,
    DayOfYear,
    Week,
    Weekday,
    Hour,
    ClockHour,
    HalfHour,
    ClockHalfHour,
    Minute,
    Second,
}

impl DateFormatter {
    /// A Joda pattern.
    pub(crate) fn joda(pattern: &str) -> Result<Self, String> {
        Self::compile(pattern, joda)
    }

    /// A `java.time` pattern.
    pub(crate) fn java(pattern: &str) -> Result<Self, String> {
        Self::compile(pattern, java)
    }

    fn compile(pattern: &str, item: fn(char, usize) -> Option<Item>) -> Result<Self, String> {
        let items = tokens(pattern)?
            .into_iter()
            .map(|token| match token {
                Token::Literal(text) => Ok(Item::Literal(text)),
                Token::Letters(letter, count) => item(letter, count).ok_or_else(|| {
                    format!("unknown letter `{letter}` in the date pattern `{pattern}`")
                }),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { items })
    }

    /// Appends the time's text.
    pub(crate) fn write(&self, ms: i64, out: &mut impl Write) -> fmt::Result {
        let (days, in_day) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
        self.items.iter().try_for_each(|item| match item {
            Item::Literal(text) => out.write_str(text),
            Item::Number(part, width) => padded(part.of(days, in_day), *width, out),
            Item::Short(part) => padded(part.of(days, in_day).rem_euclid(100), 2, out),
            Item::Fraction(width) => fraction(in_day % 1000, *width, out),
            Item::MonthName { full } => {
                out.write_str(name(&MONTHS, Part::Month.of(days, in_day), *full))
            }
            Item::WeekdayName { full } => out.write_str(name(&WEEKDAYS, weekday(days), *full)),
            Item::HalfDay => out.write_str(if in_day < DAY_MS / 2 { "AM" } else { "PM" }),
            Item::Era => out.write_str(if civil_from_days(days).0 > 0 {
                "AD"
            } else {
                "BC"
            }),
            Item::Zone(text) => out.write_str(text),
        })
    }
}

fn padded(number: i64, width: usize, out: &mut impl Write) -> fmt::Result {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(number.unsigned_abs());
    if number < 0 {
        out.write_char('-')?;
    }
    (digits.len()..width).try_for_each(|_| out.write_char('0'))?;
    out.write_str(digits)
}

/// The first digits of a fraction of a second; zeros beyond milliseconds.
fn fraction(ms: i64, width: usize, out: &mut impl Write) -> fmt::Result {
    let digits = [100, 10, 1].map(|power| char::from(b'0' + (ms / power % 10) as u8));
    digits
        .into_iter()
        .chain(std::iter::repeat('0'))
        .take(width)
        .try_for_each(|digit| out.write_char(digit))
}

fn name(names: &[&'static str], number: i64, full: bool) -> &'static str {
    let name = usize::try_from(number - 1)
        .ok()
        .and_then(|index| names.get(index))
        .copied()
        .unwrap_or_default();
    if full {
        name
    } else {
        name.get(..3).unwrap_or(name)
    }
}

impl Part {
    fn of(self, days: i64, in_day: i64) -> i64 {
        let (year, month, day) = civil_from_days(days);
        let hour = in_day / 3_600_000;
        let year_of_era = if year > 0 { year } else { 1 - year };
        match self {
            Self::Year => year,
            Self::YearOfEra => year_of_era,
            Self::Century => year_of_era / 100,
            Self::Weekyear => iso_week(days).0,
            Self::Month => month,
            Self::Day => day,
            Self::DayOfYear => days - days_from_civil(year, 1, 1) + 1,
            Self::Week => iso_week(days).1,
            Self::Weekday => weekday(days),
            Self::Hour => hour,
            Self::ClockHour => (hour + 23) % 24 + 1,
            Self::HalfHour => hour % 12,
            Self::ClockHalfHour => (hour + 11) % 12 + 1,
            Self::Minute => in_day / 60_000 % 60,
            Self::Second => in_day / 1000 % 60,
        }
    }
}

/// What both pattern languages share.
fn common(letter: char, count: usize) -> Option<Item> {
    Some(match letter {
        'M' | 'L' if count >= 3 => Item::MonthName { full: count >= 4 },
        'M' | 'L' => Item::Number(Part::Month, count),
        'd' => Item::Number(Part::Day, count),
        'D' => Item::Number(Part::DayOfYear, count),
        'w' => Item::Number(Part::Week, count),
        'E' => Item::WeekdayName { full: count >= 4 },
        'H' => Item::Number(Part::Hour, count),
        'k' => Item::Number(Part::ClockHour, count),
        'K' => Item::Number(Part::HalfHour, count),
        'h' => Item::Number(Part::ClockHalfHour, count),
        'm' => Item::Number(Part::Minute, count),
        's' => Item::Number(Part::Second, count),
        'S' => Item::Fraction(count),
        'a' => Item::HalfDay,
        'G' => Item::Era,
        _ => return None,
    })
}

fn joda(letter: char, count: usize) -> Option<Item> {
    Some(match letter {
        'y' if count == 2 => Item::Short(Part::Year),
        'Y' if count == 2 => Item::Short(Part::YearOfEra),
        'x' if count == 2 => Item::Short(Part::Weekyear),
        'y' => Item::Number(Part::Year, count),
        'Y' => Item::Number(Part::YearOfEra, count),
        'x' => Item::Number(Part::Weekyear, count),
        'C' => Item::Number(Part::Century, count),
        'e' => Item::Number(Part::Weekday, count),
        'Z' if count == 1 => Item::Zone("+0000"),
        'Z' if count == 2 => Item::Zone("+00:00"),
        'Z' => Item::Zone("UTC"),
        'z' => Item::Zone(if count >= 4 {
            "Coordinated Universal Time"
        } else {
            "UTC"
        }),
        'L' => return None,
        _ => return common(letter, count),
    })
}

fn java(letter: char, count: usize) -> Option<Item> {
    Some(match letter {
        'y' if count == 2 => Item::Short(Part::YearOfEra),
        'u' if count == 2 => Item::Short(Part::Year),
        'Y' if count == 2 => Item::Short(Part::Weekyear),
        'y' => Item::Number(Part::YearOfEra, count),
        'u' => Item::Number(Part::Year, count),
        'Y' => Item::Number(Part::Weekyear, count),
        'X' => Item::Zone("Z"),
        'x' if count == 1 => Item::Zone("+00"),
        'x' if count == 3 => Item::Zone("+00:00"),
        'x' => Item::Zone("+0000"),
        'Z' if count <= 3 => Item::Zone("+0000"),
        'z' | 'V' => Item::Zone("Z"),
        _ => return common(letter, count),
    })
}
