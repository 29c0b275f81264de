//! The platform itself: alive, ready, counted, described.

use std::path::Path;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::{Code, CodeInfo, Page, PlanInfo, Ready, ReadyPart};
use domain::audit::Actor;
use domain::monitor::DmsHealth;
use nix::sys::statvfs::statvfs;
use tokio::time::timeout;

use super::super::call::{Call, json};
use super::super::fault::Fault;
use super::super::openapi;
use super::super::route::{Access, Route};

/// How long a part may take to say that it is ready.
const PART_LIMIT: Duration = Duration::from_secs(3);
/// Less free room than this is none: runs could not write their checkpoints and reports.
const MIN_FREE_BYTES: u64 = 64 << 20;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/healthz",
            Access::Public,
            "healthz",
            "Whether the process answers",
            |_| Box::pin(async { Ok(HttpResponse::Ok().content_type("text/plain").body("ok\n")) }),
        )
        .gives_content(&["text/plain"]),
        Route::new(
            Method::GET,
            "/readyz",
            Access::Public,
            "readyz",
            "Whether the platform is ready, part by part; 503 if it is not",
            |call| Box::pin(readyz(call)),
        )
        .gives::<Ready>(200),
        Route::new(
            Method::GET,
            "/metrics",
            Access::Public,
            "metrics",
            "Metrics for Prometheus",
            |call| Box::pin(metrics(call)),
        )
        .gives_content(&["text/plain"]),
        Route::new(
            Method::GET,
            "/v1/plans",
            Access::AnyToken,
            "list_plans",
            "The operator's plans",
            |call| Box::pin(plans(call)),
        )
        .gives::<Page<PlanInfo>>(200),
        Route::new(
            Method::GET,
            "/v1/whoami",
            Access::AnyToken,
            "whoami",
            "Whose the token is",
            |call| Box::pin(async move { json(200, &call.who.actor()) }),
        )
        .gives::<Actor>(200),
        Route::new(
            Method::GET,
            "/v1/errors",
            Access::Public,
            "list_errors",
            "The codes of problem documents",
            |call| Box::pin(errors(call)),
        )
        .gives::<Page<CodeInfo>>(200),
        Route::new(
            Method::GET,
            "/v1/openapi.json",
            Access::Public,
            "openapi",
            "This description",
            |_| Box::pin(async { json(200, openapi::document()) }),
        )
        .gives_content(&["application/json"]),
    ]
}

async fn readyz(call: Call) -> Result<HttpResponse, Fault> {
    let (metadata_store, core_dms) = futures::join!(metadata_store(&call), core_dms(&call));
    let parts = vec![metadata_store, core_dms, disk(&call.app.clientapps)];
    let ready = parts.iter().all(|part| part.ready);
    json(
        if ready { 200 } else { Code::NotReady.status() },
        &Ready { ready, parts },
    )
}

fn part(name: &str, state: Result<String, String>) -> ReadyPart {
    let ready = state.is_ok();
    let (Ok(detail) | Err(detail)) = state;
    ReadyPart {
        name: name.to_owned(),
        ready,
        detail,
    }
}

async fn metadata_store(call: &Call) -> ReadyPart {
    let state = match timeout(PART_LIMIT, call.app.metadata.store().ping()).await {
        Ok(Ok(what)) => Ok(what),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the metadata store is not ready");
            Err("does not answer".to_owned())
        }
        Err(_) => Err(format!("did not answer within {PART_LIMIT:?}")),
    };
    part("metadata_store", state)
}

async fn core_dms(call: &Call) -> ReadyPart {
    let state = match timeout(PART_LIMIT, call.app.dms.health()).await {
        Ok(DmsHealth::Green) => Ok("green".to_owned()),
        Ok(DmsHealth::Yellow) => Ok("yellow".to_owned()),
        Ok(DmsHealth::Red) => Err("red: some data is missing".to_owned()),
        Ok(DmsHealth::Unreachable) => Err("does not answer".to_owned()),
        Err(_) => Err(format!("did not answer within {PART_LIMIT:?}")),
    };
    part("core_dms", state)
}

fn disk(path: &Path) -> ReadyPart {
    let state = match statvfs(path) {
        Ok(stat) => {
            let free = stat.blocks_available() * stat.fragment_size();
            let text = format!("{} MiB free", free >> 20);
            if free < MIN_FREE_BYTES {
                Err(text)
            } else {
                Ok(text)
            }
        }
        Err(error) => Err(error.to_string()),
    };
    part("disk", state)
}

async fn metrics(call: Call) -> Result<HttpResponse, Fault> {
    let runs = call.app.metadata.runs_under_way().await?;
    call.app
        .metrics
        .runs(runs.iter().map(|run| run.value.state.name()));
    let text = call.app.metrics.text().map_err(Fault::internal)?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4")
        .body(text))
}

async fn plans(call: Call) -> Result<HttpResponse, Fault> {
    let plan = |(name, plan): (&String, &domain::plan::Plan)| PlanInfo {
        name: name.clone(),
        plan: plan.clone(),
    };
    json(
        200,
        &Page {
            items: call.app.plans.iter().map(plan).collect(),
            next: None,
        },
    )
}

async fn errors(call: Call) -> Result<HttpResponse, Fault> {
    let accept = call
        .request
        .headers()
        .get("accept")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if accept.contains("text/html") {
        return Ok(HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .body(errors_page()));
    }
    let info = |code: &Code| CodeInfo {
        code: code.as_str().into(),
        status: code.status(),
        title: code.title().into(),
        meaning: code.meaning().into(),
    };
    json(
        200,
        &Page {
            items: Code::ALL.iter().map(info).collect(),
            next: None,
        },
    )
}

/// The codes for people; each has its anchor, which `type` of a problem document names.
fn errors_page() -> String {
    let entry = |code: &Code| {
        let meaning = code.meaning().replace('&', "&amp;").replace('<', "&lt;");
        format!(
            "<dt id=\"{code}\"><code>{code}</code> {} — {}</dt><dd>{meaning}</dd>\n",
            code.status(),
            code.title()
        )
    };
    let entries: String = Code::ALL.iter().map(entry).collect();
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Error codes</title>\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}}\
         dt{{margin-top:1rem}}dd{{margin:0 0 0 1rem}}:target{{background:#fe9}}</style>\
         <h1>Error codes</h1><p>Errors are problem documents (RFC 9457); <code>code</code> is one of these.</p>\
         <dl>\n{entries}</dl></html>"
    )
}
