//! A run to take away: what its containers need, in a folder, for people who start them by themselves.

use std::sync::Arc;

use domain::error::Failure;
use domain::worker::{RunFolder, WorkOrder};
use engine_native::records::Records;

use super::ground::{self, Owner};
use super::parts::Parts;
use super::stage::settings;
use crate::plan::{Files, Plan};

/// Lays out a run in `folder`, where its files have been claimed, if there are any: what `docker compose up` needs there
/// to do it. Says how many records wait in `frames/`.
///
/// # Errors
/// For what Logstash cannot do, and for files that cannot be read to their end or written.
pub fn take_away(order: &Arc<WorkOrder>, folder: &RunFolder) -> Result<u64, Failure> {
    let records = if folder.manifest().exists() {
        let records = Records::of(folder, order)?;
        let written = Parts::write(folder, order, &records, &Arc::default(), |_| {})?;
        written.map_or(0, |parts| parts.total())
    } else {
        ground::empty(&Files::of(folder).frames)?;
        0
    };
    let owner = Owner::of(order, folder)?;
    let plan = Plan::of(order, folder, &settings(order, owner));
    ground::lay(owner, order, folder, &plan)?;
    Ok(records)
}
