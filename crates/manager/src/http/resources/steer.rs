//! `…/runs/{run}/pause`, `resume`, `cancel`: what the client wants of a run. The supervisor sees to it.

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::{Code, RunInfo};
use domain::run::{Desired, Run, RunState};
use serde_json::json;

use super::super::call::{Call, json};
use super::super::change::{Decision, change};
use super::super::fault::Fault;
use super::super::route::{Access, Route};
use super::runs::shown;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::POST,
            "/v1/clients/{client}/jobs/{job}/runs/{run}/pause",
            Access::OwnClient,
            "pause_run",
            "Have a run hold",
            |call| Box::pin(steer(call, Desired::Pause, "run.pause")),
        )
        .gives::<RunInfo>(200),
        Route::new(
            Method::POST,
            "/v1/clients/{client}/jobs/{job}/runs/{run}/resume",
            Access::OwnClient,
            "resume_run",
            "Have a run go on",
            |call| Box::pin(steer(call, Desired::Run, "run.resume")),
        )
        .gives::<RunInfo>(200),
        Route::new(
            Method::POST,
            "/v1/clients/{client}/jobs/{job}/runs/{run}/cancel",
            Access::OwnClient,
            "cancel_run",
            "Call a run off; what has arrived stays and is accounted for",
            |call| Box::pin(steer(call, Desired::Cancel, "run.cancel")),
        )
        .gives::<RunInfo>(200),
    ]
}

/// Why a run can no longer be steered there.
fn check(run: &Run, wanted: Desired) -> Result<(), Fault> {
    let too_late = match run.state {
        RunState::Completed
        | RunState::CompletedWithRejects
        | RunState::Failed
        | RunState::Cancelled
        | RunState::Suspect
        | RunState::TearingDown
        | RunState::Undoing
        | RunState::Undone => true,
        // who does not want to wait for the core DMS's count any longer gets the run ended without it
        RunState::Verifying => wanted != Desired::Cancel,
        RunState::Queued
        | RunState::Claiming
        | RunState::Starting
        | RunState::Running
        | RunState::Paused
        | RunState::Draining => false,
    };
    if too_late {
        return Err(Fault::new(
            Code::RunEnded,
            format!(
                "the run {} is {}: there is nothing to steer",
                run.id, run.state
            ),
        ));
    }
    if run.desired == Desired::Cancel && wanted != Desired::Cancel {
        return Err(Fault::new(
            Code::RunCancelled,
            format!("the run {} was called off", run.id),
        ));
    }
    Ok(())
}

async fn steer(call: Call, wanted: Desired, action: &str) -> Result<HttpResponse, Fault> {
    let id = call.run().await?.value.id;
    let changed = change::<Run>(&call.app.metadata, id.as_str(), |run| {
        check(run, wanted)?;
        if run.desired == wanted {
            return Ok(Decision::Keep);
        }
        let audit = call.audit(
            action,
            format!("{}/{}", run.job_ref(), run.id),
            Some(&run.client),
            json!({}),
        );
        Ok(Decision::to(
            Run {
                desired: wanted,
                ..run.clone()
            },
            audit,
        ))
    });
    let run = changed
        .await?
        .ok_or_else(|| Fault::new(Code::RunNotFound, format!("there is no run {id}")))?;
    call.app.supervisor.poke(&id);
    json(200, &shown(&call, run).await?)
}
