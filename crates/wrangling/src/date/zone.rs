//! Time zones: UTC, fixed offsets, and the rules of named zones (built into the program).

use std::sync::OnceLock;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};

use super::civil::{DAY_MS, civil_from_days};

/// A time zone.
#[derive(Debug, Clone)]
pub(crate) enum Zone {
    Utc,
    /// Milliseconds east of UTC.
    Fixed(i64),
    Named(TimeZone),
}

fn database() -> &'static TimeZoneDatabase {
    static DATABASE: OnceLock<TimeZoneDatabase> = OnceLock::new();
    DATABASE.get_or_init(TimeZoneDatabase::bundled)
}

impl Zone {
    /// A zone by id (`Europe/Paris`, `UTC`) or offset (`+02:00`).
    pub(crate) fn parse(id: &str) -> Option<Self> {
        match id.as_bytes() {
            b"UTC" | b"Z" | b"GMT" | b"Etc/UTC" => return Some(Self::Utc),
            [b'+' | b'-', ..] => {
                let mut scanner = super::pattern::Scanner::new(id);
                let offset = super::pattern::read_offset(&mut scanner)?;
                return scanner.at_end().then_some(Self::Fixed(offset));
            }
            _ => {}
        }
        database().get(id).ok().map(Self::Named)
    }

    /// The zone of an abbreviation that Joda reads.
    pub(crate) fn abbreviation(name: &str) -> Option<Self> {
        match name {
            "UT" | "UTC" | "GMT" => Some(Self::Utc),
            "EST" | "EDT" => Self::parse("America/New_York"),
            "CST" | "CDT" => Self::parse("America/Chicago"),
            "MST" | "MDT" => Self::parse("America/Denver"),
            "PST" | "PDT" => Self::parse("America/Los_Angeles"),
            _ => None,
        }
    }

    /// UTC of a local time. A time that the zone skipped does not exist (`None`); of a repeated one the earlier counts.
    pub(crate) fn to_utc(&self, local_ms: i64) -> Option<i64> {
        match self {
            Self::Utc => Some(local_ms),
            Self::Fixed(offset) => Some(local_ms - offset),
            Self::Named(zone) => {
                let offset = match zone.to_ambiguous_timestamp(date_time(local_ms)?).offset() {
                    AmbiguousOffset::Unambiguous { offset } => offset,
                    AmbiguousOffset::Fold { before, .. } => before,
                    AmbiguousOffset::Gap { .. } => return None,
                };
                Some(local_ms - i64::from(offset.seconds()) * 1000)
            }
        }
    }
}

fn date_time(local_ms: i64) -> Option<DateTime> {
    let (days, in_day) = (local_ms.div_euclid(DAY_MS), local_ms.rem_euclid(DAY_MS));
    let (year, month, day) = civil_from_days(days);
    let small = |number: i64| i8::try_from(number).ok();
    DateTime::new(
        i16::try_from(year).ok()?,
        small(month)?,
        small(day)?,
        small(in_day / 3_600_000)?,
        small(in_day / 60_000 % 60)?,
        small(in_day / 1000 % 60)?,
        i32::try_from(in_day % 1000 * 1_000_000).ok()?,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times_follow_the_zones_rules() {
        let noon_in_winter = 1_705_320_000_000;
        assert_eq!(
            Zone::parse("Asia/Tokyo").unwrap().to_utc(noon_in_winter),
            Some(noon_in_winter - 9 * 3_600_000)
        );
        assert_eq!(
            Zone::parse("+02:00").unwrap().to_utc(noon_in_winter),
            Some(noon_in_winter - 2 * 3_600_000)
        );
        assert!(Zone::parse("Nowhere/Zone").is_none());
        let paris = Zone::parse("Europe/Paris").unwrap();
        let skipped = super::super::parse_timestamp("2024-03-31T02:30:00Z").unwrap();
        let repeated = super::super::parse_timestamp("2024-10-27T02:30:00Z").unwrap();
        assert_eq!(paris.to_utc(skipped), None);
        assert_eq!(paris.to_utc(repeated), Some(repeated - 2 * 3_600_000));
    }
}
