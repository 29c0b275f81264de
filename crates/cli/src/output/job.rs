//! Jobs, revisions and validations for people.

use api::{JobInfo, JobSummary, PutJob, PutOutcome, RevisionSummary, Validation};

use super::problem::{refusals, violations};
use super::table::{Column, Table};
use super::{Tone, View, human};

/// Characters of a digest that people compare.
const DIGEST_CHARS: usize = 12;

fn digest(digest: &str) -> String {
    digest.chars().take(DIGEST_CHARS).collect()
}

/// Jobs, one a line.
pub fn list(jobs: &[JobSummary], view: &View) -> String {
    let columns = [
        Column::Left("job"),
        Column::Right("revision"),
        Column::Left("digest"),
        Column::Left("made"),
        Column::Left("revised"),
    ];
    let mut table = Table::new(view, &columns);
    for job in jobs {
        table.row([
            format!("{}/{}", job.client, job.id),
            job.revision.to_string(),
            digest(&job.spec_digest),
            human::time(job.created_ms, view),
            human::time(job.updated_ms, view),
        ]);
    }
    table.render()
}

/// Revisions, one a line.
pub fn revisions(revisions: &[RevisionSummary], view: &View) -> String {
    let mut table = Table::new(
        view,
        &[
            Column::Right("revision"),
            Column::Left("digest"),
            Column::Left("made"),
        ],
    );
    for revision in revisions {
        table.row([
            revision.number.to_string(),
            digest(&revision.spec_digest),
            human::time(revision.created_ms, view),
        ]);
    }
    table.render()
}

/// What a put did, and where things go.
pub fn put(put: &PutJob, view: &View) -> String {
    let job = &put.job.summary;
    let did = match put.outcome {
        PutOutcome::Created => "made",
        PutOutcome::Revised => "revised",
        PutOutcome::Unchanged => "unchanged",
    };
    let pairs = [
        ("documents go to", put.job.index.clone()),
        ("files come from", put.job.staging_dir.clone()),
    ];
    let name = format!("{}/{}", job.client, job.id);
    format!(
        "{} {did}, revision {}\n{}",
        view.paint(Tone::Strong, name),
        job.revision,
        Table::pairs(view, &pairs)
    )
}

/// A job's spec as it was written, and how its trigger stands as comments above it.
pub fn with_outlook(job: &JobInfo, yaml: &str, view: &View) -> String {
    let Some(outlook) = &job.start else {
        return yaml.to_owned();
    };
    let mut lines = vec![format!("# waits for: {}", outlook.waiting)];
    lines.extend(
        outlook
            .next_start_ms
            .map(|at_ms| format!("# next start: {}", human::time(at_ms, view))),
    );
    lines.extend(outlook.decision.as_ref().map(|decision| {
        let at = human::time(decision.due_ms.unwrap_or(decision.at_ms), view);
        format!("# {at}: {}", decision.verdict)
    }));
    format!("{}\n{yaml}", lines.join("\n"))
}

/// What validation says.
pub fn validation(validation: &Validation, view: &View) -> String {
    if validation.valid {
        return view.paint(Tone::Good, "valid");
    }
    let lines = violations(&validation.violations, view)
        .into_iter()
        .chain(refusals(&validation.refusals));
    let lines: String = lines.map(|line| format!("\n  {line}")).collect();
    format!("{}{lines}", view.paint(Tone::Bad, "not valid"))
}
