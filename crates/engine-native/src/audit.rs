//! The audit of a run that is suspect: carries the claimed files through the same pipeline once more, and asks the core DMS
//! which of the documents it does not hold.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;

use domain::error::Failure;
use domain::file::{FileProgress, ManifestFile};
use domain::ids::FileKey;
use domain::reject::Reject;
use domain::worker::RunFolder;
use serde::{Deserialize, Serialize};

use crate::batch::{Mark, Settled};
use crate::budget::Budget;
use crate::checkpoint::Checkpoint;
use crate::control::Ending;
use crate::files::{finished_files, read_json, read_log, write_json};
use crate::live::Live;
use crate::sink::{Findings, Task};
use crate::worker::{Plan, flow, read_manifest, read_order};

/// What is asked: `audit-request.json` in the run folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRequest {
    /// Which files.
    pub files: Vec<FileKey>,
    /// At most so many positions a file.
    pub limit: usize,
}

/// What is answered: `audit.json` in the run folder.
pub type AuditAnswer = Result<BTreeMap<FileKey, Vec<u64>>, Failure>;

/// Where the request lies.
pub fn request_path(folder: &RunFolder) -> PathBuf {
    folder.path().join("audit-request.json")
}

/// Where the answer lies.
pub fn answer_path(folder: &RunFolder) -> PathBuf {
    folder.path().join("audit.json")
}

/// Audits as the request says, and leaves the answer in the folder.
pub fn run(folder: &RunFolder) -> Result<(), Failure> {
    let answer: AuditAnswer = audit(folder);
    write_json(&answer_path(folder), &answer)
}

fn audit(folder: &RunFolder) -> AuditAnswer {
    let Some(request) = read_json::<AuditRequest>(&request_path(folder))? else { return Ok(BTreeMap::new()) };
    let order = read_order(folder)?;
    let ends = low_water(folder)?;
    let wanted: BTreeSet<&FileKey> = request.files.iter().collect();
    let begun = |file: &ManifestFile| wanted.contains(&file.file_key) && ends.contains_key(&file.index);
    let files: Vec<ManifestFile> = read_manifest(folder)?.into_iter().filter(begun).collect();
    let refused = rejected(folder, &wanted)?;
    let findings = Arc::new(Findings::new(request.limit.saturating_add(refused.len())));
    let indexes: BTreeMap<FileKey, u32> = files.iter().map(|file| (file.file_key.clone(), file.index)).collect();
    let live = Arc::new(Live::new(order.run.clone(), 0, 0, 0));
    let plan = Plan { order: &order, folder, files, from: Mark::START, task: Task::LookFor(Arc::clone(&findings)) };
    let budget = Arc::new(Budget::new(plan.sizes().under_way));
    let (settle, settled) = mpsc::channel::<Settled>();
    thread::scope(|scope| {
        scope.spawn(|| {
            for batch in settled {
                budget.give_back(batch.cost);
                live.contacted();
            }
        });
        flow(plan, &live, &budget, settle)
    })?;
    if let Some(Ending::Failed(failure)) = live.control.ending() {
        return Err(failure);
    }
    let mut missing = findings.take();
    for (file, positions) in &mut missing {
        let end = indexes.get(file).and_then(|index| ends.get(index)).copied().flatten();
        positions.retain(|position| end.is_none_or(|end| *position < end) && !refused.contains(&(file.clone(), *position)));
        positions.truncate(request.limit);
    }
    missing.retain(|_, positions| !positions.is_empty());
    Ok(missing)
}

/// The files that were begun, by their place in the manifest; with the low-water position of the one that is not finished.
fn low_water(folder: &RunFolder) -> Result<BTreeMap<u32, Option<u64>>, Failure> {
    let checkpoint = Checkpoint::load(folder)?;
    let mut ends = BTreeMap::new();
    read_log(&finished_files(folder), checkpoint.files_bytes, |file: FileProgress| drop(ends.insert(file.index, None)))?;
    ends.extend(checkpoint.open.map(|open| (open.index, Some(open.position))));
    Ok(ends)
}

/// Positions that were rejected, so that nobody expects documents of them.
fn rejected(folder: &RunFolder, wanted: &BTreeSet<&FileKey>) -> Result<BTreeSet<(FileKey, u64)>, Failure> {
    let checkpoint = Checkpoint::load(folder)?;
    let mut refused = BTreeSet::new();
    read_log(&folder.rejects(), checkpoint.rejects_bytes, |reject: Reject| {
        if wanted.contains(&reject.file_key) {
            refused.insert((reject.file_key, reject.position));
        }
    })?;
    Ok(refused)
}
