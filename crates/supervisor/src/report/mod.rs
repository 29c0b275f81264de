//! The report that a client gets of a run that has ended: `report.json`, and `report.html`, a page that needs nothing
//! but itself.

mod chart;
mod page;
mod words;

use std::collections::BTreeMap;
use std::io::{self, Write};

use domain::file::FileRecord;
use domain::ids::FileKey;
use domain::monitor::Sample;
use domain::reject::RejectCause;
use domain::report::{DuplicatesOf, Report, ReportFile};
use domain::run::{Outcome, Run};
use domain::worker::RunFolder;

use crate::folder::{read_json, write_atomic, write_json};

pub use page::{PageError, html};

/// What a report is made of.
pub(crate) struct Facts {
    /// The run as it is at its end.
    pub(crate) run: Run,
    /// Its files, in the manifest's order.
    pub(crate) files: Vec<FileRecord>,
    /// Positions of documents that should be there and are not.
    pub(crate) missing: BTreeMap<FileKey, Vec<u64>>,
    /// Whose the duplicates are.
    pub(crate) duplicates: Vec<DuplicatesOf>,
    /// The rejects by cause.
    pub(crate) causes: Vec<RejectCause>,
    /// The series, thinned out.
    pub(crate) series: Vec<Sample>,
    /// What the core DMS is.
    pub(crate) dms: String,
    /// How the worker's limits were enforced.
    pub(crate) limits_by: Option<String>,
}

/// Writes both forms. Blocking.
pub(crate) fn write(folder: &RunFolder, facts: Facts) -> io::Result<()> {
    write_both(folder, &build(facts))
}

fn write_both(folder: &RunFolder, report: &Report) -> io::Result<()> {
    write_json(&folder.report_json(), report)?;
    let page = html(report).map_err(io::Error::other)?;
    write_atomic(&folder.report_html(), |out| out.write_all(page.as_bytes()))
}

/// Has a report say what became of its run since it was written. One that is not there is not made. Blocking.
pub(crate) fn amend(folder: &RunFolder, run: &Run) -> io::Result<()> {
    let Some(mut report) = read_json::<Report>(&folder.report_json())? else {
        return Ok(());
    };
    report.state = run.state;
    report.undos.clone_from(&run.undos);
    report.proof_void_by.clone_from(&run.proof_void_by);
    report.proven &= holds(run);
    write_both(folder, &report)
}

/// Whether nothing was taken away that the proof of a run relies on.
fn holds(run: &Run) -> bool {
    run.undos.is_empty() && run.proof_void_by.is_empty()
}

fn build(facts: Facts) -> Report {
    let Facts {
        run,
        files,
        mut missing,
        duplicates,
        causes,
        series,
        dms,
        limits_by,
    } = facts;
    let finished_ms = run.finished_ms.unwrap_or(run.created_ms);
    let files: Vec<ReportFile> = files
        .into_iter()
        .map(|record| ReportFile {
            proven: record.proven(),
            missing_positions: missing.remove(&record.file.file_key).unwrap_or_default(),
            name: record.file.name,
            file_key: record.file.file_key,
            bytes: record.file.bytes,
            sha256: record.file.sha256,
            state: record.state,
            ledger: record.ledger,
            listed_records: record.file.terms.records,
            counted: record.counted,
        })
        .collect();
    Report {
        client: run.client,
        job: run.job,
        run: run.id,
        revision: run.revision,
        spec_digest: run.spec_digest,
        state: run.state,
        outcome: run.outcome.unwrap_or(Outcome::Cancelled),
        started_by: Some(run.started_by),
        created_ms: run.created_ms,
        claimed_ms: run.claimed_ms,
        finished_ms,
        running_for_ms: run
            .running_ms
            .and_then(|since| u64::try_from(finished_ms - since).ok()),
        attempts: run.attempt,
        ledger: files.iter().map(|file| file.ledger).sum(),
        proven: files.iter().all(|file| file.proven) && run.proof_void_by.is_empty(),
        dms,
        indices: run.indices,
        limits_by,
        files,
        duplicates,
        undos: run.undos,
        proof_void_by: run.proof_void_by,
        rejects: causes,
        series,
        history: run.history,
    }
}

#[cfg(test)]
mod tests;
