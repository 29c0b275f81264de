//! Runs for people: one a line, one in full, and as it goes.

mod live;
mod parts;
mod report;
mod undo;

use api::RunInfo;
use domain::client::Waiting;
use domain::error::Failure;
use domain::file::FileRecord;
use domain::reject::RejectCause;
use domain::report::DuplicatesOf;
use domain::run::{Desired, RunState};
use domain::worker::Stage;

use super::table::{Column, Table};
use super::{Tone, View, human, ledger};

pub use live::live;
pub use parts::{causes, files, rejects, series};
pub use report::report;
pub use undo::preview as undo_preview;

/// Rejects by cause shown beside a run, at most.
const MAX_CAUSES: usize = 5;

/// What is known of a run besides itself.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// Whether its report says that it is proven, where it was asked for.
    pub proven: Option<bool>,
    /// Whose its duplicates are.
    pub duplicates: Vec<DuplicatesOf>,
    /// Its first files.
    pub files: Vec<FileRecord>,
    /// Its rejects by cause, the commonest first.
    pub causes: Vec<RejectCause>,
    /// Where its report is.
    pub report: Option<String>,
}

/// A state's tone.
fn tone(state: RunState) -> Tone {
    match state {
        RunState::Completed => Tone::Good,
        RunState::CompletedWithRejects
        | RunState::Paused
        | RunState::Cancelled
        | RunState::Undone => Tone::Warning,
        RunState::Failed | RunState::Suspect => Tone::Bad,
        RunState::Queued
        | RunState::Claiming
        | RunState::Starting
        | RunState::Running
        | RunState::Draining
        | RunState::Verifying
        | RunState::TearingDown
        | RunState::Undoing => Tone::Strong,
    }
}

/// A state in words.
fn words(state: RunState) -> String {
    state.name().replace('_', " ")
}

/// A stage in a word.
fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Read => "reading",
        Stage::Wrangle => "wrangling",
        Stage::Send => "sending",
    }
}

/// Why a run waits.
fn waiting(waiting: &Waiting) -> String {
    match waiting {
        Waiting::JobBusy { run } => format!("run {run} of the same job is under way"),
        Waiting::SlotsUsed { limit } => {
            format!(
                "the client's {} under way are used up",
                human::counted((*limit).into(), "run")
            )
        }
        Waiting::HostBusy { limit } => {
            format!(
                "this machine's {} under way are used up",
                human::counted((*limit).into(), "run")
            )
        }
        Waiting::Held => "it is held".into(),
    }
}

/// Runs, one a line.
pub fn list(runs: &[RunInfo], now_ms: i64, view: &View) -> String {
    let columns = [
        Column::Left("run"),
        Column::Left("state"),
        Column::Right("files"),
        Column::Right("read"),
        Column::Right("created"),
        Column::Right("rejected"),
        Column::Left("started"),
        Column::Right("took"),
    ];
    let mut table = Table::new(view, &columns);
    for run in runs {
        let cells = [
            run.id.to_string(),
            words(run.state),
            human::count(run.files_total.into()),
            human::count(run.ledger.read),
            human::count(run.ledger.created),
            human::count(run.ledger.rejected),
            human::time(run.created_ms, view),
            human::between(run.created_ms, run.finished_ms.unwrap_or(now_ms)),
        ];
        table.row_with_tone(cells, 1, tone(run.state));
    }
    table.render()
}

/// One run: what it is, where it is, its ledger, and what stands in its way.
pub fn show(run: &RunInfo, findings: &Findings, now_ms: i64, view: &View) -> String {
    let mut lines = vec![facts(run, now_ms, view), String::new()];
    lines.extend(verdict(run, findings, view));
    lines.extend(first_files(run, &findings.files, view));
    lines.extend(rejects_by_cause(run, &findings.causes, view));
    if let Some(report) = &findings.report {
        lines.extend([String::new(), format!("report: {report}")]);
    }
    lines.join("\n")
}

fn facts(run: &RunInfo, now_ms: i64, view: &View) -> String {
    let mut pairs = vec![
        ("run", name(run)),
        ("state", state(run, view)),
        ("revision", run.revision.to_string()),
        ("started", human::time(run.created_ms, view)),
        ("started by", run.started_by.name().to_owned()),
    ];
    let took = human::between(run.created_ms, run.finished_ms.unwrap_or(now_ms));
    pairs.push((if run.ended { "took" } else { "for" }, took));
    pairs.push((
        "files",
        format!(
            "{}, {}",
            human::counted(run.files_total.into(), "file"),
            human::bytes(run.bytes_total)
        ),
    ));
    if run.attempts > 1 {
        pairs.push(("workers", format!("{} launched", run.attempts)));
    }
    if let Some(replay) = &run.replay_of {
        pairs.push(("replay of", replay.run.to_string()));
    }
    if !run.replayed_by.is_empty() {
        let replays: Vec<&str> = run.replayed_by.iter().map(|run| run.as_str()).collect();
        pairs.push(("replayed by", replays.join(", ")));
    }
    if !run.indices.is_empty() {
        pairs.push(("indices", run.indices.join(", ")));
    }
    Table::pairs(view, &pairs)
}

/// The state, with what its client wants if that is something else.
fn state(run: &RunInfo, view: &View) -> String {
    let state = view.paint(tone(run.state), words(run.state));
    match run.desired {
        Desired::Pause if !run.ended && run.state != RunState::Paused => {
            format!("{state}, to be paused")
        }
        Desired::Cancel if !run.ended => format!("{state}, to be cancelled"),
        Desired::Run | Desired::Pause | Desired::Cancel => state,
    }
}

/// How a run stands or ended: the ledger, whether it is confirmed, and what is wrong.
fn verdict(run: &RunInfo, findings: &Findings, view: &View) -> Vec<String> {
    let mut lines = vec![
        ledger::equation(&run.ledger, view),
        ledger::confirmation(run.state, &run.ledger, findings.proven, view),
    ];
    if let Some(reason) = &run.waiting {
        lines.push(format!("waits: {}", waiting(reason)));
    }
    if let Some(stall) = run.stalled.as_ref().filter(|_| !run.ended) {
        let text = format!("stalled while {}: {}", stage(stall.stage), stall.reason);
        lines.push(view.paint(Tone::Warning, text));
    }
    if let Some(loss) = run.last_loss.as_ref().filter(|_| !run.ended) {
        lines.push(format!("the newest worker was lost: {}", loss.message));
    }
    if let Some(failure) = run.outcome.as_ref().and_then(|outcome| outcome.failure()) {
        lines.extend(why(failure, view));
    }
    lines.extend(report::duplicates(&findings.duplicates));
    lines.extend(undo::since(&run.undos, &run.proof_void_by, view));
    lines
}

fn why(failure: &Failure, view: &View) -> [String; 2] {
    let code = view.paint(Tone::Faint, format!("({})", failure.code));
    [
        format!(
            "{} {} {code}",
            view.paint(Tone::Bad, "why:"),
            failure.message
        ),
        format!(
            "{} {}",
            view.paint(Tone::Strong, "next:"),
            failure.next_step
        ),
    ]
}

/// The first files with their ledgers.
fn first_files(run: &RunInfo, files: &[FileRecord], view: &View) -> Vec<String> {
    let more = u64::from(run.files_total).saturating_sub(files.len() as u64);
    let all = || {
        format!(
            "{} more: ingest run files {}",
            human::count(more),
            name(run)
        )
    };
    let mut lines = Vec::new();
    if !files.is_empty() {
        lines.extend([String::new(), parts::files(files, view)]);
        lines.extend((more > 0).then(all));
    }
    lines
}

fn rejects_by_cause(run: &RunInfo, causes: &[RejectCause], view: &View) -> Vec<String> {
    if causes.is_empty() {
        return Vec::new();
    }
    let shown = &causes[..causes.len().min(MAX_CAUSES)];
    vec![
        String::new(),
        "rejects by cause:".into(),
        parts::causes(shown, view),
        format!("all of them: ingest run rejects {}", name(run)),
    ]
}

/// A run's full name.
fn name(run: &RunInfo) -> String {
    format!("{}/{}/{}", run.client, run.job, run.id)
}

#[cfg(test)]
pub(crate) mod tests;
