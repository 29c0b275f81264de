//! What is counted for Prometheus.

use std::time::Duration;

use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

/// What is counted. Labels never name a client: their number has no bound, and who they are is nobody's business here.
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    seconds: HistogramVec,
    runs: IntGaugeVec,
    resident: IntGauge,
}

impl Metrics {
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let requests = IntCounterVec::new(
            Opts::new("ingest_http_requests_total", "Requests answered."),
            &["operation", "status"],
        )?;
        let buckets = prometheus::exponential_buckets(0.001, 4.0, 8)?;
        let seconds = HistogramVec::new(
            HistogramOpts::new(
                "ingest_http_request_seconds",
                "Time from a request's head to its answer's head.",
            )
            .buckets(buckets),
            &["operation"],
        )?;
        let runs = IntGaugeVec::new(
            Opts::new(
                "ingest_runs_under_way",
                "Runs that have not ended, by state.",
            ),
            &["state"],
        )?;
        let resident = IntGauge::new(
            "ingest_manager_resident_bytes",
            "Resident memory of the manager.",
        )?;
        let registry = Registry::new();
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(runs.clone()))?;
        registry.register(Box::new(resident.clone()))?;
        Ok(Self {
            registry,
            requests,
            seconds,
            runs,
            resident,
        })
    }

    /// A request was answered.
    pub(crate) fn answered(&self, operation: &str, status: u16, took: Duration) {
        self.requests
            .with_label_values(&[operation, &status.to_string()])
            .inc();
        self.seconds
            .with_label_values(&[operation])
            .observe(took.as_secs_f64());
    }

    /// The runs that have not ended, by the name of their state.
    pub(crate) fn runs(&self, states: impl Iterator<Item = &'static str>) {
        self.runs.reset();
        for state in states {
            self.runs.with_label_values(&[state]).inc();
        }
    }

    /// All of it in Prometheus's text format.
    pub(crate) fn text(&self) -> Result<String, prometheus::Error> {
        self.resident.set(resident_bytes().unwrap_or(0));
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|e| prometheus::Error::Msg(e.to_string()))
    }
}

/// This process's resident memory, as the system counts it.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
