//! A run's report: how it ended, file by file, with its rejects and its way.

use domain::file::{FileRecord, ManifestFile};
use domain::report::{DuplicatesOf, Report, ReportFile};

use super::parts::{causes, files};
use super::undo::since;
use super::{tone, why, words};
use crate::output::table::{Column, Table};
use crate::output::{View, human, ledger};

/// The whole report but for its series.
pub fn report(report: &Report, view: &View) -> String {
    let mut sections = vec![facts(report, view), verdict(report, view)];
    let records: Vec<FileRecord> = report
        .files
        .iter()
        .map(|file| record(report, file))
        .collect();
    if !records.is_empty() {
        sections.push(files(&records, view));
    }
    sections.extend(report.files.iter().filter_map(missing));
    if !report.rejects.is_empty() {
        sections.push(causes(&report.rejects, view));
    }
    sections.push(history(report, view));
    sections.join("\n\n")
}

fn facts(report: &Report, view: &View) -> String {
    let mut pairs = vec![
        (
            "run",
            format!("{}/{}/{}", report.client, report.job, report.run),
        ),
        ("state", view.paint(tone(report.state), words(report.state))),
        ("revision", report.revision.to_string()),
        ("started", human::time(report.created_ms, view)),
        (
            "took",
            human::between(report.created_ms, report.finished_ms),
        ),
        ("core dms", report.dms.clone()),
        ("indices", report.indices.join(", ")),
    ];
    if let Some(limits_by) = &report.limits_by {
        pairs.push(("limits by", limits_by.clone()));
    }
    Table::pairs(view, &pairs)
}

fn verdict(report: &Report, view: &View) -> String {
    let mut lines = vec![
        ledger::equation(&report.ledger, view),
        ledger::confirmation(report.state, &report.ledger, Some(report.proven), view),
    ];
    if let Some(failure) = report.outcome.failure() {
        lines.extend(why(failure, view));
    }
    lines.extend(duplicates(&report.duplicates));
    lines.extend(since(&report.undos, &report.proof_void_by, view));
    lines.join("\n")
}

/// Whose the duplicates are, one line for each run.
pub(super) fn duplicates(duplicates: &[DuplicatesOf]) -> Vec<String> {
    let line = |of: &DuplicatesOf| {
        let revision = of
            .revision
            .map(|number| format!(" (revision {number})"))
            .unwrap_or_default();
        format!(
            "{} were there already, written by run {}{revision}",
            human::count(of.count),
            of.run
        )
    };
    duplicates.iter().map(line).collect()
}

/// A report's file as a run's.
fn record(report: &Report, file: &ReportFile) -> FileRecord {
    let manifest = ManifestFile {
        index: 0,
        name: file.name.clone(),
        bytes: file.bytes,
        sha256: file.sha256.clone(),
        compression: domain::file::Compression::None,
        file_key: file.file_key.clone(),
        claimed_as: String::new(),
        terms: Default::default(),
    };
    FileRecord {
        state: file.state.clone(),
        ledger: file.ledger,
        counted: file.counted,
        ..FileRecord::claimed(report.run.clone(), manifest)
    }
}

/// Where the records are that the core DMS does not hold.
fn missing(file: &ReportFile) -> Option<String> {
    let positions: Vec<String> = file.missing_positions.iter().map(u64::to_string).collect();
    (!positions.is_empty()).then(|| {
        format!(
            "{}: missing from the core DMS are the records at byte {}",
            file.name,
            positions.join(", ")
        )
    })
}

fn history(report: &Report, view: &View) -> String {
    let mut table = Table::new(
        view,
        &[
            Column::Left("time"),
            Column::Left("state"),
            Column::Left("because"),
        ],
    );
    for step in &report.history {
        table.row([
            human::time(step.at_ms, view),
            words(step.to),
            step.event.clone(),
        ]);
    }
    table.render()
}
