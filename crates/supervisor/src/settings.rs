//! How often the supervisor looks, and how patient it is.

use domain::provisions::{Containers, Provisions};
use domain::run::Policy;
use domain::units::Span;
use serde::Deserialize;

/// The supervisor's settings; the defaults are good.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How often the store is scanned for runs.
    pub scan_interval: Span,
    /// How often a running worker is sampled, and the longest wait between two looks at it.
    pub sample_interval: Span,
    /// A run without progress for so long, while work remains, is shown as stalled.
    pub stall_after: Span,
    /// A worker that runs but does not answer for so long is killed and counts as lost.
    pub silent_after: Span,
    /// A worker that was told to cancel and neither ends nor moves for so long is killed.
    pub cancel_grace: Span,
    /// How long workers have to save their work when the manager stops.
    pub shutdown_grace: Span,
    /// How long a worker goes on without a manager.
    pub orphan_after: Span,
    /// How often runs that are past their retention are looked for.
    pub retention_interval: Span,
    /// How long audit entries are kept.
    pub audit_retention: Span,
    /// How long the series of runs that have ended are kept; the report keeps its chart.
    pub series_retention: Span,
    /// Runs under way on this host at once; the clients take turns.
    pub max_runs: u32,
    /// What pipelines may use.
    pub provisions: Provisions,
    /// How containers of runs are put up.
    pub containers: Containers,
    /// How lost workers are dealt with.
    #[serde(skip)]
    pub policy: Policy,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            scan_interval: Span::secs(1),
            sample_interval: Span::secs(1),
            stall_after: Span::secs(30),
            silent_after: Span::secs(30),
            cancel_grace: Span::secs(30),
            shutdown_grace: Span::secs(10),
            orphan_after: Span::secs(60),
            retention_interval: Span::secs(600),
            audit_retention: Span::secs(365 * 24 * 3600),
            series_retention: Span::secs(90 * 24 * 3600),
            max_runs: 16,
            provisions: Provisions::default(),
            containers: Containers::default(),
            policy: Policy::default(),
        }
    }
}
