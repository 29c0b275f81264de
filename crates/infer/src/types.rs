//! The type that values have, all of them, as texts.

use std::net::IpAddr;

use wrangling::reads_dates;

/// Longest text that is searched as a whole rather than by its words.
const KEYWORD_CHARS: usize = 64;

/// Date patterns, the likeliest first; those of one line read the same texts with different meanings.
const DATES: [&str; 22] = [
    "ISO8601",
    "yyyy-MM-dd HH:mm:ss",
    "yyyy-MM-dd HH:mm:ss.SSS",
    "yyyy-MM-dd HH:mm",
    "yyyy/MM/dd HH:mm:ss",
    "yyyy/MM/dd HH:mm",
    "yyyy/MM/dd",
    "dd.MM.yyyy HH:mm:ss",
    "dd.MM.yyyy HH:mm",
    "dd.MM.yyyy",
    "dd/MM/yyyy HH:mm:ss",
    "MM/dd/yyyy HH:mm:ss",
    "dd/MM/yyyy HH:mm",
    "MM/dd/yyyy HH:mm",
    "dd/MM/yyyy",
    "MM/dd/yyyy",
    "dd-MMM-yyyy HH:mm:ss",
    "dd-MMM-yyyy",
    "dd MMM yyyy",
    "dd/MMM/yyyy:HH:mm:ss Z",
    "EEE, dd MMM yyyy HH:mm:ss Z",
    "EEE MMM dd HH:mm:ss yyyy",
];

/// What all values of a column are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// 32-bit integers.
    Integer,
    /// 64-bit integers.
    Long,
    /// Numbers with a point.
    Double,
    /// Numbers with a comma, and points between thousands.
    DecimalComma {
        /// Whether there are points between thousands.
        thousands: bool,
    },
    /// `true` and `false`.
    Boolean,
    /// Addresses.
    Ip,
    /// Dates of this pattern, and another one that reads all of them with another meaning.
    Date {
        /// The pattern.
        pattern: &'static str,
        /// The other one.
        or: Option<&'static str>,
    },
    /// Short texts.
    Keyword,
    /// Long texts.
    Text,
}

impl Kind {
    /// Of these values; `is_time` says that the column's name is that of a time.
    pub fn of(values: &[&str], is_time: bool) -> Self {
        let all = |is: fn(&str) -> bool| !values.is_empty() && values.iter().all(|v| is(v));
        if is_time && let Some(pattern) = unix(values) {
            return Self::Date { pattern, or: None };
        }
        if all(is_integer) {
            let small = values.iter().all(|value| value.parse::<i32>().is_ok());
            let fits = values.iter().all(|value| value.parse::<i64>().is_ok());
            return match (small, fits) {
                (true, _) => Self::Integer,
                (false, true) => Self::Long,
                _ => Self::Keyword,
            };
        }
        if all(is_decimal) {
            return Self::Double;
        }
        if all(is_decimal_comma) {
            let thousands = values.iter().any(|value| value.contains('.'));
            return Self::DecimalComma { thousands };
        }
        if all(|value| matches!(value, "true" | "false")) {
            return Self::Boolean;
        }
        if all(|value| value.parse::<IpAddr>().is_ok()) {
            return Self::Ip;
        }
        if all(|value| value.len() >= 6 && value.bytes().any(|b| b.is_ascii_digit())) {
            let mut fitting = DATES.iter().filter(|pattern| reads_dates(pattern, values));
            if let Some(pattern) = fitting.next() {
                let same_shape =
                    |other: &str| pattern.starts_with("dd/MM") && other.starts_with("MM/dd");
                let or = fitting.find(|other| same_shape(other)).copied();
                return Self::Date { pattern, or };
            }
        }
        match values
            .iter()
            .all(|value| value.chars().count() <= KEYWORD_CHARS)
        {
            true => Self::Keyword,
            false => Self::Text,
        }
    }
}

/// Seconds or milliseconds since 1970, from 2001 to 2286.
fn unix(values: &[&str]) -> Option<&'static str> {
    let all_of = |length| {
        let digits = |v: &&str| v.len() == length && v.bytes().all(|b| b.is_ascii_digit());
        !values.is_empty() && values.iter().all(digits)
    };
    if all_of(10) {
        return Some("UNIX");
    }
    all_of(13).then_some("UNIX_MS")
}

/// Digits that mean a number: what begins with a zero is more likely a code.
fn is_integer(value: &str) -> bool {
    let digits = value.strip_prefix('-').unwrap_or(value);
    !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'))
}

fn is_decimal(value: &str) -> bool {
    match value.split_once('.') {
        Some((whole, part)) => {
            let digits = part.split(['e', 'E']).next().unwrap_or_default();
            (is_integer(whole) || whole == "-0")
                && !digits.is_empty()
                && digits.bytes().all(|b| b.is_ascii_digit())
                && value.parse::<f64>().is_ok()
        }
        None => is_integer(value),
    }
}

fn is_decimal_comma(value: &str) -> bool {
    let (whole, part) = value.split_once(',').unwrap_or((value, "0"));
    let mut groups = whole.split('.');
    let first = groups.next().unwrap_or_default();
    (is_integer(first) || first == "-0")
        && groups.all(|group| group.len() == 3 && group.bytes().all(|b| b.is_ascii_digit()))
        && !part.is_empty()
        && part.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_narrowest_type_that_fits_all() {
        let date = |pattern, or| Kind::Date { pattern, or };
        for (values, kind) in [
            (&["1", "-20"][..], Kind::Integer),
            (&["1", "5000000000"], Kind::Long),
            (&["1", "2.5", "1.5e3"], Kind::Double),
            (&["1,5", "1.234,50"], Kind::DecimalComma { thousands: true }),
            (&["1,5", "-0,25"], Kind::DecimalComma { thousands: false }),
            (&["01234", "99999"], Kind::Keyword),
            (&["true", "false"], Kind::Boolean),
            (&["10.0.0.1", "::1"], Kind::Ip),
            (&["2013-01-01T05:00:00Z"], date("ISO8601", None)),
            (&["2013-01-01"], date("ISO8601", None)),
            (&["2013-01-01 05:00:00"], date("yyyy-MM-dd HH:mm:ss", None)),
            (&["31.01.2013"], date("dd.MM.yyyy", None)),
            (&["31/01/2013"], date("dd/MM/yyyy", None)),
            (&["01/31/2013"], date("MM/dd/yyyy", None)),
            (&["01/02/2013"], date("dd/MM/yyyy", Some("MM/dd/yyyy"))),
            (&["N14228", "UA"], Kind::Keyword),
            (&[], Kind::Keyword),
        ] {
            assert_eq!(Kind::of(values, false), kind, "{values:?}");
        }
        assert_eq!(Kind::of(&["1357016400"], true), date("UNIX", None));
        assert_eq!(Kind::of(&["1357016400"], false), Kind::Integer);
        assert_eq!(Kind::of(&[&"long ".repeat(20)], false), Kind::Text);
    }
}
