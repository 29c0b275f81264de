//! What a worker does with its order, if something else than the native stages moves the records.

use std::sync::Arc;

use async_trait::async_trait;
use domain::error::Failure;
use domain::worker::{RunFolder, SinkStatus, WorkOrder};

use super::live::Live;
use crate::control::Control;

/// Moves the records of an order in its own way. The worker's process around it is the same for all: it holds the lock,
/// answers the manager, and writes how it ended from what stands in the run's book.
#[async_trait]
pub trait Plane: Send + Sync {
    /// What the status shows of it.
    fn gauges(&self) -> Arc<dyn Gauges>;

    /// Works until every record has an outcome in the book, or the worker is to end. Says whether every file stands in the
    /// book. Nothing that it has put up may be left when it returns.
    async fn run(&self, shell: Shell) -> Result<bool, Failure>;

    /// Removes what a worker that was killed has left. Called again it changes nothing.
    async fn clear(&self, folder: &RunFolder, order: &WorkOrder) -> Result<(), Failure>;
}

/// What a plane is given of the process that it is in.
#[derive(Clone)]
pub struct Shell {
    /// The run's folder.
    pub folder: RunFolder,
    /// The order.
    pub order: Arc<WorkOrder>,
    /// What the worker has been told.
    pub control: Arc<Control>,
    /// Where it shows what it is doing.
    pub live: Arc<Live>,
}

/// What a status shows besides sums.
pub trait Gauges: Send + Sync {
    /// What the sink does.
    fn sink(&self) -> SinkStatus;

    /// Whether nothing is under way.
    fn is_idle(&self) -> bool;

    /// What works for the run outside of the process: its memory in bytes, and the CPU time that it has used in
    /// milliseconds.
    fn outside(&self) -> (u64, u64) {
        (0, 0)
    }
}
