//! `throttle`: matches the events of a key that are too few or too many within a period.
//!
//! Events are counted by their own time, in the order of the records.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use super::{Applied, FilterError};
use crate::compile::Compiler;
use crate::exec::Event;
use crate::layout::TIMESTAMP;
use crate::options::Options;
use crate::template::Template;
use crate::value::Value;

/// Seconds of a period that is not given, or is no number.
const DEFAULT_PERIOD: i64 = 60;
/// Old counters are cleared away after so many records. Logstash does it every five seconds, which would make the
/// result depend on how fast a machine is.
const CLEAR_EVERY: u64 = 10_000;
/// Of the age that was asked for, in percent: the least that counters are kept, and the step by which that changes when there
/// are too many of them.
const LEAST_AGE: i64 = 5;
const AGE_STEP: i64 = 5;
/// Below this share of the allowed counters, in percent, they may become older again.
const FEW_COUNTERS: i64 = 80;

/// A compiled throttle filter.
#[derive(Debug)]
pub(crate) struct Throttle {
    key: Template,
    period: Template,
    /// Fewer events than this match.
    before: Option<f64>,
    /// More events than this match.
    after: Option<f64>,
    /// Seconds.
    max_age: i64,
    max_counters: Option<i64>,
    state: Mutex<State>,
}

/// What was counted so far.
#[derive(Debug, Default)]
struct State {
    keys: HashMap<Box<str>, Timeslots>,
    /// Seconds; less than asked for while there are too many counters.
    max_age: i64,
    records: u64,
}

/// The events of one key. Times are seconds since 1970.
#[derive(Debug)]
struct Timeslots {
    /// The time of the key's first event, from which its periods are reckoned.
    created: i64,
    latest: i64,
    /// Events by the start of their period.
    counts: BTreeMap<i64, u64>,
}

impl Throttle {
    pub(super) fn compile(options: Options<'_>, compiler: &mut Compiler<'_>) -> Option<Self> {
        let Some(key) = options.text("key") else {
            let message = "throttle needs `key`: what the events that are counted together have in common, such as `%{host}`";
            let at = options.at("key");
            compiler.violation(at, "missing_option", message.to_owned());
            return None;
        };
        let period = options.text("period").unwrap_or("60");
        let number = |name: &str| options.text(name)?.parse::<f64>().ok();
        let bound = |name: &str| number(name).filter(|count| *count != -1.0);
        let max_age = number("max_age").unwrap_or(3600.0) as i64;
        let max_counters = number("max_counters").unwrap_or(100_000.0) as i64;
        compiler.ordered = true;
        Some(Self {
            key: compiler.template(key, &options.at("key"))?,
            period: compiler.template(period, &options.at("period"))?,
            before: bound("before_count"),
            after: bound("after_count"),
            max_age,
            max_counters: Some(max_counters).filter(|counters| *counters != -1),
            state: Mutex::new(State {
                max_age,
                ..State::default()
            }),
        })
    }

    pub(super) fn apply<'a>(&'a self, event: &mut Event<'a>) -> Applied<'a> {
        match self.count(event) {
            Ok(count) => {
                let count = count as f64;
                let few = self.before.is_some_and(|before| count < before);
                let many = self.after.is_some_and(|after| count > after);
                match few || many {
                    true => Applied::Matched,
                    false => Applied::Skipped,
                }
            }
            Err(error) => Applied::failed(&error, event),
        }
    }

    /// Counts an event; returns how many there are now in its period.
    fn count<'a>(&'a self, event: &Event<'a>) -> Result<u64, FilterError> {
        let key = self.key.render(event)?;
        let period = match leading_number(self.period.render(event)?) {
            0 => DEFAULT_PERIOD,
            period => period,
        };
        let time = match event.slot(TIMESTAMP) {
            Value::Time(ms) => ms.div_euclid(1000),
            _ => 0,
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.records += 1;
        if state.records.is_multiple_of(CLEAR_EVERY) {
            state.clear(self.max_age, self.max_counters);
        }
        let max_age = state.max_age;
        if !state.keys.contains_key(key) {
            state.keys.insert(key.into(), Timeslots::new(time));
        }
        let timeslots = state.keys.get_mut(key);
        Ok(timeslots.map_or(0, |timeslots| timeslots.count(time, period, max_age)))
    }
}

impl State {
    /// Forgets keys without recent events, and lets counters live shorter while there are too many.
    fn clear(&mut self, asked_age: i64, max_counters: Option<i64>) {
        let latest = self.keys.values().map(|timeslots| timeslots.latest).max();
        let oldest = latest.unwrap_or(0).max(0).saturating_sub(self.max_age);
        self.keys.retain(|_, timeslots| timeslots.latest >= oldest);
        let Some(max_counters) = max_counters else {
            return;
        };
        let counters: usize = self
            .keys
            .values()
            .map(|timeslots| timeslots.counts.len())
            .sum();
        let counters = i64::try_from(counters).unwrap_or(i64::MAX);
        let percent = |of: i64, percent: i64| of.saturating_mul(percent) / 100;
        if counters > max_counters {
            if self.max_age > percent(asked_age, LEAST_AGE) {
                self.max_age -= percent(asked_age, AGE_STEP);
            }
        } else if self.max_age < asked_age && counters < percent(max_counters, FEW_COUNTERS) {
            self.max_age += percent(asked_age, AGE_STEP);
        }
    }
}

impl Timeslots {
    fn new(time: i64) -> Self {
        Self {
            created: time,
            latest: time,
            counts: BTreeMap::new(),
        }
    }

    /// Counts an event and forgets periods that are too old; returns the event's count.
    fn count(&mut self, time: i64, period: i64, max_age: i64) -> u64 {
        self.latest = self.latest.max(time);
        let since = time.saturating_sub(self.created);
        // as Ruby's `%`: the remainder has the sign of the period
        let remainder = since.wrapping_rem(period);
        let into = match remainder != 0 && (remainder < 0) != (period < 0) {
            true => remainder.saturating_add(period),
            false => remainder,
        };
        let slot = self.counts.entry(time.saturating_sub(into)).or_default();
        *slot += 1;
        let count = *slot;
        let newest = self.counts.last_key_value().map_or(0, |(start, _)| *start);
        let oldest = newest.saturating_sub(max_age);
        while let Some(slot) = self.counts.first_entry() {
            if *slot.key() >= oldest {
                break;
            }
            slot.remove();
        }
        count
    }
}

/// Ruby's `to_i`: the whole number that a text begins with, or 0.
fn leading_number(text: &str) -> i64 {
    let text = text.trim_start();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.bytes().take_while(u8::is_ascii_digit);
    digits.fold(0_i64, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(sign * i64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_by_their_periods() {
        let mut timeslots = Timeslots::new(1000);
        let counts = [
            (1000, 1),
            (1059, 2),
            (1060, 1),
            // late, and before the first event
            (1010, 3),
            (995, 1),
            (1119, 2),
            (1120, 1),
        ];
        for (time, count) in counts {
            assert_eq!(timeslots.count(time, 60, 120), count, "{time}");
        }
        assert_eq!(
            timeslots.counts.keys().collect::<Vec<_>>(),
            [&1000, &1060, &1120]
        );
        // too old to be remembered: every such event is the first
        assert_eq!(
            (timeslots.count(900, 60, 120), timeslots.count(900, 60, 120)),
            (1, 1)
        );
        assert_eq!(Timeslots::new(7).count(3, -2, 10), 1);
    }

    #[test]
    fn old_keys_are_forgotten_and_many_counters_live_shorter() {
        let mut state = State {
            max_age: 100,
            ..State::default()
        };
        for (key, time) in [("old", 0), ("a", 500), ("b", 600)] {
            let mut timeslots = Timeslots::new(time);
            timeslots.count(time, 60, 100);
            state.keys.insert(key.into(), timeslots);
        }
        state.clear(100, Some(1));
        assert_eq!((state.keys.len(), state.max_age), (2, 95));
        state.clear(100, Some(1));
        assert_eq!((state.keys.len(), state.max_age), (1, 95));
        state.clear(100, Some(2));
        assert_eq!(state.max_age, 95);
        state.clear(100, Some(10));
        assert_eq!(state.max_age, 100);
    }

    #[test]
    fn a_period_is_the_number_that_a_text_begins_with() {
        for (text, number) in [
            ("60", 60),
            (" 5x", 5),
            ("-3", -3),
            ("%{p}", 0),
            ("", 0),
            ("99999999999999999999", i64::MAX),
        ] {
            assert_eq!(leading_number(text), number, "{text}");
        }
    }
}
