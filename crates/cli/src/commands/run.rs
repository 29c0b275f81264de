//! `ingest run`.

use api::client::LogPart;
use api::{Client, NewUndo, Page, PageQuery, RunInfo};
use domain::ids::{JobRef, RunId};
use domain::run::RunState;
use domain::worker::RunFolder;

use super::Context;
use crate::args::{RejectsArgs, RunCommand, UndoArgs};
use crate::connect::Role;
use crate::error::CliError;
use crate::exit::Exit;
use crate::names::RunName;
use crate::output::run::{self, Findings};
use crate::watch::{Watched, watch};

/// Files shown beside a run, at most.
const MAX_FILES: u32 = 10;

pub(super) async fn run(context: &Context, command: RunCommand) -> Result<Exit, CliError> {
    match command {
        RunCommand::Start {
            job,
            wait,
            idempotency_key,
        } => start(context, &job, wait, idempotency_key.as_deref()).await,
        RunCommand::List { job, page } => {
            let api = context.client(Role::Client(&job.client))?;
            let now = context.now_ms();
            let text = |runs: &[RunInfo], view: &_| run::list(runs, now, view);
            context
                .list(&page, async |query| api.runs(&job, &query).await, text)
                .await
        }
        RunCommand::Show { run } => {
            let (api, id) = find(context, &run).await?;
            let info = api.run(&run.job, &id).await?;
            show(context, &api, &info).await
        }
        RunCommand::Watch { run } => {
            let (_, id) = find(context, &run).await?;
            wait_for(context, &run.job, &id).await
        }
        RunCommand::Pause { run } => {
            let (api, id) = find(context, &run).await?;
            steered(context, &api.pause(&run.job, &id).await?, "is to hold")
        }
        RunCommand::Resume { run } => {
            let (api, id) = find(context, &run).await?;
            steered(context, &api.resume(&run.job, &id).await?, "is to go on")
        }
        RunCommand::Cancel { run } => {
            let (api, id) = find(context, &run).await?;
            steered(context, &api.cancel(&run.job, &id).await?, "is called off")
        }
        RunCommand::Replay { run, wait } => {
            let (api, id) = find(context, &run).await?;
            let info = api.replay(&run.job, &id).await?;
            started(context, &run.job, &info, wait).await
        }
        RunCommand::Undo(arguments) => undo(context, arguments).await,
        RunCommand::Files { run, page } => {
            let (api, id) = find(context, &run).await?;
            context
                .list(
                    &page,
                    async |query| api.files(&run.job, &id, &query).await,
                    run::files,
                )
                .await
        }
        RunCommand::Rejects(arguments) => rejects(context, arguments).await,
        RunCommand::Report { run, html } => report(context, &run, html).await,
        RunCommand::Logs { run, tail } => {
            let (api, id) = find(context, &run).await?;
            let log = api.logs(&run.job, &id, LogPart::Tail(tail)).await?;
            if context.out.is_json() {
                context.out.json(&log)?
            } else {
                context.out.text(&log)?
            }
            Ok(Exit::Ok)
        }
        RunCommand::Series { run, points } => {
            let (api, id) = find(context, &run).await?;
            let page = Page {
                items: api.series(&run.job, &id, points).await?,
                next: None,
            };
            context
                .out
                .show(&page, |view| run::series(&page.items, view))?;
            Ok(Exit::Ok)
        }
    }
}

/// A client for the run that is meant, and its id.
async fn find(context: &Context, name: &RunName) -> Result<(Client, RunId), CliError> {
    let api = context.client(Role::Client(&name.job.client))?;
    let id = context.run_id(&api, name).await?;
    Ok((api, id))
}

async fn start(
    context: &Context,
    job: &JobRef,
    wait: bool,
    key: Option<&str>,
) -> Result<Exit, CliError> {
    let api = context.client(Role::Client(&job.client))?;
    let info = match key {
        Some(key) => api.start_once(job, key).await?,
        None => api.start(job).await?,
    };
    started(context, job, &info, wait).await
}

async fn started(
    context: &Context,
    job: &JobRef,
    info: &RunInfo,
    wait: bool,
) -> Result<Exit, CliError> {
    let name = format!("{job}/{}", info.id);
    if wait {
        context.out.note(format!("started {name}"));
        return wait_for(context, job, &info.id).await;
    }
    context.out.show(info, |_| {
        format!("started {name}\nwatch it: ingest run watch {name}")
    })?;
    Ok(Exit::Ok)
}

/// Watches a run to its end and says how it ended.
async fn wait_for(context: &Context, job: &JobRef, id: &RunId) -> Result<Exit, CliError> {
    match watch(context, job, id).await? {
        Watched::Ended(info) => {
            let api = context.client(Role::Client(&job.client))?;
            show(context, &api, &info).await?;
            Ok(Exit::of_run(info.state))
        }
        Watched::Interrupted => {
            context.out.note(format!(
                "the run goes on; look again with: ingest run watch {job}/{id}"
            ));
            Ok(Exit::Interrupted)
        }
    }
}

async fn show(context: &Context, api: &Client, info: &RunInfo) -> Result<Exit, CliError> {
    if context.out.is_json() {
        context.out.json(info)?;
    } else {
        let findings = findings(context, api, info).await;
        let now = context.now_ms();
        context
            .out
            .text(&run::show(info, &findings, now, &context.out.view))?;
    }
    Ok(Exit::Ok)
}

/// What is known of a run besides itself. It is shown beside the run, so a question without an answer is only a remark.
async fn findings(context: &Context, api: &Client, info: &RunInfo) -> Findings {
    let job = JobRef {
        client: info.client.clone(),
        job: info.job.clone(),
    };
    let mut findings = Findings::default();
    // the states that are only reached by proof need no report to be believed
    let unclear = matches!(info.state, RunState::Failed | RunState::Cancelled);
    if info.ended && (unclear || info.ledger.duplicate > 0) {
        match api.report(&job, &info.id).await {
            Ok(report) => {
                findings.proven = Some(report.proven);
                findings.duplicates = report.duplicates;
            }
            Err(e) => context
                .out
                .note(format!("the report could not be had: {e}")),
        }
    }
    if info.files_total > 0 {
        match api
            .files(&job, &info.id, &PageQuery::first(MAX_FILES))
            .await
        {
            Ok(page) => findings.files = page.items,
            Err(e) => context.out.note(format!("the files could not be had: {e}")),
        }
    }
    if info.ledger.rejected > 0 {
        match api.reject_causes(&job, &info.id, 1).await {
            Ok(causes) => findings.causes = causes,
            Err(e) => context
                .out
                .note(format!("the rejects could not be had: {e}")),
        }
    }
    findings.report = info.ended.then(|| report_place(context, info));
    findings
}

/// Where a run's report is: the page itself where it is on this machine, else how to get it.
fn report_place(context: &Context, info: &RunInfo) -> String {
    let RunInfo {
        client, job, id, ..
    } = info;
    let home = context.sources.home_of(&context.sources.server());
    let page = home.map(|home| RunFolder::of(&home.clientapps(), client, job, id).report_html());
    match page.filter(|page| page.is_file()) {
        Some(page) => page.display().to_string(),
        None => format!("ingest run report {client}/{job}/{id} --html > report.html"),
    }
}

fn steered(context: &Context, info: &RunInfo, what: &str) -> Result<Exit, CliError> {
    let text = format!(
        "{}/{}/{} {what} (now: {})",
        info.client,
        info.job,
        info.id,
        info.state.name().replace('_', " ")
    );
    context.out.show(info, |_| text)?;
    Ok(Exit::Ok)
}

async fn undo(context: &Context, arguments: UndoArgs) -> Result<Exit, CliError> {
    let UndoArgs {
        run,
        file,
        restage,
        dry_run,
        wait,
    } = arguments;
    let (api, id) = find(context, &run).await?;
    if dry_run {
        let preview = api.preview_undo(&run.job, &id, file.as_deref()).await?;
        context
            .out
            .show(&preview, |view| run::undo_preview(&preview, view))?;
        return Ok(Exit::Ok);
    }
    let info = api.undo(&run.job, &id, &NewUndo { file, restage }).await?;
    if !wait {
        return steered(context, &info, "is to be undone");
    }
    match watch(context, &run.job, &id).await? {
        Watched::Ended(info) => {
            show(context, &api, &info).await?;
            let failed = info.undos.last().is_some_and(|undo| undo.failure.is_some());
            Ok(if failed { Exit::RunFailed } else { Exit::Ok })
        }
        Watched::Interrupted => Ok(Exit::Interrupted),
    }
}

async fn rejects(context: &Context, arguments: RejectsArgs) -> Result<Exit, CliError> {
    let RejectsArgs {
        run,
        causes,
        samples,
        page,
    } = arguments;
    let (api, id) = find(context, &run).await?;
    if !causes {
        return context
            .list(
                &page,
                async |query| api.rejects(&run.job, &id, &query).await,
                run::rejects,
            )
            .await;
    }
    let page = Page {
        items: api.reject_causes(&run.job, &id, samples).await?,
        next: None,
    };
    context.out.show(&page, |view| {
        if page.items.is_empty() {
            "none".into()
        } else {
            run::causes(&page.items, view)
        }
    })?;
    Ok(Exit::Ok)
}

async fn report(context: &Context, name: &RunName, html: bool) -> Result<Exit, CliError> {
    let (api, id) = find(context, name).await?;
    if html {
        context.out.text(&api.report_html(&name.job, &id).await?)?;
        return Ok(Exit::Ok);
    }
    let report = api.report(&name.job, &id).await?;
    context
        .out
        .show(&report, |view| run::report(&report, view))?;
    Ok(Exit::Ok)
}
