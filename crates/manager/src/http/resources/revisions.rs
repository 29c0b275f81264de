//! `…/jobs/{job}/revisions`: what the spec was before.
//!
//! A job's document is the truth of its newest revision; the revision's own document is a projection of it, written after
//! it and, should a crash come between, before it is needed.

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::{Code, Page, RevisionInfo, RevisionSummary};
use domain::job::{Job, Revision};
use domain::store::keys;

use super::super::call::{Call, json};
use super::super::fault::Fault;
use super::super::route::{Access, Route};

const REVISIONS: &str = "/v1/clients/{client}/jobs/{job}/revisions";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            REVISIONS,
            Access::OwnClient,
            "list_revisions",
            "A job's revisions, the newest first",
            |call| Box::pin(list(call)),
        )
        .paged()
        .gives::<Page<RevisionSummary>>(200),
        Route::new(
            Method::GET,
            "/v1/clients/{client}/jobs/{job}/revisions/{revision}",
            Access::OwnClient,
            "get_revision",
            "One revision",
            |call| Box::pin(get(call)),
        )
        .gives::<RevisionInfo>(200),
    ]
}

/// Puts the newest revision on record.
pub(super) async fn project(call: &Call, job: &Job) -> Result<(), Fault> {
    Ok(call.app.metadata.put_all(&[Revision::newest(job)]).await?)
}

fn summary(revision: &Revision) -> RevisionSummary {
    RevisionSummary {
        number: revision.number,
        spec_digest: revision.spec_digest.clone(),
        created_ms: revision.created_ms,
    }
}

async fn list(call: Call) -> Result<HttpResponse, Fault> {
    let job = call.job().await?.value;
    project(&call, &job).await?;
    let mut query = call.page_of(keys::job(&job.client, &job.id))?;
    query.descending = true;
    if let Some(after) = &query.after {
        query.after = Some(keys::revision(
            &job.client,
            &job.id,
            number("after", after)?,
        ));
    }
    let page = call.app.metadata.list::<Revision>(&query).await?;
    let items: Vec<_> = page
        .items
        .iter()
        .map(|revision| summary(&revision.value))
        .collect();
    let next = page
        .next
        .and_then(|_| items.last().map(|revision| revision.number.to_string()));
    json(200, &Page { items, next })
}

async fn get(call: Call) -> Result<HttpResponse, Fault> {
    let job = call.job().await?.value;
    let number = number("revision", &call.segment("revision")?)?;
    let revision = match number == job.revision {
        true => Some(Revision::newest(&job)),
        false => call
            .app
            .metadata
            .revision(&job.job_ref(), number)
            .await?
            .map(|found| found.value),
    };
    // one of a higher number than the job's is left from an earlier job of the same name
    let revision = revision.filter(|revision| revision.number <= job.revision);
    let revision = revision.ok_or_else(|| {
        Fault::new(
            Code::RevisionNotFound,
            format!("the job {} has no revision {number}", job.job_ref()),
        )
    })?;
    json(
        200,
        &RevisionInfo {
            summary: summary(&revision),
            spec: revision.spec,
        },
    )
}

fn number(name: &str, text: &str) -> Result<u32, Fault> {
    text.parse().map_err(|_| {
        Fault::new(
            Code::InvalidParameter,
            format!("{name}: {text:?} is no revision's number"),
        )
    })
}
