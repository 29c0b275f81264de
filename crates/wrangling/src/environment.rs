//! What a program knows of the run that it works for.

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
