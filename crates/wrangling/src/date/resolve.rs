//! From the fields that a text gave to a point in time, as Joda's parser bucket does.

use super::civil::{
    DAY_MS, civil_from_days, days_from_civil, days_in_month, is_leap, week_start, weekday,
};
use super::zone::Zone;

/// Years beyond this have no use and would overflow.
const MAX_YEAR: i64 = 200_000_000;
/// The year of texts with a month or day but no year. A leap year, so that 29 February is a date.
const DEFAULT_YEAR: i64 = 2000;

/// Calendar fields read from a text.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    pub(super) year: Option<i64>,
    pub(super) weekyear: Option<i64>,
    pub(super) month: Option<i64>,
    pub(super) day: Option<i64>,
    pub(super) day_of_year: Option<i64>,
    pub(super) week: Option<i64>,
    /// ISO: Monday is 1.
    pub(super) weekday: Option<i64>,
    /// Hour of day, 0–23.
    pub(super) hour: Option<i64>,
    /// Hour of half day, 0–11.
    pub(super) half_hour: Option<i64>,
    pub(super) afternoon: Option<bool>,
    pub(super) before_christ: bool,
    pub(super) minute: Option<i64>,
    pub(super) second: Option<i64>,
    /// Milliseconds of a fraction of the last unit given.
    pub(super) fraction_ms: Option<i64>,
    pub(super) offset_ms: Option<i64>,
    pub(super) zone: Option<Zone>,
}

impl Fields {
    /// The time in milliseconds since 1970, `None` if the fields are no date.
    pub(super) fn resolve(&self, default_zone: &Zone) -> Option<i64> {
        let local = self
            .days()?
            .checked_mul(DAY_MS)?
            .checked_add(self.time_of_day()?)?;
        match (self.offset_ms, &self.zone) {
            (Some(offset), _) => Some(local - offset),
            (None, Some(zone)) => zone.to_utc(local),
            (None, None) => default_zone.to_utc(local),
        }
    }

    fn days(&self) -> Option<i64> {
        if self.weekyear.is_some() || self.week.is_some() {
            return self.week_date();
        }
        let dated = self.month.is_some()
            || self.day.is_some()
            || self.day_of_year.is_some()
            || self.weekday.is_some();
        let year = self.year.unwrap_or(if dated { DEFAULT_YEAR } else { 1970 });
        let year = if self.before_christ { 1 - year } else { year };
        if year.abs() > MAX_YEAR {
            return None;
        }
        let days = match self.day_of_year {
            Some(day) if day >= 1 && day <= if is_leap(year) { 366 } else { 365 } => {
                days_from_civil(year, 1, 1) + day - 1
            }
            Some(_) => return None,
            None => {
                let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
                let valid =
                    (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
                valid.then(|| days_from_civil(year, month, day))?
            }
        };
        match self.weekday {
            Some(day @ 1..=7) => Some(days - weekday(days) + day),
            Some(_) => None,
            None => Some(days),
        }
    }

    fn week_date(&self) -> Option<i64> {
        let year = self.weekyear.or(self.year).unwrap_or(DEFAULT_YEAR);
        let (week, day) = (self.week.unwrap_or(1), self.weekday.unwrap_or(1));
        if year.abs() > MAX_YEAR || !(1..=7).contains(&day) || week < 1 {
            return None;
        }
        let days = week_start(year, week) + day - 1;
        (week_start(year, week) < week_start(year + 1, 1)).then_some(days)
    }

    fn time_of_day(&self) -> Option<i64> {
        let hour = match (self.hour, self.half_hour, self.afternoon) {
            (Some(hour), ..) => hour,
            (None, Some(hour), afternoon) if (0..=11).contains(&hour) => {
                hour + if afternoon == Some(true) { 12 } else { 0 }
            }
            (None, Some(_), _) => return None,
            (None, None, afternoon) => i64::from(afternoon == Some(true)) * 12,
        };
        let (minute, second) = (self.minute.unwrap_or(0), self.second.unwrap_or(0));
        let valid = hour <= 23 && minute <= 59 && second <= 59;
        valid.then(|| ((hour * 60 + minute) * 60 + second) * 1000 + self.fraction_ms.unwrap_or(0))
    }
}

/// Fills in the year of a text that has none: the clock's, but December is last year in January and January next year in
/// December.
pub(super) fn guess_year(month: Option<i64>, clock_ms: i64) -> i64 {
    let (year, now, _) = civil_from_days(clock_ms.div_euclid(DAY_MS));
    match (month, now) {
        (Some(12), 1) => year - 1,
        (Some(1), 12) => year + 1,
        _ => year,
    }
}
