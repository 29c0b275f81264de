//! What starts a job's runs: its client, the clock, or files that arrive.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wrangling::Violation;

use crate::trigger::Schedule;
use crate::units::Span;

/// What starts a job's runs. Clients may start a run besides at any time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Start {
    /// What starts them.
    pub on: StartOn,
    /// Whether anything but the client starts them at present; `false` pauses a schedule, or looking for arrivals.
    #[serde(skip_serializing_if = "is_true")]
    pub enabled: bool,
    /// schedule: when, as minute, hour, day of month, month and day of week: `"0 6 * * *"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// schedule: whose clock `cron` is read from, as a name of the time zone database. Default `UTC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// schedule: what becomes of times at which the manager was down. Default `run_once`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed: Option<Missed>,
    /// arrival: by what a staged file shows that it is whole. No run of the job takes one that is not. Default `renamed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete_when: Option<CompleteWhen>,
    /// arrival, `complete_when: marker`: what a marker's name has behind that of its file. Default `.done`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker_suffix: Option<String>,
    /// arrival, `complete_when: stable`: how long a file must not have changed. Default 30s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stable_for: Option<Span>,
    /// arrival: how often the staging directory is looked through, whether or not the system said that something came.
    /// Default 1m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scan_every: Option<Span>,
}

/// What starts runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StartOn {
    /// The client alone.
    #[default]
    Manual,
    /// The clock.
    Schedule,
    /// Files that arrive.
    Arrival,
}

/// What becomes of times at which the manager was down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// One run makes up for all of them as soon as the manager is up.
    #[default]
    RunOnce,
    /// They are over; the next run starts at its time.
    Skip,
}

/// By what a staged file shows that it is whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CompleteWhen {
    /// It has its name: it was uploaded, or written under a name that begins with a dot and renamed.
    #[default]
    Renamed,
    /// Beside it lies a file of its name with a suffix.
    Marker,
    /// It has not changed for a time.
    Stable,
}

impl Default for Start {
    fn default() -> Self {
        Self {
            on: StartOn::Manual,
            enabled: true,
            cron: None,
            time_zone: None,
            missed: None,
            complete_when: None,
            marker_suffix: None,
            stable_for: None,
            scan_every: None,
        }
    }
}

fn is_true(value: &bool) -> bool {
    *value
}

impl Start {
    /// Whether it says nothing; it is left out of a stored spec then, as it was before there were triggers.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The schedule's times. [`super::parse`] refuses a spec in which they cannot be read.
    pub fn schedule(&self) -> Result<Schedule, String> {
        Schedule::new(
            self.cron.as_deref().unwrap_or_default(),
            self.time_zone.as_deref().unwrap_or("UTC"),
        )
    }

    /// What a file needs to be whole; none where files do not start runs.
    pub fn completeness(&self) -> Option<CompleteWhen> {
        (self.on == StartOn::Arrival).then(|| self.complete_when.unwrap_or_default())
    }

    /// The suffix of markers, if files have any.
    pub fn marker_suffix(&self) -> Option<&str> {
        (self.completeness() == Some(CompleteWhen::Marker))
            .then(|| self.marker_suffix.as_deref().unwrap_or(".done"))
    }

    /// How long a file must not have changed.
    pub fn stable_for(&self) -> Span {
        self.stable_for.unwrap_or(Span::secs(30))
    }

    /// How often the staging directory is looked through.
    pub fn scan_every(&self) -> Span {
        self.scan_every.unwrap_or(Span::secs(60))
    }

    /// What is wrong with it beyond its structure.
    pub(super) fn check(&self, found: &mut Vec<Violation>) {
        let mut add = |field: &str, code: &str, message: String| {
            found.push(Violation::new(format!("/start/{field}"), code, message));
        };
        for (field, given, belongs) in self.belongings() {
            if given && !belongs {
                add(
                    field,
                    "not_for_this_start",
                    format!("{field} does not go with what `on` and `complete_when` say"),
                );
            }
        }
        if self.on == StartOn::Schedule {
            match (&self.cron, self.schedule()) {
                (None, _) => add("cron", "missing_field", "a schedule needs its times".into()),
                (Some(_), Err(message)) => add("cron", "invalid_value", message),
                (Some(_), Ok(_)) => {}
            }
        }
        if let Some(suffix) = &self.marker_suffix
            && (suffix.len() < 2 || suffix.contains(|c: char| c == '/' || c.is_control()))
        {
            add(
                "marker_suffix",
                "invalid_value",
                "use two or more characters of a file's name, for example \".done\"".into(),
            );
        }
        for (field, span) in [
            ("stable_for", self.stable_for),
            ("scan_every", self.scan_every),
        ] {
            if span.is_some_and(|span| !(1_000..=86_400_000).contains(&span.ms)) {
                add(field, "invalid_value", "use 1s to 1day".into());
            }
        }
    }

    /// Each field that depends on others: whether it is given, and whether it may be.
    fn belongings(&self) -> [(&'static str, bool, bool); 7] {
        let (schedule, arrival) = (self.on == StartOn::Schedule, self.on == StartOn::Arrival);
        let complete = self.completeness();
        [
            ("cron", self.cron.is_some(), schedule),
            ("time_zone", self.time_zone.is_some(), schedule),
            ("missed", self.missed.is_some(), schedule),
            ("complete_when", self.complete_when.is_some(), arrival),
            (
                "marker_suffix",
                self.marker_suffix.is_some(),
                complete == Some(CompleteWhen::Marker),
            ),
            (
                "stable_for",
                self.stable_for.is_some(),
                complete == Some(CompleteWhen::Stable),
            ),
            ("scan_every", self.scan_every.is_some(), arrival),
        ]
    }
}
