//! The audit: which documents that should be there the core DMS does not hold. Runs the same pipeline over the claimed
//! files, but asks for the ids instead of writing documents.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::error::Failure;
use domain::ids::FileKey;
use domain::reject::Reject;
use domain::worker::{RunFolder, WorkOrder};

use crate::files::read_log;
use crate::lookup::{Address, Lookup};
use crate::pass::Pass;
use crate::worker::{compile, manifest};

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
    let refused = refused_by_the_core_dms(folder)?;
    let lookup = Lookup::new(order)?;
    let wanted: BTreeSet<&str> = files.iter().map(String::as_str).collect();
    let mut files = manifest(folder)?;
    if !program.is_ordered() {
        files.retain(|file| wanted.contains(file.file_key.as_str()));
    }
    let mut pass = Pass::over(files, folder, order, program, Arc::default());
    let mut missing: BTreeMap<FileKey, Vec<u64>> = BTreeMap::new();
    while let Some(wrangled) = pass.next() {
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
        let found = lookup.provenance(&addresses).await?;
        for (item, _) in wrangled
            .items
            .iter()
            .zip(found)
            .filter(|(_, found)| found.is_none())
        {
            let Some(segment) = wrangled.batch.segments.get(item.segment as usize) else {
                continue;
            };
            let Some(position) = segment.position(item) else {
                continue;
            };
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
        pass.done(wrangled);
    }
    Ok(missing)
}

/// Documents that the core DMS itself refused, by file, position and ordinal: they are not missing.
fn refused_by_the_core_dms(folder: &RunFolder) -> Result<BTreeSet<(String, u64, u32)>, Failure> {
    let mut refused = BTreeSet::new();
    read_log(&folder.rejects(), u64::MAX, |reject: Reject| {
        refused.insert((reject.file_key.to_string(), reject.position, reject.ordinal));
        Ok(())
    })?;
    Ok(refused)
}
