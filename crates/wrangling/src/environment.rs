//! What a program knows of the run that it works for.

use std::collections::BTreeMap;

use crate::resources::Resources;

/// Constants of a run. Equal environments and equal records give equal documents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// The run's claim time in milliseconds since 1970 (UTC): the timestamp of records without one, and the clock that
    /// guesses years.
    pub clock_ms: i64,
    /// Client id; prefix of index names.
    pub client: String,
    /// Job id.
    pub job: String,
    /// Run id.
    pub run: String,
    /// Revision of the job's spec.
    pub revision: u64,
    /// Which field names filters use unless they say it themselves.
    pub ecs_compatibility: EcsCompatibility,
    /// Where the files are that filters name.
    pub resources: Resources,
    /// What `${NAME}` stands for in values of options and in conditions.
    pub variables: BTreeMap<String, String>,
    /// Whether filters count their events: see [`crate::Scratch::take_counts`].
    pub count_filters: bool,
}

/// Whether filters name fields by the Elastic Common Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EcsCompatibility {
    /// The names of the Elastic Common Schema (`v1` and `v8` are the same).
    #[default]
    V8,
    /// The names from before the schema.
    Disabled,
}
