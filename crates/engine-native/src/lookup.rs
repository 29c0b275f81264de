//! Who wrote the documents that are there: asks the core DMS as a run's worker does.

use std::sync::Arc;

use domain::error::Failure;
use domain::worker::WorkOrder;

use crate::control::Control;
use crate::meter::Meter;
use crate::pool::Pool;
use crate::sink::{self, Pace, Sink};

pub use crate::sink::Address;
pub use coredms::client::Provenance;

/// Asks with the credentials of a run.
pub struct Lookup(Sink);

impl Lookup {
    /// Nothing is connected yet.
    pub fn new(order: &WorkOrder) -> Result<Self, Failure> {
        let (client, gzip) = sink::connect(&order.dms, 1)?;
        let meter = Arc::<Meter>::default();
        Ok(Self(Sink {
            client,
            gzip,
            run: order.run.to_string(),
            pace: Pace::new(1, Arc::clone(&meter)),
            control: Arc::<Control>::default(),
            meter,
            blocks: Arc::new(Pool::new(0)),
            bodies: Arc::new(Pool::new(0)),
        }))
    }

    /// Where the documents at these addresses came from, in the order asked; none for those that do not exist, or that say
    /// nothing of it. Waits for as long as the core DMS is away.
    pub async fn provenance(
        &self,
        addresses: &[Address],
    ) -> Result<Vec<Option<Provenance>>, Failure> {
        sink::provenance(&self.0, addresses).await
    }
}
