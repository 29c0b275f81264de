//! `…/jobs/{job}/staging`: files that wait for the job's next run.

use actix_web::HttpResponse;
use actix_web::http::{Method, header};
use api::client::CHECKSUM_HEADER;
use api::{Code, Page, PageQuery, UploadProgress, UploadQuery};
use domain::job::Job;
use domain::staging::{StagedFile, Upload};
use domain::store::keys;
use serde_json::{Value, json};

use super::super::call::{Call, done, json, page};
use super::super::change::{Decision, change};
use super::super::fault::Fault;
use super::super::route::{Access, Param, Route};
use super::super::upload;

const FILE: &str = "/v1/clients/{client}/jobs/{job}/staging/{file}";
const UPLOAD: &str = "/v1/clients/{client}/jobs/{job}/staging/{file}/upload";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/v1/clients/{client}/jobs/{job}/staging",
            Access::OwnClient,
            "list_staged",
            "The files in a job's staging directory",
            |call| Box::pin(list(call)),
        )
        .paged()
        .gives::<Page<StagedFile>>(200),
        Route::new(
            Method::PUT,
            FILE,
            Access::OwnClient,
            "stage_file",
            "Stage a file: visible only when it has come as a whole",
            |call| Box::pin(put(call)),
        )
        .param(Param::header(
            CHECKSUM_HEADER,
            "string",
            "The content's SHA-256, hexadecimal; what differs is refused.",
        ))
        .takes_bytes()
        .param(Param::query(
            "offset",
            "integer",
            "The body begins at this byte of the file: 0, or where an upload of the same checksum broke off. What comes is kept for a day if it breaks off.",
        ))
        .gives::<StagedFile>(201),
        Route::new(
            Method::GET,
            UPLOAD,
            Access::OwnClient,
            "upload_progress",
            "Where an upload that broke off is to be continued",
            |call| Box::pin(progress(call)),
        )
        .param(Param::header(
            CHECKSUM_HEADER,
            "string",
            "The whole content's SHA-256, hexadecimal, as it was announced.",
        ))
        .gives::<UploadProgress>(200),
        Route::new(
            Method::DELETE,
            FILE,
            Access::OwnClient,
            "unstage_file",
            "Remove a staged file",
            |call| Box::pin(delete(call)),
        ),
    ]
}

async fn list(call: Call) -> Result<HttpResponse, Fault> {
    let (client, job) = (call.client().await?.value, call.job().await?.value);
    let (limit, after) = page(call.query::<PageQuery>()?)?;
    let files = call
        .app
        .staging
        .list(
            &job.job_ref(),
            &job.spec,
            &client.plan,
            after.as_deref(),
            limit as usize,
        )
        .await?;
    let next = (files.len() == limit as usize)
        .then(|| files.last().map(|file| file.name.clone()))
        .flatten();
    json(200, &Page { items: files, next })
}

async fn put(mut call: Call) -> Result<HttpResponse, Fault> {
    let (client, job) = (call.client().await?.value, call.job().await?.value);
    let (target, name) = (job.job_ref(), call.segment("file")?);
    let sha256 = checksum(&call)?;
    let UploadQuery { offset } = call.query()?;
    if offset.is_some() && sha256.is_none() {
        return Err(unnamed());
    }
    let (outgoing, mut incoming) = upload::channel();
    let declared = call.request.headers().get(header::CONTENT_LENGTH);
    let declared_bytes = declared
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok())
        .map(|rest| rest.saturating_add(offset.unwrap_or(0)));
    let staging = call.app.staging.clone();
    let take = async move {
        let upload = Upload {
            job: &target,
            spec: &job.spec,
            name: &name,
            plan: &client.plan,
            offset,
            declared_bytes,
            sha256: sha256.as_deref(),
            body: &mut incoming,
        };
        staging.put(upload).await
    };
    let (taken, ()) = futures::join!(take, outgoing.pump(&mut call.payload));
    let file = taken?;
    record(
        &call,
        "staging.put",
        json!({ "file": file.name, "bytes": file.bytes, "sha256": file.sha256 }),
    )
    .await?;
    json(201, &file)
}

async fn progress(call: Call) -> Result<HttpResponse, Fault> {
    let target = call.job().await?.value.job_ref();
    let (name, sha256) = (call.segment("file")?, checksum(&call)?);
    let sha256 = sha256.ok_or_else(unnamed)?;
    let offset = call.app.staging.received(&target, &name, &sha256).await?;
    json(200, &UploadProgress { offset })
}

/// An upload that can be continued is known by its checksum.
fn unnamed() -> Fault {
    let detail =
        format!("{CHECKSUM_HEADER}: an upload that can be continued announces its checksum");
    Fault::new(Code::InvalidParameter, detail)
}

async fn delete(call: Call) -> Result<HttpResponse, Fault> {
    let target = call.job().await?.value.job_ref();
    let name = call.segment("file")?;
    call.app.staging.delete(&target, &name).await?;
    record(&call, "staging.delete", json!({ "file": name })).await?;
    done()
}

/// The announced checksum.
fn checksum(call: &Call) -> Result<Option<String>, Fault> {
    let Some(value) = call.request.headers().get(CHECKSUM_HEADER) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        let detail = format!("{CHECKSUM_HEADER}: must be 64 hexadecimal digits");
        return Err(Fault::new(Code::InvalidParameter, detail));
    }
    Ok(Some(text))
}

/// Enters a change of files, which the metadata store does not hold, into the audit log: with a write of the job as it is.
async fn record(call: &Call, action: &str, detail: Value) -> Result<(), Fault> {
    let target = call.job_ref()?;
    change::<Job>(
        &call.app.metadata,
        &keys::job(&target.client, &target.job),
        |job| {
            let audit = call.audit(action, &target, Some(&target.client), detail.clone());
            Ok(Decision::to(job.clone(), audit))
        },
    )
    .await
    .map(drop)
}
