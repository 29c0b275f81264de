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
}
