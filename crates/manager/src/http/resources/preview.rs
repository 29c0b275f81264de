//! `…/jobs/{job}/preview`: what the pipeline makes of the first records of a sample.

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::{
    Code, DEFAULT_PREVIEW_RECORDS, MAX_PREVIEW_RECORDS, MAX_SAMPLE_BYTES, Preview, PreviewCheck,
    PreviewRequest, Problem, SampleContent,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::error::Failure;
use domain::ids::JobRef;
use domain::plan::Plan;
use domain::preview::{Counts, SampledFile, Take, causes};
use domain::reject::RawEncoding;
use domain::spec::JobSpec;
use domain::staging::StagedState;
use domain::units::Span;
use domain::worker::{DmsEndpoint, WorkOrder};
use engine_native::preview::sample_path;

use super::super::call::{Call, json};
use super::super::fault::Fault;
use super::super::route::{Access, Route};
use super::super::state::AppState;
use super::jobs;
use crate::conflicts::conflicts;
use crate::index;
use crate::preview::{Bench, blocking, unusable};

/// Of a staged file at most so many bytes are looked at.
const MAX_STAGED_BYTES: u64 = 16 << 20;
/// Among so many staged files one is looked for that a run would take.
const LOOKED_AT: usize = 10_000;
/// What documents of a preview name as their run.
const NO_RUN: &str = "00000000000000000000000000";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::POST,
            "/v1/clients/{client}/jobs/{job}/preview",
            Access::OwnClient,
            "preview_job",
            "What the pipeline makes of the first records of a staged file, or of the request's own sample; nothing is stored",
            |call| Box::pin(preview(call)),
        )
        .takes::<PreviewRequest>()
        .gives::<Preview>(200),
    ]
}

/// A file to preview.
struct Sample {
    name: String,
    whole: bool,
}

async fn preview(mut call: Call) -> Result<HttpResponse, Fault> {
    let plan = call.client().await?.value.plan;
    let target = call.job_ref()?;
    let request: PreviewRequest = call.json().await?;
    let records = request.records.unwrap_or(DEFAULT_PREVIEW_RECORDS);
    if !(1..=MAX_PREVIEW_RECORDS).contains(&records) {
        let detail = format!("records: {records} is not between 1 and {MAX_PREVIEW_RECORDS}");
        return Err(Fault::new(Code::InvalidParameter, detail));
    }
    let (spec, revision) = match &request.spec {
        Some(spec) => (jobs::check(spec, &plan, &call.app.provisions)?, 0),
        None => {
            let job = call.job().await?.value;
            (job.spec, job.revision)
        }
    };
    let bench = bench(&call.app).await?;
    let sample = sample(&call.app, &request, &target, &spec, &plan, &bench).await?;
    let order = order(&call, &target, spec.clone(), revision, &plan)?;
    let take = Take {
        records: records as usize,
        cut: !sample.whole,
    };
    let mut files = carried(&call.app, &bench, order, vec![sample.name.clone()], take).await?;
    let Some(file) = files.pop() else {
        return Err(Fault::internal("a preview of one file told of none"));
    };
    let template = index::template(&target, &spec).body;
    let conflicts = match request.check {
        Some(PreviewCheck::CoreDms) => {
            let pattern = domain::index::pattern(&target.client, &spec.destination.index);
            let mappings = call.app.dms.mappings(&pattern).await?;
            let own = &template["template"]["mappings"];
            Some(conflicts(&file.records, &mappings, own))
        }
        None => None,
    };
    json(
        200,
        &Preview {
            file: sample.name,
            ids_are_final: sample.whole,
            complete: file.ended,
            failure: file.failure,
            counts: Counts::of(&file.records),
            causes: causes(&file.records),
            records: file.records,
            index_template: Some(template),
            conflicts,
        },
    )
}

/// A bench, once there is one.
pub(super) async fn bench(app: &AppState) -> Result<Bench, Fault> {
    let bench = app.previews.bench().await?;
    bench.ok_or_else(|| Fault::new(Code::TooManyPreviews, "too many previews are under way"))
}

/// Carries the bench's files through the pipeline.
pub(super) async fn carried(
    app: &AppState,
    bench: &Bench,
    order: WorkOrder,
    names: Vec<String>,
    take: Take,
) -> Result<Vec<SampledFile>, Fault> {
    let carried = app.previews.preview(bench, order, names, take).await;
    carried.map_err(broken)
}

fn broken(failure: Failure) -> Fault {
    if failure.code != "preview_broke" {
        return failure.into();
    }
    Problem::new(Code::PreviewBroke, failure.message)
        .with_next_step(failure.next_step)
        .into()
}

/// What a run would be told, but for the core DMS, which a preview does not write to.
pub(super) fn order(
    call: &Call,
    target: &JobRef,
    spec: JobSpec,
    revision: u32,
    plan: &Plan,
) -> Result<WorkOrder, Fault> {
    Ok(WorkOrder {
        client: target.client.clone(),
        job: target.job.clone(),
        run: NO_RUN.parse()?,
        revision,
        spec_digest: String::new(),
        clock_ms: call.now_ms,
        dms: DmsEndpoint {
            url: String::new(),
            api_key_file: None,
            username: None,
            password_file: None,
            ca_file: None,
        },
        memory: spec.limits.memory.unwrap_or(plan.memory_per_run),
        cpu_millis: spec.limits.cpu_millis.unwrap_or(plan.cpu_millis_per_run),
        orphan_after: Span::secs(60),
        hold: false,
        provisions: call.app.provisions.clone(),
        containers: domain::provisions::Containers::default(),
        spec,
    })
}

/// Puts what is to be previewed onto the bench.
async fn sample(
    app: &AppState,
    request: &PreviewRequest,
    target: &JobRef,
    spec: &JobSpec,
    plan: &Plan,
    bench: &Bench,
) -> Result<Sample, Fault> {
    let to = sample_path(bench.folder(), 0);
    if let Some(sample) = &request.sample {
        if request.staged.is_some() {
            let detail = "give either staged or sample, not both";
            return Err(Fault::new(Code::InvalidParameter, detail));
        }
        let bytes = content(sample)?;
        let written = to.clone();
        blocking(move || std::fs::write(&written, bytes).map_err(|e| unusable(&written, &e)))
            .await?;
        return Ok(Sample {
            name: sample.name.clone(),
            whole: !sample.cut,
        });
    }
    let name = match &request.staged {
        Some(name) => name.clone(),
        None => first_ready(app, target, spec, plan).await?,
    };
    let staging = &app.staging;
    let whole = staging.sample(target, &name, MAX_STAGED_BYTES, &to).await?;
    Ok(Sample { name, whole })
}

fn content(sample: &SampleContent) -> Result<Vec<u8>, Fault> {
    let bytes = match sample.encoding {
        RawEncoding::Utf8 => sample.content.clone().into_bytes(),
        RawEncoding::Base64 => STANDARD.decode(&sample.content).map_err(|e| {
            let detail = format!("sample.content: it is not base64: {e}");
            Fault::new(Code::MalformedBody, detail)
        })?,
    };
    if bytes.len() > MAX_SAMPLE_BYTES {
        let detail = format!(
            "sample.content: it has {} bytes; send the first {MAX_SAMPLE_BYTES} at most, with cut: true",
            bytes.len()
        );
        return Err(Fault::new(Code::BodyTooLarge, detail));
    }
    Ok(bytes)
}

/// The first staged file that a run would take.
async fn first_ready(
    app: &AppState,
    target: &JobRef,
    spec: &JobSpec,
    plan: &Plan,
) -> Result<String, Fault> {
    let staged = app
        .staging
        .list(target, spec, plan, None, LOOKED_AT)
        .await?;
    let ready = staged
        .into_iter()
        .find(|file| file.state == StagedState::Ready);
    ready.map(|file| file.name).ok_or_else(|| {
        let detail = format!(
            "no file is staged for {target} that a run would take; name one with staged, or send a sample"
        );
        Fault::new(Code::FileNotFound, detail)
    })
}
