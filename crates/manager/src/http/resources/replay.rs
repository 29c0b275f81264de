//! `…/runs/{run}/replay`: a run that reads nothing but what another one rejected.

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::{Code, RunInfo};
use domain::replay::Replay;
use domain::run::{Run, RunState};
use serde_json::json;

use super::super::call::{Call, json};
use super::super::fault::Fault;
use super::super::route::{Access, Route};
use super::runs;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::POST,
            "/v1/clients/{client}/jobs/{job}/runs/{run}/replay",
            Access::OwnClient,
            "replay_run",
            "Ask for a run over the rejected records of another, under the job's newest revision",
            |call| Box::pin(replay(call)),
        )
        .gives::<RunInfo>(201),
    ]
}

async fn replay(call: Call) -> Result<HttpResponse, Fault> {
    let original = call.run().await?.value;
    check(&original)?;
    let replay = Replay {
        run: original.id.clone(),
        clock_ms: match &original.replay_of {
            Some(before) => before.clock_ms,
            None => original.claimed_ms.unwrap_or(original.created_ms),
        },
    };
    let run = Run {
        replay_of: Some(replay),
        ..runs::asked_run(&call).await?
    };
    let target = format!("{}/{}", run.job_ref(), run.id);
    let detail = json!({ "revision": run.revision, "of": original.id });
    let audit = call.audit("run.replay", target, Some(&run.client), detail);
    call.app.metadata.create(&run, Some(audit)).await?;
    call.app.supervisor.poke(&run.id);
    json(201, &RunInfo::new(run, None))
}

/// Whether there is anything of a run to replay.
fn check(run: &Run) -> Result<(), Fault> {
    let refused = |code, why: &str| {
        let detail = format!("the run {} is {}: {why}", run.id, run.state);
        Err(Fault::new(code, detail))
    };
    match run.state {
        RunState::CompletedWithRejects => Ok(()),
        RunState::Failed | RunState::Cancelled | RunState::Suspect => refused(
            Code::NothingToReplay,
            "its files were not put away; start a run: what arrived is not sent twice",
        ),
        RunState::Completed | RunState::Undone => {
            refused(Code::NothingToReplay, "it has no rejects to replay")
        }
        RunState::Queued
        | RunState::Claiming
        | RunState::Starting
        | RunState::Running
        | RunState::Paused
        | RunState::Draining
        | RunState::Verifying
        | RunState::TearingDown
        | RunState::Undoing => refused(Code::RunNotEnded, "wait for its end"),
    }
}
