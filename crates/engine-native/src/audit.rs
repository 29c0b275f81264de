//! The audit: which documents that should be there the core DMS does not hold. Runs the same pipeline over the claimed
//! files, but asks for the ids instead of writing documents.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use domain::error::Failure;
use domain::ids::FileKey;
use domain::reject::Reject;
use domain::worker::{RunFolder, WorkOrder};

use crate::batch::{Batch, Mark, SegmentKind};
use crate::budget::Budget;
use crate::control::Control;
use crate::files::read_log;
use crate::meter::Meter;
use crate::pool::Pool;
use crate::reader::{self, Reading, Shared};
use crate::sink::{self, Address, Pace, Sink};
use crate::worker::{compile, manifest};
use crate::wrangle::Wrangler;

/// Bytes of batches that are held at once.
const UNDER_WAY: usize = 16 << 20;

/// Prints what is missing of these files, as JSON: positions by file key, at most `limit` of each.
pub async fn print(
    folder: &RunFolder,
    order: &WorkOrder,
    files: &[String],
    limit: usize,
) -> Result<(), Failure> {
    let missing = missing(folder, order, files, limit).await?;
    let text = serde_json::to_string(&missing).map_err(|e| crate::worker_defect(&e.to_string()))?;
    println!("{text}");
    Ok(())
}

async fn missing(
    folder: &RunFolder,
    order: &WorkOrder,
    files: &[String],
    limit: usize,
) -> Result<BTreeMap<FileKey, Vec<u64>>, Failure> {
    let program = Arc::new(compile(order)?);
    let max_record = usize::try_from(order.spec.format.max_record.0)
        .unwrap_or(usize::MAX)
        .min(UNDER_WAY / 4);
    let mut wrangler = Wrangler::new(Arc::clone(&program), order.spec.format.clone(), max_record);
    let refused = refused_by_the_core_dms(folder)?;
    let shared = Shared {
        control: Arc::default(),
        meter: Arc::default(),
        budget: Arc::new(Budget::new(UNDER_WAY)),
        blocks: Arc::new(Pool::new(4)),
    };
    let asking = asking(order, &shared.control, &shared.meter)?;
    let wanted: BTreeSet<&str> = files.iter().map(String::as_str).collect();
    let mut files = manifest(folder)?;
    if !program.is_ordered() {
        files.retain(|file| wanted.contains(file.file_key.as_str()));
    }
    let reading = Reading {
        files,
        from: Mark::START,
        claimed: folder.claimed(),
        format: order.spec.format.clone(),
        max_record,
        program,
        cpu_millis: order.cpu_millis,
    };
    let batches = read(reading, shared.clone());
    let mut missing: BTreeMap<FileKey, Vec<u64>> = BTreeMap::new();
    for batch in batches {
        let cost = batch.cost;
        let wrangled = wrangler.wrangle(batch, Vec::new());
        let addresses = wrangled
            .items
            .iter()
            .map(|item| {
                Address::of(
                    wrangled
                        .body
                        .get(item.body_at as usize..)
                        .unwrap_or_default(),
                )
            })
            .collect::<Result<Vec<_>, _>>()?;
        let found = sink::provenance(&asking, &addresses).await?;
        for (item, _) in wrangled
            .items
            .iter()
            .zip(found)
            .filter(|(_, found)| found.is_none())
        {
            let Some(segment) = wrangled.batch.segments.get(item.segment as usize) else {
                continue;
            };
            let SegmentKind::Records(range) = &segment.kind else {
                continue;
            };
            let position = segment.from.position + (item.record_at as usize - range.start) as u64;
            let key = &segment.file.manifest.file_key;
            // the other files were read for what filters remember of them
            if !wanted.contains(key.as_str()) {
                continue;
            }
            let positions = missing.entry(key.clone()).or_default();
            if positions.len() < limit
                && !refused.contains(&(key.to_string(), position, item.ordinal))
            {
                positions.push(position);
            }
        }
        shared.budget.give_back(cost);
    }
    Ok(missing)
}

fn read(reading: Reading, shared: Shared) -> Receiver<Batch> {
    let (batches, read) = channel();
    thread::spawn(move || reader::read(reading, shared, batches));
    read
}

/// A sink that is only asked.
fn asking(order: &WorkOrder, control: &Arc<Control>, meter: &Arc<Meter>) -> Result<Sink, Failure> {
    let (client, gzip) = sink::connect(&order.dms, 1)?;
    Ok(Sink {
        client,
        gzip,
        run: order.run.to_string(),
        pace: Pace::new(1, Arc::clone(meter)),
        control: Arc::clone(control),
        meter: Arc::clone(meter),
        blocks: Arc::new(Pool::new(0)),
        bodies: Arc::new(Pool::new(0)),
    })
}

/// Documents that the core DMS itself refused, by file, position and ordinal: they are not missing.
fn refused_by_the_core_dms(folder: &RunFolder) -> Result<BTreeSet<(String, u64, u32)>, Failure> {
    let mut refused = BTreeSet::new();
    read_log(&folder.rejects(), u64::MAX, |reject: Reject| {
        refused.insert((reject.file_key.to_string(), reject.position, reject.ordinal));
    })?;
    Ok(refused)
}
