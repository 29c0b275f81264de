//! `…/jobs/{job}/start`, `…/runs` and `…/runs/{run}`.

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::{Code, Page, RunInfo};
use domain::file::FileRecord;
use domain::monitor::Sample;
use domain::run::{NewRun, Run};
use domain::start_key::{self, StartKey};
use domain::store::{StoreError, Versioned, keys};
use domain::worker::RunFolder;
use serde_json::json;

use super::super::call::{Call, json};
use super::super::fault::Fault;
use super::super::route::{Access, Param, Route};
use super::{jobs, log, revisions};
use crate::ids;

/// The header by which a request is known again.
const KEY: &str = "idempotency-key";
/// Tries against others that use the same key.
const ATTEMPTS: u32 = 20;

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
        .param(Param::header(
            KEY,
            "string",
            "The same key for the same job gives the same run for a day (201 at first, then 200): a request whose answer was lost can be sent again.",
        ))
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

/// What makes a run of the job's newest revision, if it may be asked for.
async fn asked(call: &Call) -> Result<NewRun, Fault> {
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
    Ok(new)
}

/// As [`asked`], as a run; not yet stored.
pub(super) async fn asked_run(call: &Call) -> Result<Run, Fault> {
    Ok(Run::queued(asked(call).await?, call.now_ms))
}

async fn start(call: Call) -> Result<HttpResponse, Fault> {
    let new = asked(&call).await?;
    let new = match key(&call)? {
        Some(key) => known_by(&call, &key, new).await?,
        None => new,
    };
    let run = Run::queued(new, call.now_ms);
    let target = format!("{}/{}", run.job_ref(), run.id);
    let audit = call.audit(
        "run.start",
        target,
        Some(&run.client),
        json!({ "revision": run.revision }),
    );
    match call.app.metadata.create(&run, Some(audit)).await {
        Ok(()) => {}
        // asked for before, under the same key
        Err(StoreError::Exists { .. }) => {
            let known = call.app.metadata.run(&run.id).await?;
            let known = known.map_or(run, |known| known.value);
            return json(200, &shown(&call, known).await?);
        }
        Err(error) => return Err(error.into()),
    }
    call.app.supervisor.poke(&run.id);
    json(201, &RunInfo::new(run, None))
}

/// The key of a request that may be sent again.
fn key(call: &Call) -> Result<Option<String>, Fault> {
    let Some(given) = call.request.headers().get(KEY) else {
        return Ok(None);
    };
    let key = given.to_str().ok().filter(|key| start_key::is_valid(key));
    let unusable = || {
        let detail = format!("{KEY}: use 1 to 255 printable ASCII characters");
        Fault::new(Code::InvalidParameter, detail)
    };
    key.map(|key| Some(key.to_owned())).ok_or_else(unusable)
}

/// The run that was asked for under a key: this one, or the one that was first. The key is stored before the run, so
/// that whoever comes again makes no other.
async fn known_by(call: &Call, key: &str, new: NewRun) -> Result<NewRun, Fault> {
    let metadata = &call.app.metadata;
    let stored_as = start_key::stored_as(&new.job, key);
    for _ in 0..ATTEMPTS {
        let mine = StartKey::new(key, new.clone(), call.now_ms);
        let written = match metadata.get::<StartKey>(&stored_as).await? {
            Some(known) if !known.value.is_over(call.now_ms) => return Ok(known.value.run),
            Some(over) => metadata
                .update(
                    Versioned {
                        value: mine,
                        ..over
                    },
                    None,
                )
                .await
                .map(drop),
            None => metadata.create(&mine, None).await,
        };
        match written {
            Ok(()) => return Ok(new),
            Err(StoreError::Exists { .. } | StoreError::Stale { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Fault::new(
        Code::Conflict,
        "others kept using the same key at the same time",
    ))
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
