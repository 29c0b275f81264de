//! `report.html`: what the template shows, made from a report.

use domain::ledger::Ledger;
use domain::reject::RejectCause;
use domain::report::{DuplicatesOf, Report, ReportFile};
use domain::run::{Outcome, RunState};
use handlebars::Handlebars;
use serde::Serialize;

use super::{chart, words};

/// Files with a row of their own.
const MAX_FILES: usize = 1000;

/// Missing positions that are shown of one file; `report.json` has more.
const MAX_POSITIONS: usize = 20;

/// As much of a rejected record is shown.
const MAX_RAW_CHARS: usize = 400;

/// The page could not be rendered: a defect of the template.
#[derive(Debug, thiserror::Error)]
#[error("the report's page cannot be rendered: {0}")]
pub struct PageError(#[from] Box<handlebars::RenderError>);

/// The page of a report: self-contained, without scripts, every text from outside escaped.
pub fn html(report: &Report) -> Result<String, PageError> {
    let mut templates = Handlebars::new();
    templates.set_strict_mode(true);
    templates
        .render_template(include_str!("report.hbs"), &Page::of(report))
        .map_err(|e| PageError(Box::new(e)))
}

#[derive(Serialize)]
struct Page {
    title: String,
    tone: &'static str,
    state: &'static str,
    headline: String,
    next_step: Option<String>,
    facts: Vec<Fact>,
    sums: Sums,
    balanced: bool,
    incoming: String,
    accounted: String,
    count: Count,
    chart: Option<String>,
    throughput: Option<String>,
    files: Vec<FileRow>,
    files_total: String,
    further: Option<Further>,
    totals: Sums,
    has_duplicates: bool,
    owners: Vec<OwnerRow>,
    /// What was undone since, and what relied on it.
    since: Vec<String>,
    causes: Vec<CauseRow>,
    has_rejects: bool,
    steps: Vec<StepRow>,
    how: Vec<Fact>,
    made: String,
}

/// A name and a value.
#[derive(Serialize)]
struct Fact {
    name: &'static str,
    value: String,
}

fn fact(name: &'static str, value: impl Into<String>) -> Fact {
    Fact {
        name,
        value: value.into(),
    }
}

/// A ledger in words.
#[derive(Serialize)]
struct Sums {
    read: String,
    added: String,
    filtered: String,
    rejected: String,
    created: String,
    duplicate: String,
}

impl Sums {
    fn of(ledger: &Ledger) -> Self {
        Self {
            read: words::number(ledger.read),
            added: words::number(ledger.added),
            filtered: words::number(ledger.filtered),
            rejected: words::number(ledger.rejected),
            created: words::number(ledger.created),
            duplicate: words::number(ledger.duplicate),
        }
    }
}

/// The second equation: what the core DMS counts.
#[derive(Serialize)]
struct Count {
    asked: bool,
    equal: bool,
    counted: String,
    created: String,
    dms: String,
}

#[derive(Serialize)]
struct FileRow {
    name: String,
    size: String,
    /// What became of it, unless it was read to its end.
    state: Option<String>,
    sums: Sums,
    counted: String,
    proven: bool,
    missing: Option<String>,
    sha256: String,
}

/// The files without a row.
#[derive(Serialize)]
struct Further {
    count: String,
    sums: Sums,
    counted: String,
    unproven: u64,
}

#[derive(Serialize)]
struct CauseRow {
    count: String,
    code: String,
    step: String,
    field: Option<String>,
    message: String,
    place: String,
    record: String,
}

/// Whose some duplicates are.
#[derive(Serialize)]
struct OwnerRow {
    count: String,
    run: String,
    revision: Option<u32>,
}

impl OwnerRow {
    fn of(owner: &DuplicatesOf) -> Self {
        Self {
            count: words::number(owner.count),
            run: owner.run.clone(),
            revision: owner.revision,
        }
    }
}

#[derive(Serialize)]
struct StepRow {
    at: String,
    after: String,
    state: &'static str,
    event: String,
}

impl Page {
    fn of(report: &Report) -> Self {
        let ledger = &report.ledger;
        let mut files: Vec<&ReportFile> = report.files.iter().collect();
        if files.len() > MAX_FILES {
            // those that need a look come first, so that none of them goes without a row
            files.sort_by_key(|file| file.proven);
        }
        let rest = files.split_off(files.len().min(MAX_FILES));
        let begun_ms = report
            .history
            .iter()
            .find(|step| step.event == "launching")
            .map_or(report.created_ms, |step| step.at_ms);
        Self {
            title: format!("{}/{}", report.client, report.job),
            tone: tone(report.state),
            state: words::state(report.state),
            headline: words::visible(&words::headline(report), 2000),
            next_step: words::next_step(report),
            facts: facts(report),
            sums: Sums::of(ledger),
            balanced: ledger.balanced(),
            incoming: words::number(ledger.incoming()),
            accounted: words::number(ledger.accounted()),
            count: count(report),
            chart: chart::throughput(&report.series, begun_ms),
            throughput: throughput(report),
            files: files.into_iter().map(file_row).collect(),
            files_total: words::number(report.files.len() as u64),
            further: further(&rest),
            totals: Sums::of(ledger),
            has_duplicates: ledger.duplicate > 0,
            owners: report.duplicates.iter().map(OwnerRow::of).collect(),
            since: words::since(report),
            causes: report.rejects.iter().map(cause_row).collect(),
            has_rejects: !report.rejects.is_empty(),
            steps: steps(report),
            how: how(report),
            made: words::moment(report.finished_ms),
        }
    }
}

fn tone(state: RunState) -> &'static str {
    match state {
        RunState::Completed => "good",
        RunState::CompletedWithRejects | RunState::Cancelled | RunState::Undone => "mixed",
        RunState::Failed | RunState::Suspect => "bad",
        RunState::Queued
        | RunState::Claiming
        | RunState::Starting
        | RunState::Running
        | RunState::Paused
        | RunState::Draining
        | RunState::Verifying
        | RunState::TearingDown
        | RunState::Undoing => "mixed",
    }
}

fn facts(report: &Report) -> Vec<Fact> {
    let bytes = report.files.iter().map(|file| file.bytes).sum();
    let whole = u64::try_from(report.finished_ms - report.created_ms).unwrap_or(0);
    vec![
        fact("Files", words::number(report.files.len() as u64)),
        fact("Size", words::size(bytes)),
        fact("Records", words::number(report.ledger.read)),
        fact("From start to proof", words::duration(whole)),
    ]
}

fn throughput(report: &Report) -> Option<String> {
    let ms = report.running_for_ms.filter(|&ms| ms > 0)?;
    let peak = report
        .series
        .iter()
        .map(|sample| sample.records_per_s)
        .fold(0.0, f64::max);
    let mean = report.ledger.read as f64 * 1000.0 / ms as f64;
    Some(format!(
        "{} records a second on average over {}, {} at best.",
        words::number(mean.round() as u64),
        words::duration(ms),
        words::number(peak.max(mean).round() as u64)
    ))
}

fn count(report: &Report) -> Count {
    let counted: Option<u64> = report.files.iter().map(|file| file.counted).sum();
    Count {
        asked: counted.is_some(),
        equal: report.proven,
        counted: counted.map(words::number).unwrap_or_default(),
        created: words::number(report.ledger.created),
        dms: report.dms.clone(),
    }
}

fn counted(count: Option<u64>) -> String {
    count.map_or_else(|| "–".into(), words::number)
}

fn file_row(file: &ReportFile) -> FileRow {
    let missing = (!file.missing_positions.is_empty()).then(|| {
        let shown: Vec<_> = file
            .missing_positions
            .iter()
            .take(MAX_POSITIONS)
            .map(u64::to_string)
            .collect();
        let more = if file.missing_positions.len() > MAX_POSITIONS {
            ", … (more in report.json)"
        } else {
            ""
        };
        format!("{}{more}", shown.join(", "))
    });
    FileRow {
        name: words::visible(&file.name, 300),
        size: words::size(file.bytes),
        state: words::file_state(file).map(|state| words::visible(&state, 500)),
        sums: Sums::of(&file.ledger),
        counted: counted(file.counted),
        proven: file.proven,
        missing,
        sha256: file.sha256.clone(),
    }
}

fn further(rest: &[&ReportFile]) -> Option<Further> {
    let ledger: Ledger = rest.iter().map(|file| file.ledger).sum();
    (!rest.is_empty()).then(|| Further {
        count: words::number(rest.len() as u64),
        sums: Sums::of(&ledger),
        counted: counted(rest.iter().map(|file| file.counted).sum()),
        unproven: rest.iter().filter(|file| !file.proven).count() as u64,
    })
}

fn cause_row(cause: &RejectCause) -> CauseRow {
    let sample = &cause.sample;
    CauseRow {
        count: words::number(cause.count),
        code: cause.code.replace('_', " "),
        step: cause.step.clone(),
        field: cause
            .field
            .as_deref()
            .map(|field| words::visible(field, 200)),
        message: words::visible(&sample.message, 1000),
        place: format!(
            "{}, line {}, byte {}",
            words::visible(&sample.file, 300),
            words::number(sample.line),
            words::number(sample.position)
        ),
        record: words::visible(&sample.raw, MAX_RAW_CHARS),
    }
}

fn steps(report: &Report) -> Vec<StepRow> {
    let after = |at_ms: i64| words::duration(u64::try_from(at_ms - report.created_ms).unwrap_or(0));
    let row = |step: &domain::run::Transition| StepRow {
        at: words::moment(step.at_ms),
        after: after(step.at_ms),
        state: words::state(step.to),
        event: words::event(&step.event),
    };
    report.history.iter().map(row).collect()
}

fn how(report: &Report) -> Vec<Fact> {
    let indices = if report.indices.is_empty() {
        "none".into()
    } else {
        report.indices.join(", ")
    };
    let mut how = vec![
        fact("Run", report.run.as_str()),
        fact("Spec", format!("revision {}", report.revision)),
        fact("Digest", report.spec_digest.as_str()),
        fact("Written to", indices),
        fact("Core DMS", report.dms.as_str()),
        fact("Workers started", words::number(u64::from(report.attempts))),
    ];
    how.extend(
        report
            .started_by
            .as_ref()
            .map(|by| fact("Started by", by.name())),
    );
    how.extend(report.limits_by.as_deref().map(|by| fact("Limits by", by)));
    how.extend(
        report
            .claimed_ms
            .map(|at_ms| fact("Files taken", words::moment(at_ms))),
    );
    if let Outcome::Failed { failure } | Outcome::Suspect { failure } = &report.outcome {
        how.push(fact("Code", failure.code.as_str()));
    }
    how
}
