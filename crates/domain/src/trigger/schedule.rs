//! The times of a schedule: a cron expression on the clock of a time zone.
//!
//! The expression is matched on the local clock; what the clock does when it is put forward or back is decided here. An
//! expression for every hour (its hours begin with `*`) follows elapsed time: skipped times do not exist, repeated ones
//! come twice. Any other one comes exactly once a day that it is meant for: a skipped time is due when the clock is put
//! forward, a repeated one the first time.

use std::sync::LazyLock;

use cronexpr::{Crontab, MakeTimestamp};
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

use crate::EpochMs;

/// Changes of the clock that are gone past in search of the next time; more than there are in the four years after which
/// an expression counts as one that never comes.
const MAX_CHANGES: usize = 64;

/// Spans behind the present that are searched for the latest time, the shortest first: each time is a step of the search.
const LOOK_BACK: [SignedDuration; 4] = [
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(25),
    SignedDuration::from_hours(32 * 24),
    SignedDuration::from_hours(4 * 366 * 24),
];

const TICK: SignedDuration = SignedDuration::from_millis(1);

/// The times at which runs are due.
#[derive(Debug, Clone)]
pub struct Schedule {
    times: Crontab,
    zone: TimeZone,
    every_hour: bool,
}

/// The zones that are built into the program: what a name means does not depend on the machine.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

impl Schedule {
    /// Of a cron expression with five fields and the name of a time zone; the error says what is wrong with them.
    pub fn new(cron: &str, time_zone: &str) -> Result<Self, String> {
        let fields: Vec<&str> = cron.split_whitespace().collect();
        let [_, hours, _, _, _] = fields[..] else {
            return Err(format!(
                "{cron:?} has {} fields: write minute, hour, day of month, month, day of week",
                fields.len()
            ));
        };
        let zone = ZONES.get(time_zone).map_err(|_| {
            format!("{time_zone:?} is no time zone: write for example \"Europe/Vienna\" or \"UTC\"")
        })?;
        // matched on the local clock, which is taken for UTC: the zone is dealt with here
        let times = cronexpr::parse_crontab(&format!("{} UTC", fields.join(" ")))
            .map_err(|_| format!("{cron:?} is no cron expression: write for example \"0 6 * * *\", or \"*/15 * * * MON-FRI\""))?;
        let schedule = Self {
            every_hour: hours.starts_with('*'),
            times,
            zone,
        };
        match schedule.next_local(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(schedule),
            None => Err(format!("{cron:?} never comes: there is no such day")),
        }
    }

    /// The first time after a moment; none if it cannot be told.
    pub fn next(&self, after: EpochMs) -> Option<EpochMs> {
        let after = Timestamp::from_millisecond(after).ok()?;
        self.next_after(after).map(Timestamp::as_millisecond)
    }

    /// The last time after a moment and not after another; none if there is none.
    pub fn latest(&self, after: EpochMs, until: EpochMs) -> Option<EpochMs> {
        let (after, until) = (
            Timestamp::from_millisecond(after).ok()?,
            Timestamp::from_millisecond(until).ok()?,
        );
        for span in LOOK_BACK {
            let from = until
                .checked_sub(span)
                .map_or(after, |from| from.max(after));
            let times = std::iter::successors(self.next_after(from), |&time| self.next_after(time));
            let last = times.take_while(|time| *time <= until).last();
            if last.is_some() || from == after {
                return last.map(Timestamp::as_millisecond);
            }
        }
        None
    }

    fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let mut offset = self.zone.to_offset(after);
        let mut found = self.next_local(self.begin(after, offset)?)?;
        for change in self.zone.following(after).take(MAX_CHANGES) {
            let due = moment(found, offset)?;
            let at = change.timestamp();
            if due < at {
                return Some(due);
            }
            let (before, behind) = (local(at, offset)?, local(at, change.offset())?);
            if !self.every_hour && found < behind {
                return Some(at);
            }
            let begin = if self.every_hour {
                behind
            } else {
                behind.max(before)
            };
            found = self.next_local(begin.checked_sub(TICK).ok()?)?;
            offset = change.offset();
        }
        moment(found, offset)
    }

    /// The local time behind which is searched.
    fn begin(&self, after: Timestamp, offset: Offset) -> Option<Timestamp> {
        let now = local(after, offset)?;
        if self.every_hour {
            return Some(now);
        }
        // while the clock repeats an hour, everything in it was due before
        let Some(change) = self.zone.preceding(after.checked_add(TICK).ok()?).next() else {
            return Some(now);
        };
        let before = self
            .zone
            .to_offset(change.timestamp().checked_sub(TICK).ok()?);
        let put_back = local(change.timestamp(), before)?.checked_sub(TICK).ok()?;
        Some(now.max(put_back))
    }

    /// The first match after a local time, both as if they were UTC.
    fn next_local(&self, after: Timestamp) -> Option<Timestamp> {
        let found = self.times.find_next(MakeTimestamp(after)).ok()?;
        Some(found.timestamp())
    }
}

/// The local time of a moment, as if it were UTC.
fn local(at: Timestamp, offset: Offset) -> Option<Timestamp> {
    at.checked_add(SignedDuration::from_secs(offset.seconds().into()))
        .ok()
}

/// The moment of a local time.
fn moment(local: Timestamp, offset: Offset) -> Option<Timestamp> {
    local
        .checked_sub(SignedDuration::from_secs(offset.seconds().into()))
        .ok()
}

#[cfg(test)]
mod tests;
