//! Query parameters of single routes.

use serde::Deserialize;

/// Which form of the report.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ReportQuery {
    pub format: Option<ReportFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReportFormat {
    Json,
    Html,
}

/// Of which file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UndoQuery {
    pub file: Option<String>,
}

/// How many examples of each cause.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CausesQuery {
    pub samples: Option<usize>,
}

/// How many samples.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SeriesQuery {
    pub max_points: Option<u32>,
}

/// Which part of a log.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogQuery {
    pub tail: Option<u32>,
    pub offset: Option<u64>,
    pub bytes: Option<u64>,
}
