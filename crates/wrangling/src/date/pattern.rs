//! Reads dates by Joda patterns such as `dd/MMM/yyyy:HH:mm:ss Z`.

use std::sync::LazyLock;

use super::names::Language;
use super::resolve::{Fields, guess_year};
use super::{DateContext, Zone, year_of};

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(super) const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// The shapes with a space that `ISO8601` also stands for.
pub(super) static SPACED_ISO: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    [
        "yyyy-MM-dd HH:mm:ss.SSSZ",
        "yyyy-MM-dd HH:mm:ss.SSS",
        "yyyy-MM-dd HH:mm:ss,SSSZ",
        "yyyy-MM-dd HH:mm:ss,SSS",
    ]
    .iter()
    .filter_map(|pattern| Pattern::compile(pattern, Language::English).ok())
    .collect()
});

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    items: Vec<Item>,
    has_year: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Item {
    Literal(String),
    /// A number of at most so many digits; years may have a sign.
    Number(NumberField, usize),
    /// A year of two digits around the clock's year; lenient: other lengths are years as written.
    TwoDigitYear {
        lenient: bool,
        week: bool,
    },
    Fraction(usize),
    MonthName(Language),
    WeekdayName(Language),
    HalfDay(Language),
    Era,
    Offset,
    ZoneName,
    ZoneId,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum NumberField {
    Century,
    Year,
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

/// Splits a pattern into runs of one letter and literal text (with quotes resolved).
pub(super) fn tokens(pattern: &str) -> Result<Vec<Token>, String> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\'' {
            let mut text = String::new();
            loop {
                match chars.next() {
                    Some('\'') if chars.peek() == Some(&'\'') => {
                        text.push('\'');
                        chars.next();
                    }
                    Some('\'') => break,
                    Some(inner) => text.push(inner),
                    None => return Err("a quote is not closed".to_owned()),
                }
            }
            push_literal(&mut tokens, if text.is_empty() { "'" } else { &text });
        } else if c.is_ascii_alphabetic() {
            let mut count = 1;
            while chars.next_if_eq(&c).is_some() {
                count += 1;
            }
            tokens.push(Token::Letters(c, count));
        } else {
            push_literal(&mut tokens, c.encode_utf8(&mut [0; 4]));
        }
    }
    Ok(tokens)
}

fn push_literal(tokens: &mut Vec<Token>, text: &str) {
    match tokens.last_mut() {
        Some(Token::Literal(before)) => before.push_str(text),
        _ => tokens.push(Token::Literal(text.to_owned())),
    }
}

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Letters(char, usize),
    Literal(String),
}

impl Token {
    /// Whether this reads digits, so that a year before it must know its length.
    fn is_numeric(&self) -> bool {
        match self {
            Self::Letters('M', count) => *count <= 2,
            Self::Letters(letter, _) => "cCxyYdDFwWehHkKmsS".contains(*letter),
            Self::Literal(_) => false,
        }
    }
}

impl Pattern {
    pub(super) fn compile(pattern: &str, language: Language) -> Result<Self, String> {
        let tokens = tokens(pattern)?;
        if tokens.is_empty() {
            return Err("it is empty".to_owned());
        }
        let mut items = Vec::with_capacity(tokens.len());
        for (index, token) in tokens.iter().enumerate() {
            let numeric_next = tokens.get(index + 1).is_some_and(Token::is_numeric);
            items.push(match token {
                Token::Literal(text) => Item::Literal(text.clone()),
                Token::Letters(letter, count) => item(*letter, *count, numeric_next, language)?,
            });
        }
        let has_year = tokens
            .iter()
            .any(|token| matches!(token, Token::Letters('y' | 'Y' | 'x', _)));
        Ok(Self { items, has_year })
    }

    pub(super) fn parse(&self, text: &str, context: &DateContext<'_>) -> Option<i64> {
        let mut scanner = Scanner::new(text);
        let mut fields = Fields::default();
        for item in &self.items {
            item.read(&mut scanner, &mut fields, context)?;
        }
        scanner.at_end().then_some(())?;
        if !self.has_year {
            let default_zone = context.zone;
            // the text must be a date of the default (leap) year; 29 February then becomes 28 in other years
            fields.resolve(default_zone)?;
            let year = guess_year(fields.month, context.clock_ms);
            fields.year = Some(year);
            if fields.month == Some(2) && fields.day == Some(29) && !super::civil::is_leap(year) {
                fields.day = Some(28);
            }
        }
        fields.resolve(context.zone)
    }
}

fn item(
    letter: char,
    count: usize,
    numeric_next: bool,
    language: Language,
) -> Result<Item, String> {
    let number = |field, digits: usize| Item::Number(field, digits.max(count));
    Ok(match letter {
        'y' | 'Y' if count == 2 => Item::TwoDigitYear {
            lenient: !numeric_next,
            week: false,
        },
        'x' if count == 2 => Item::TwoDigitYear {
            lenient: !numeric_next,
            week: true,
        },
        'C' => Item::Number(NumberField::Century, if numeric_next { count } else { 9 }),
        'y' | 'Y' => Item::Number(NumberField::Year, if numeric_next { count } else { 9 }),
        'x' => Item::Number(NumberField::Weekyear, if numeric_next { count } else { 9 }),
        'M' if count >= 3 => Item::MonthName(language),
        'M' => number(NumberField::Month, 2),
        'd' => number(NumberField::Day, 2),
        'D' => number(NumberField::DayOfYear, 3),
        'w' => number(NumberField::Week, 2),
        'e' => number(NumberField::Weekday, 1),
        'E' => Item::WeekdayName(language),
        'H' => number(NumberField::Hour, 2),
        'k' => number(NumberField::ClockHour, 2),
        'K' => number(NumberField::HalfHour, 2),
        'h' => number(NumberField::ClockHalfHour, 2),
        'm' => number(NumberField::Minute, 2),
        's' => number(NumberField::Second, 2),
        'S' => Item::Fraction(count),
        'a' => Item::HalfDay(language),
        'G' => Item::Era,
        'Z' if count <= 2 => Item::Offset,
        'Z' => Item::ZoneId,
        'z' => Item::ZoneName,
        other => {
            return Err(format!(
                "unknown letter `{other}`; literal text stands in single quotes"
            ));
        }
    })
}

impl Item {
    fn read(
        &self,
        scanner: &mut Scanner<'_>,
        fields: &mut Fields,
        context: &DateContext<'_>,
    ) -> Option<()> {
        match self {
            Self::Literal(text) => scanner.eat_ignore_case(text).then_some(())?,
            Self::Number(field, digits) => {
                let signed = matches!(field, NumberField::Year | NumberField::Weekyear);
                field.set(scanner.number(*digits, signed)?, fields)?;
            }
            Self::TwoDigitYear { lenient, week } => {
                let year = scanner.two_digit_year(*lenient, year_of(context.clock_ms))?;
                *(if *week {
                    &mut fields.weekyear
                } else {
                    &mut fields.year
                }) = Some(year);
            }
            Self::Fraction(digits) => fields.fraction_ms = Some(scanner.fraction(*digits, 1000)?),
            Self::MonthName(Language::English) => fields.month = Some(scanner.name(&MONTHS)?),
            Self::MonthName(Language::Other(names)) => {
                fields.month = Some(scanner.eat(names.month(scanner.tail())?)?);
            }
            Self::WeekdayName(Language::English) => fields.weekday = Some(scanner.name(&WEEKDAYS)?),
            Self::WeekdayName(Language::Other(names)) => {
                fields.weekday = Some(scanner.eat(names.day(scanner.tail())?)?);
            }
            Self::HalfDay(Language::Other(names)) => {
                fields.afternoon = Some(scanner.eat(names.half_day(scanner.tail())?)? == 1);
            }
            Self::HalfDay(Language::English) => {
                let afternoon = scanner.starts_with_ignore_case("PM");
                (scanner.eat_ignore_case("AM") || scanner.eat_ignore_case("PM")).then_some(())?;
                fields.afternoon = Some(afternoon);
            }
            Self::Era => {
                fields.before_christ = scanner.starts_with_ignore_case("BC");
                let names = ["BCE", "BC", "CE", "AD"];
                names
                    .iter()
                    .any(|name| scanner.eat_ignore_case(name))
                    .then_some(())?;
            }
            Self::Offset => fields.offset_ms = Some(read_offset(scanner)?),
            Self::ZoneName => fields.zone = Some(Zone::abbreviation(scanner.take_zone())?),
            Self::ZoneId => fields.zone = Some(Zone::parse(scanner.take_zone())?),
        }
        Some(())
    }
}

impl NumberField {
    fn set(self, number: i64, fields: &mut Fields) -> Option<()> {
        match self {
            // a year in the pattern counts, and without one the clock's
            Self::Century => {}
            Self::Year => fields.year = Some(number),
            Self::Weekyear => fields.weekyear = Some(number),
            Self::Month => fields.month = Some(number),
            Self::Day => fields.day = Some(number),
            Self::DayOfYear => fields.day_of_year = Some(number),
            Self::Week => fields.week = Some(number),
            Self::Weekday => fields.weekday = Some(number),
            Self::Hour => fields.hour = Some(number),
            Self::ClockHour => {
                fields.hour = Some((1..=24).contains(&number).then_some(number % 24)?)
            }
            Self::HalfHour => fields.half_hour = Some(number),
            Self::ClockHalfHour => {
                fields.half_hour = Some((1..=12).contains(&number).then_some(number % 12)?)
            }
            Self::Minute => fields.minute = Some(number),
            Self::Second => fields.second = Some(number),
        }
        Some(())
    }
}

/// Reads `Z`, `+hh`, `+hhmm`, `+hh:mm`, `+hh:mm:ss`; returns milliseconds east of UTC.
pub(super) fn read_offset(scanner: &mut Scanner<'_>) -> Option<i64> {
    if scanner.eat_ignore_case("Z") {
        return Some(0);
    }
    let negative = scanner.starts_with_ignore_case("-");
    (scanner.eat_ignore_case("-") || scanner.eat_ignore_case("+")).then_some(())?;
    let two = |scanner: &mut Scanner<'_>, max| {
        (scanner.digits_ahead(2) == 2).then_some(())?;
        scanner.number(2, false).filter(|number| *number <= max)
    };
    let mut offset = two(scanner, 23)? * 3_600_000;
    let separated = scanner.starts_with_ignore_case(":");
    for unit in [60_000, 1000] {
        if separated != scanner.starts_with_ignore_case(":") {
            break;
        }
        if separated {
            scanner.skip(1);
        } else if scanner.digits_ahead(2) == 0 {
            break;
        }
        offset += two(scanner, 59)? * unit;
    }
    Some(if negative { -offset } else { offset })
}

/// A cursor over a text.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// What has not been read.
    fn tail(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Passes over a name of so many bytes; returns its number.
    fn eat(&mut self, (number, len): (usize, usize)) -> Option<i64> {
        self.at += len;
        i64::try_from(number).ok()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest().is_empty()
    }

    pub(super) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    pub(super) fn starts_with_ignore_case(&self, text: &str) -> bool {
        self.rest()
            .get(..text.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(text.as_bytes()))
    }

    pub(super) fn eat_ignore_case(&mut self, text: &str) -> bool {
        let eaten = self.starts_with_ignore_case(text);
        if eaten {
            self.at += text.len();
        }
        eaten
    }

    /// How many digits follow, at most `limit`.
    pub(super) fn digits_ahead(&self, limit: usize) -> usize {
        self.rest()
            .iter()
            .take(limit)
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    }

    /// One to `max` digits, with a sign if allowed.
    pub(super) fn number(&mut self, max: usize, signed: bool) -> Option<i64> {
        let negative = signed && self.peek() == Some(b'-');
        if signed && matches!(self.peek(), Some(b'-' | b'+')) {
            self.at += 1;
        }
        let count = self.digits_ahead(max.min(18));
        let digits = self
            .rest()
            .get(..count)
            .filter(|digits| !digits.is_empty())?;
        let number = digits
            .iter()
            .fold(0_i64, |number, byte| number * 10 + i64::from(byte - b'0'));
        self.at += count;
        Some(if negative { -number } else { number })
    }

    /// One to `max` digits as a fraction of a unit; whole milliseconds of it.
    pub(super) fn fraction(&mut self, max: usize, unit_ms: i64) -> Option<i64> {
        let count = self.digits_ahead(max.min(12));
        let scale = 10_i64.checked_pow(u32::try_from(count).ok()?)?;
        let number = self.number(count, false)?;
        Some(number.checked_mul(unit_ms)? / scale)
    }

    fn two_digit_year(&mut self, lenient: bool, clock_year: i64) -> Option<i64> {
        let signed = matches!(self.peek(), Some(b'-' | b'+'));
        if lenient && (signed || self.digits_ahead(9) != 2) {
            return self.number(9, true);
        }
        (self.digits_ahead(2) == 2).then_some(())?;
        let year = self.number(2, false)?;
        let low = clock_year - 30 - 50;
        let turn = low.rem_euclid(100);
        Some(year + low + if year < turn { 100 } else { 0 } - turn)
    }

    /// A full name or its first three letters; returns its number from 1.
    fn name(&mut self, names: &[&str]) -> Option<i64> {
        let position = names.iter().position(|name| {
            name.get(..3)
                .is_some_and(|short| self.starts_with_ignore_case(short))
        })?;
        let name = names.get(position)?;
        let full = self.starts_with_ignore_case(name);
        self.at += if full { name.len() } else { 3 };
        i64::try_from(position + 1).ok()
    }

    /// Everything that can belong to a zone's name.
    fn take_zone(&mut self) -> &'a str {
        let start = self.at;
        let is_zone = |byte: &u8| byte.is_ascii_alphanumeric() || b"/_+-:".contains(byte);
        self.at += self.rest().iter().take_while(|byte| is_zone(byte)).count();
        self.text.get(start..self.at).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date::parse_timestamp;

    #[test]
    fn patterns_read_what_joda_reads() {
        let clock_ms = parse_timestamp("2026-11-21T00:00:00Z").unwrap();
        let context = DateContext {
            zone: &Zone::Utc,
            clock_ms,
        };
        for (pattern, text, expected) in [
            (
                "dd/MMM/yyyy:HH:mm:ss Z",
                "10/OCT/2000:13:55:36 -0700",
                Some("2000-10-10T20:55:36Z"),
            ),
            (
                "dd/MMM/yyyy:HH:mm:ss Z",
                "10/October/2000:13:55:36 -07",
                Some("2000-10-10T20:55:36Z"),
            ),
            ("dd/MMM/yyyy:HH:mm:ss Z", "10/Oct/2000:13:55:36", None),
            ("yyyyMMdd", "20240305", Some("2024-03-05")),
            (
                "yyyyMMddHHmmssSSS",
                "20240305101112345",
                Some("2024-03-05T10:11:12.345Z"),
            ),
            ("yy-MM-dd", "46-01-01", Some("1946-01-01")),
            ("yy-MM-dd", "45-01-01", Some("2045-01-01")),
            ("yy-MM-dd", "2024-01-01", Some("2024-01-01")),
            ("h a", "12 am", Some("2026-01-01")),
            ("MMM d", "Feb 29", Some("2026-02-28")),
            ("MMM d", "Feb 30", None),
            ("yyyy-MM-dd", "2024-02-30", None),
            ("HH:mm", "24:00", None),
            (
                "yyyy-MM-dd 'at' HH 'o''clock'",
                "2024-03-05 at 10 o'clock",
                Some("2024-03-05T10"),
            ),
            (
                "yyyy-MM-dd HH:mm:ss ZZZ",
                "2024-07-01 00:00:00 America/New_York",
                Some("2024-07-01T04:00:00Z"),
            ),
        ] {
            let found = Pattern::compile(pattern, Language::English)
                .unwrap()
                .parse(text, &context);
            assert_eq!(
                found,
                expected.map(|iso| parse_timestamp(iso).unwrap()),
                "{pattern}: {text}"
            );
        }
        assert!(Pattern::compile("yyyy 'open", Language::English).is_err());
        assert!(Pattern::compile("bbb", Language::English).is_err());
        let german = Language::of("de").unwrap();
        let pattern = Pattern::compile("EEEE, d. MMMM yyyy", german).unwrap();
        assert_eq!(
            pattern.parse("Dienstag, 5. März 2024", &context),
            parse_timestamp("2024-03-05")
        );
    }
}
