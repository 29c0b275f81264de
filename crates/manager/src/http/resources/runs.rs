//! `…/jobs/{job}/start`, `…/runs` and `…/runs/{run}`.

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::{Page, RunInfo};
use domain::file::FileRecord;
use domain::monitor::Sample;
use domain::run::{NewRun, Run};
use domain::store::keys;
use domain::worker::RunFolder;
use serde_json::json;

use super::super::call::{Call, json};
use super::super::fault::Fault;
use super::super::route::{Access, Route};
use super::{jobs, log, revisions};
use crate::ids;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::POST,
            "/v1/clients/{client}/jobs/{job}/start",
            Access::OwnClient,
            "start_run",
            "Ask for a run; it waits for its turn",
            |call| Box::pin(start(call)),
        )
        .gives::<RunInfo>(201),
        Route::new(
            Method::GET,
            "/v1/clients/{client}/jobs/{job}/runs",
            Access::OwnClient,
            "list_runs",
            "A job's runs, the newest first",
            |call| Box::pin(list(call)),
        )
        .paged()
        .gives::<Page<RunInfo>>(200),
        Route::new(
            Method::GET,
            "/v1/clients/{client}/jobs/{job}/runs/{run}",
            Access::OwnClient,
            "get_run",
            "A run",
            |call| Box::pin(get(call)),
        )
        .gives::<RunInfo>(200),
        Route::new(
            Method::GET,
            "/v1/clients/{client}/jobs/{job}/runs/{run}/files",
            Access::OwnClient,
            "list_run_files",
            "A run's files with their ledgers, in the manifest's order",
            |call| Box::pin(files(call)),
        )
        .paged()
        .gives::<Page<FileRecord>>(200),
    ]
}

/// A run of the job's newest revision, which may be asked for; not yet stored.
pub(super) async fn asked(call: &Call) -> Result<Run, Fault> {
    let (client, job) = (call.client().await?.value, call.job().await?.value);
    jobs::not_removing(&job)?;
    // the plan may have changed since the spec was put
    jobs::within(&client.plan, &job.spec)?;
    revisions::project(call, &job).await?;
    let new = NewRun {
        id: ids::run_id()?,
        job: job.job_ref(),
        revision: job.revision,
        spec_digest: job.spec_digest,
        engine: job.spec.engine,
        started_by: call.who.actor(),
    };
    Ok(Run::queued(new, call.now_ms))
}

async fn start(call: Call) -> Result<HttpResponse, Fault> {
    let run = asked(&call).await?;
    let target = format!("{}/{}", run.job_ref(), run.id);
    let audit = call.audit(
        "run.start",
        target,
        Some(&run.client),
        json!({ "revision": run.revision }),
    );
    call.app.metadata.create(&run, Some(audit)).await?;
    call.app.supervisor.poke(&run.id);
    json(201, &RunInfo::new(run, None))
}

async fn list(call: Call) -> Result<HttpResponse, Fault> {
    let job = call.job().await?.value;
    let mut query = call.page_of(keys::job(&job.client, &job.id))?;
    query.descending = true;
    let page = call.app.metadata.list::<Run>(&query).await?;
    let items: Vec<_> = page
        .items
        .into_iter()
        .map(|run| RunInfo::new(run.value, None))
        .collect();
    json(
        200,
        &Page {
            items,
            next: page.next,
        },
    )
}

async fn get(call: Call) -> Result<HttpResponse, Fault> {
    json(200, &shown(&call, call.run().await?.value).await?)
}

/// A run with its newest sample.
pub(super) async fn shown(call: &Call, run: Run) -> Result<RunInfo, Fault> {
    let sample = newest_sample(call.app.folder(&run)).await?;
    Ok(RunInfo::new(run, sample))
}

pub(super) async fn newest_sample(folder: RunFolder) -> Result<Option<Sample>, Fault> {
    /// A sample's line is well below.
    const LINE: u64 = 16 << 10;
    let (text, _) = log::read_end(folder.series(), LINE).await?;
    Ok(text
        .lines()
        .rev()
        .find_map(|line| serde_json::from_str(line).ok()))
}

async fn files(call: Call) -> Result<HttpResponse, Fault> {
    let run = call.run().await?.value;
    let mut query = call.page_of(run.id.as_str())?;
    // the cursor that clients see is the file's place in the manifest
    query.after = query.after.map(|after| format!("{}/{after:0>10}", run.id));
    let page = call.app.metadata.list::<FileRecord>(&query).await?;
    let items: Vec<_> = page.items.into_iter().map(|file| file.value).collect();
    let next = page
        .next
        .and_then(|_| items.last().map(|file| file.file.index.to_string()));
    json(200, &Page { items, next })
}
