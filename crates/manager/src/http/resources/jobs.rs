//! `clients/{client}/jobs` and `…/jobs/{job}`: specs under names.

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::{Code, JobInfo, JobSummary, Page, Problem, PutJob, PutOutcome};
use domain::ids::JobRef;
use domain::job::{Job, spec_digest};
use domain::plan::Plan;
use domain::provisions::Provisions;
use domain::spec::{EngineKind, JobSpec};
use domain::store::{Entity, StoreError, Versioned, keys};
use domain::trigger::{self, Trigger};
use serde_json::json;
use wrangling::Violation;

use super::super::call::{Call, done, json};
use super::super::change::{Decision, change};
use super::super::fault::Fault;
use super::super::route::{Access, Route};
use super::super::state::AppState;
use super::{removal, revisions, tests};

const JOB: &str = "/v1/clients/{client}/jobs/{job}";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/v1/clients/{client}/jobs", Access::OwnClient, "list_jobs", "A client's jobs", |call| {
            Box::pin(list(call))
        })
        .paged()
        .gives::<Page<JobSummary>>(200),
        Route::new(
            Method::PUT,
            JOB,
            Access::OwnClient,
            "put_job",
            "Put a job's spec: 201 for a new job; 200 for a new revision, or for the same spec again (no new revision)",
            |call| Box::pin(put(call)),
        )
        .takes_spec(true)
        .gives::<PutJob>(200),
        Route::new(Method::GET, JOB, Access::OwnClient, "get_job", "A job", |call| Box::pin(get(call))).gives::<JobInfo>(200),
        Route::new(
            Method::DELETE,
            JOB,
            Access::OwnClient,
            "delete_job",
            "Remove a job with its staged files and its runs; its documents stay",
            |call| Box::pin(delete(call)),
        ),
    ]
}

fn summary(job: Job) -> JobSummary {
    JobSummary {
        client: job.client,
        id: job.id,
        revision: job.revision,
        spec_digest: job.spec_digest,
        created_ms: job.created_ms,
        updated_ms: job.updated_ms,
    }
}

async fn info(app: &AppState, job: Job) -> Result<JobInfo, Fault> {
    let kept = app.metadata.get::<Trigger>(&job.key()).await?;
    let kept = kept.as_ref().map(|kept| &kept.value);
    let start = trigger::outlook(&job, kept, app.now_ms());
    let staging = app
        .staging_root
        .join(job.client.as_str())
        .join(job.id.as_str());
    Ok(JobInfo {
        start,
        spec: job.spec.clone(),
        index: format!("{}.{}", job.client, job.spec.destination.index),
        staging_dir: staging.display().to_string(),
        summary: summary(job),
    })
}

async fn list(call: Call) -> Result<HttpResponse, Fault> {
    let client = call.client().await?.value.id;
    let mut query = call.page_of(client.as_str())?;
    // the cursor that clients see is the job's id
    query.after = query.after.map(|id| format!("{client}/{id}"));
    let page = call.app.metadata.list::<Job>(&query).await?;
    let items: Vec<_> = page
        .items
        .into_iter()
        .map(|job| summary(job.value))
        .collect();
    let next = page
        .next
        .and_then(|_| items.last().map(|job| job.id.to_string()));
    json(200, &Page { items, next })
}

async fn get(call: Call) -> Result<HttpResponse, Fault> {
    json(200, &info(&call.app, call.job().await?.value).await?)
}

async fn delete(call: Call) -> Result<HttpResponse, Fault> {
    removal::job(&call, &call.job().await?).await?;
    done()
}

/// A spec that is valid and within the plan, or everything that is wrong with it.
pub(super) fn check(
    spec: &serde_json::Value,
    plan: &Plan,
    provisions: &Provisions,
) -> Result<JobSpec, Fault> {
    let spec = parse(spec, provisions).map_err(|violations| {
        let detail = format!("the spec has {} violation(s)", violations.len());
        Problem::new(Code::InvalidSpec, detail).with_violations(violations)
    })?;
    within(plan, &spec)?;
    Ok(spec)
}

/// A spec that its engine can do, or everything that is wrong with it.
pub(super) fn parse(
    spec: &serde_json::Value,
    provisions: &Provisions,
) -> Result<JobSpec, Vec<Violation>> {
    let environment = provisions.environment();
    let spec = domain::spec::parse_in(spec, &environment)?;
    let violations = match spec.engine {
        EngineKind::Native => Vec::new(),
        EngineKind::Elastic => engine_elastic::render::check(&spec, &environment),
    };
    match violations.is_empty() {
        true => Ok(spec),
        false => Err(violations),
    }
}

/// Refuses a job whose removal was begun and not ended.
pub(super) fn not_removing(job: &Job) -> Result<(), Fault> {
    if job.removing {
        let detail = format!(
            "the job {} is being removed; if that broke off, ask for it again",
            job.job_ref()
        );
        return Err(Fault::new(Code::JobBeingRemoved, detail));
    }
    Ok(())
}

/// Refuses what the plan forbids.
pub(super) fn within(plan: &Plan, spec: &JobSpec) -> Result<(), Fault> {
    let refusals = plan.check_spec(spec);
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(Problem::refused(refusals).into())
    }
}

async fn put(mut call: Call) -> Result<HttpResponse, Fault> {
    let client = call.client().await?.value;
    let target = call.job_ref()?;
    let text = call
        .document()
        .await?
        .ok_or_else(|| Fault::new(Code::MalformedBody, "the body is empty: send a job spec"))?;
    let spec = check(&text, &client.plan, &call.app.provisions)?;
    tests::pass(&call, &target, &spec, &client.plan).await?;
    let digest = spec_digest(&spec).map_err(Fault::internal)?;
    let new = Job {
        client: target.client.clone(),
        id: target.job.clone(),
        revision: 1,
        spec_digest: digest,
        spec,
        created_ms: call.now_ms,
        updated_ms: call.now_ms,
        removing: false,
    };
    let (outcome, job) = match create(&call, &client.plan, &target, &new).await? {
        true => (PutOutcome::Created, new),
        false => revise(&call, &target, &new).await?,
    };
    revisions::project(&call, &job).await?;
    call.app.staging.create(&target).await?;
    let status = if outcome == PutOutcome::Created {
        201
    } else {
        200
    };
    json(
        status,
        &PutJob {
            outcome,
            job: info(&call.app, job).await?,
        },
    )
}

/// Makes the job if it is new; false if it is there.
async fn create(call: &Call, plan: &Plan, target: &JobRef, new: &Job) -> Result<bool, Fault> {
    let metadata = &call.app.metadata;
    if metadata.job(target).await?.is_some() {
        return Ok(false);
    }
    let jobs = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let count = || {
        metadata
            .store()
            .count(domain::store::Kind::Job, target.client.as_str())
    };
    plan.check_new_job(jobs(count().await?))
        .map_err(|refusal| Problem::refused(vec![refusal]))?;
    let audit = call.audit(
        "job.put",
        target,
        Some(&target.client),
        json!({ "revision": 1, "spec_digest": new.spec_digest }),
    );
    match metadata.create(new, Some(audit)).await {
        Ok(()) => {}
        Err(StoreError::Exists { .. }) => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    // others may have made jobs between the count and the write: who finds too many gives way
    if let Err(refusal) = plan.check_new_job(jobs(count().await?.saturating_sub(1))) {
        let audit = call.audit(
            "job.delete",
            target,
            Some(&target.client),
            json!({ "refused": refusal }),
        );
        metadata
            .remove(
                &Versioned {
                    value: new.clone(),
                    version: 1,
                },
                Some(audit),
            )
            .await?;
        return Err(Problem::refused(vec![refusal]).into());
    }
    Ok(true)
}

/// Gives the job a new revision, unless its newest says the same.
async fn revise(call: &Call, target: &JobRef, new: &Job) -> Result<(PutOutcome, Job), Fault> {
    let metadata = &call.app.metadata;
    if let Some(before) = metadata.job(target).await? {
        // the revision that is about to be no longer the newest must be on record
        revisions::project(call, &before.value).await?;
    }
    let key = keys::job(&target.client, &target.job);
    let changed = change::<Job>(metadata, &key, |before| {
        not_removing(before)?;
        if before.spec_digest == new.spec_digest {
            return Ok(Decision::Keep);
        }
        let revision = before.revision + 1;
        let after = Job {
            revision,
            created_ms: before.created_ms,
            ..new.clone()
        };
        let detail = json!({ "revision": revision, "spec_digest": new.spec_digest });
        let audit = call.audit("job.put", target, Some(&target.client), detail);
        Ok(Decision::to(after, audit))
    });
    let job = changed
        .await?
        .ok_or_else(|| Fault::new(Code::Conflict, "the job was removed at the same time"))?;
    let revised =
        job.updated_ms == call.now_ms && job.spec_digest == new.spec_digest && job.revision > 1;
    Ok((
        if revised {
            PutOutcome::Revised
        } else {
            PutOutcome::Unchanged
        },
        job,
    ))
}
