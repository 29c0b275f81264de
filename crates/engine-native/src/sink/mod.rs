//! The sink: bulk requests to the core DMS, several under way, until every document has an outcome.

mod answers;
mod backoff;
mod conflicts;
mod connect;
mod deliver;
mod latencies;
mod pace;

use std::collections::BTreeSet;
use std::sync::Arc;

use coredms::client::Client;
use domain::error::{Culprit, Failure};
use domain::worker::SinkStatus;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use crate::batch::{Settled, Wrangled};
use crate::control::Control;
use crate::files::IndexLog;
use crate::meter::Meter;
use crate::pool::Pool;

pub use answers::Refusal;
pub use conflicts::{Address, provenance};
pub use connect::connect;
pub use deliver::CORE_DMS;
pub use pace::Pace;

/// What deliveries share.
#[derive(Debug)]
pub struct Sink {
    /// The core DMS.
    pub client: Client,
    /// Whether bodies are compressed.
    pub gzip: bool,
    /// Which run this is.
    pub run: String,
    /// How many requests, and how large.
    pub pace: Pace,
    /// Whether to go on.
    pub control: Arc<Control>,
    /// Counters.
    pub meter: Arc<Meter>,
    /// Blocks to be used again.
    pub blocks: Arc<Pool>,
    /// Bodies to be used again.
    pub bodies: Arc<Pool>,
}

impl Sink {
    /// What the sink does.
    pub fn status(&self) -> SinkStatus {
        self.pace.status()
    }
}

/// Where settled batches go.
pub type Settle = std::sync::mpsc::Sender<Settled>;

/// Delivers batches until no more come, or what is under way is given up. `indices` notes an index before the first document
/// is sent to it.
pub async fn deliver_all(
    sink: Arc<Sink>,
    mut wrangled: UnboundedReceiver<Wrangled>,
    settle: Settle,
    mut indices: Indices,
) {
    let abandoned = sink.control.abandoned().clone();
    let mut under_way = JoinSet::new();
    loop {
        let next = tokio::select! {
            biased;
            () = abandoned.cancelled() => break,
            next = wrangled.recv() => next,
        };
        let Some(batch) = next else { break };
        if let Err(failure) = indices.note(&batch.indices) {
            sink.control.fail(failure);
            break;
        }
        tokio::select! {
            biased;
            () = abandoned.cancelled() => break,
            () = sink.pace.wait() => {}
        }
        under_way.spawn(deliver_one(Arc::clone(&sink), batch, settle.clone()));
        while let Some(ended) = under_way.try_join_next() {
            report_panic(&sink.control, ended.err());
        }
    }
    while let Some(ended) = under_way.join_next().await {
        report_panic(&sink.control, ended.err());
    }
}

async fn deliver_one(sink: Arc<Sink>, batch: Wrangled, settle: Settle) {
    tokio::select! {
        biased;
        () = sink.control.abandoned().cancelled() => {}
        outcome = deliver::deliver(&sink, batch) => match outcome {
            // nobody receives any more: the worker is ending
            Ok(settled) => drop(settle.send(settled)),
            Err(failure) => sink.control.fail(failure),
        },
    }
}

/// The failure of an answer that Elasticsearch would not give.
fn nonsense(message: &str) -> Failure {
    let next_step =
        "check that the configured address is that of the core DMS, and what stands between";
    Failure::permanent("dms_protocol", Culprit::CoreDms, message, next_step)
}

fn report_panic(control: &Control, error: Option<tokio::task::JoinError>) {
    if let Some(error) = error.filter(tokio::task::JoinError::is_panic) {
        control.fail(crate::worker_defect(&format!(
            "a delivery panicked: {error}"
        )));
    }
}

/// The indices that the run has written to, or is about to.
#[derive(Debug)]
pub struct Indices {
    known: BTreeSet<String>,
    max: usize,
    log: IndexLog,
}

impl Indices {
    /// Those of the attempts before, at most `max`, and where to note new ones.
    pub fn new(known: BTreeSet<String>, max: usize, log: IndexLog) -> Self {
        Self { known, max, log }
    }

    fn note(&mut self, indices: &[String]) -> Result<(), Failure> {
        for index in indices {
            if self.known.contains(index) {
                continue;
            }
            if self.known.len() >= self.max {
                let message = format!(
                    "the records go to more than {} indices; the next would be {index:?}",
                    self.max
                );
                let next_step =
                    "name fewer values in destination.index, or raise destination.max_indices";
                return Err(Failure::permanent(
                    "too_many_indices",
                    Culprit::Client,
                    message,
                    next_step,
                ));
            }
            self.log.append(index)?;
            self.known.insert(index.clone());
        }
        Ok(())
    }
}
