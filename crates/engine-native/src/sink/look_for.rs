//! Finds out which documents are not there (rule 11).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use domain::error::Failure;
use domain::ids::FileKey;

use super::Sink;
use super::conflicts::{Address, provenance};
use super::deliver::settled;
use crate::batch::{SegmentKind, Settled, Wrangled};

/// Positions of records whose documents are not there, by file, at most so many a file.
#[derive(Debug)]
pub struct Findings {
    limit: usize,
    missing: Mutex<BTreeMap<FileKey, Vec<u64>>>,
}

impl Findings {
    /// None yet.
    pub fn new(limit: usize) -> Self {
        Self { limit, missing: Mutex::default() }
    }

    /// The positions, in order.
    pub fn take(&self) -> BTreeMap<FileKey, Vec<u64>> {
        let mut missing = std::mem::take(&mut *self.missing.lock().unwrap_or_else(PoisonError::into_inner));
        for positions in missing.values_mut() {
            positions.sort_unstable();
            positions.dedup();
            positions.truncate(self.limit);
        }
        missing
    }

    fn add(&self, file: &FileKey, position: u64) {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        let positions = missing.entry(file.clone()).or_default();
        // batches end out of order: some more are kept than are wanted, so that the first ones are among them
        if positions.len() < self.limit.saturating_mul(4).saturating_add(10_000) {
            positions.push(position);
        }
    }
}

/// Looks for a batch's documents.
pub async fn look_for(sink: &Sink, mut wrangled: Wrangled, findings: &Findings) -> Result<Settled, Failure> {
    let settled = settled(&mut wrangled);
    let starts = wrangled.items.iter().map(|item| wrangled.body.get(item.body_at as usize..).unwrap_or_default());
    let addresses = starts.map(Address::of).collect::<Result<Vec<_>, _>>()?;
    for (item, found) in wrangled.items.iter().zip(provenance(sink, &addresses).await?) {
        let Some(segment) = wrangled.batch.segments.get(item.segment as usize).filter(|_| found.is_none()) else { continue };
        if let SegmentKind::Records(range) = &segment.kind {
            findings.add(&segment.file.manifest.file_key, segment.from.position + (item.record_at as usize - range.start) as u64);
        }
    }
    sink.blocks.put(wrangled.batch.block);
    sink.bodies.put(wrangled.body);
    Ok(settled)
}
