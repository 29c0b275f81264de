//! What was counted, for the API.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::dead_letters::Queue;
use crate::output::BulkStats;

/// Counts of one plugin.
#[derive(Debug, Default)]
pub struct PluginStats {
    events_in: AtomicU64,
    events_out: AtomicU64,
    nanos: AtomicU64,
}

impl PluginStats {
    /// Counts events and the time that they took.
    pub fn add(&self, events_in: u64, events_out: u64, took: Duration) {
        self.events_in.fetch_add(events_in, Ordering::Relaxed);
        self.events_out.fetch_add(events_out, Ordering::Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Events that came in.
    pub fn events_in(&self) -> u64 {
        self.events_in.load(Ordering::Relaxed)
    }

    /// Events that went out.
    pub fn events_out(&self) -> u64 {
        self.events_out.load(Ordering::Relaxed)
    }

    /// Milliseconds spent.
    pub fn millis(&self) -> u64 {
        self.nanos.load(Ordering::Relaxed) / 1_000_000
    }
}

/// A plugin as the API shows it.
#[derive(Debug, Clone)]
pub struct PluginInfo {
    /// The plugin's own id, or one made of its place.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its counts.
    pub stats: Arc<PluginStats>,
    /// What an elasticsearch output counts besides.
    pub bulk: Option<Arc<BulkStats>>,
}

/// Everything that the API tells about a pipeline.
#[derive(Debug)]
pub struct PipelineStats {
    /// The pipeline's id.
    pub id: String,
    /// Digest of the configuration.
    pub hash: String,
    /// Another one at every start.
    pub ephemeral_id: String,
    /// The node's name.
    pub node: String,
    /// Its id, another one at every start.
    pub node_id: String,
    /// Where the API listens.
    pub address: String,
    /// Threads that run the filters.
    pub workers: usize,
    /// Most events a worker takes at once.
    pub batch_size: usize,
    /// When the pipeline started.
    pub started: Instant,
    /// The inputs, each with its codec's name.
    pub inputs: Vec<(PluginInfo, String)>,
    /// The filters.
    pub filters: Vec<PluginInfo>,
    /// The outputs, each with its codec's name.
    pub outputs: Vec<(PluginInfo, String)>,
    /// Events that were taken from the queue and events that filters let pass, with the filters' time.
    pub filtered: PluginStats,
    /// Events that filters and outputs are done with: those that came, and those that filters let pass.
    pub done: PluginStats,
    /// Where events go that outputs refuse, if they are kept.
    pub dead_letters: Option<Arc<Queue>>,
}

impl PipelineStats {
    /// Events that inputs handed over.
    pub fn events_in(&self) -> u64 {
        self.inputs
            .iter()
            .map(|(input, _)| input.stats.events_out())
            .sum()
    }

    /// Milliseconds that inputs waited for the queue.
    pub fn queue_push_millis(&self) -> u64 {
        self.inputs
            .iter()
            .map(|(input, _)| input.stats.millis())
            .sum()
    }

    /// Events that wait in the queue.
    pub fn queued(&self) -> u64 {
        self.events_in().saturating_sub(self.filtered.events_in())
    }
}
