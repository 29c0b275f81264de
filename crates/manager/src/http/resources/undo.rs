//! `…/runs/{run}/undo`: what an undo would do, and the wish to have it done. The supervisor sees to it.

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::{Code, NewUndo, RunInfo};
use domain::run::{Event, MAX_UNDOS, Policy, Run, RunState, Undo, UndoPreview, UndoneFile, next};
use serde_json::json;

use super::super::call::{Call, json};
use super::super::change::{Decision, change};
use super::super::fault::Fault;
use super::super::params::UndoQuery;
use super::super::route::{Access, Param, Route};
use super::jobs;
use super::runs::shown;

const UNDO: &str = "/v1/clients/{client}/jobs/{job}/runs/{run}/undo";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            UNDO,
            Access::OwnClient,
            "preview_undo",
            "What an undo of a run would remove, and whose proof would be void",
            |call| Box::pin(preview(call)),
        )
        .param(Param::query(
            "file",
            "string",
            "Only of the file of this name. Default: of the whole run.",
        ))
        .gives::<UndoPreview>(200),
        Route::new(
            Method::POST,
            UNDO,
            Access::OwnClient,
            "undo_run",
            "Have the documents of a run that has ended removed, all or one file's; it waits for the job",
            |call| Box::pin(undo(call)),
        )
        .takes::<NewUndo>()
        .gives::<RunInfo>(202),
    ]
}

async fn preview(call: Call) -> Result<HttpResponse, Fault> {
    let run = call.run().await?.value;
    ended(&run)?;
    let file = named(&call, &run, call.query::<UndoQuery>()?.file).await?;
    let key = file.as_ref().map(|file| &file.file_key);
    json(200, &call.app.supervisor.preview_undo(&run, key).await?)
}

async fn undo(mut call: Call) -> Result<HttpResponse, Fault> {
    let run = call.run().await?.value;
    let NewUndo { file, restage } = call.json().await?;
    jobs::not_removing(&call.job().await?.value)?;
    let file = named(&call, &run, file).await?;
    let asked = change::<Run>(&call.app.metadata, run.id.as_str(), |run| {
        decide(&call, run, file.clone(), restage)
    });
    let asked = asked
        .await?
        .ok_or_else(|| Fault::new(Code::RunNotFound, format!("there is no run {}", run.id)))?;
    call.app.supervisor.poke(&run.id);
    json(202, &shown(&call, asked).await?)
}

/// What becomes of a run that is to be undone. To ask twice changes nothing.
fn decide(
    call: &Call,
    run: &Run,
    file: Option<UndoneFile>,
    restage: bool,
) -> Result<Decision<Run>, Fault> {
    let same = |under_way: &Undo| under_way.file == file;
    if run.state == RunState::Undone || run.undo_under_way().is_some_and(same) {
        return Ok(Decision::Keep);
    }
    ended(run)?;
    if file.is_some() && run.undos.len() >= MAX_UNDOS {
        let detail = format!("file: {MAX_UNDOS} files of the run are undone: undo the whole run");
        return Err(Fault::new(Code::InvalidParameter, detail));
    }
    let detail = json!({ "file": file, "restage": restage });
    let undo = Undo::asked(call.who.actor(), file, restage, call.now_ms);
    let asked = Event::UndoAsked(Box::new(undo));
    let after = next(run, asked, call.now_ms, &Policy::default()).map_err(Fault::internal)?;
    let target = format!("{}/{}", run.job_ref(), run.id);
    let audit = call.audit("run.undo", target, Some(&run.client), detail);
    Ok(Decision::to(after, audit))
}

fn ended(run: &Run) -> Result<(), Fault> {
    if run.state.is_final() {
        return Ok(());
    }
    let detail = format!("the run {} is {}", run.id, run.state);
    Err(Fault::new(Code::RunNotEnded, detail))
}

/// The file of this name in a run's manifest.
async fn named(call: &Call, run: &Run, name: Option<String>) -> Result<Option<UndoneFile>, Fault> {
    let Some(name) = name else {
        return Ok(None);
    };
    let files = call.app.metadata.files(&run.id).await?;
    let found = files.into_iter().find(|file| file.file.name == name);
    let file = found.ok_or_else(|| {
        let detail = format!("the run {} has no file {name:?} in its manifest", run.id);
        Fault::new(Code::FileNotFound, detail)
    })?;
    Ok(Some(UndoneFile {
        name,
        file_key: file.file.file_key,
    }))
}
