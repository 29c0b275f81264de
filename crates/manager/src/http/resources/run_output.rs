//! `…/runs/{run}/report` and `series`: what the supervisor wrote of a run.

use std::io;

use actix_web::HttpResponse;
use actix_web::http::{Method, header};
use api::{Code, Page};
use domain::monitor::Sample;
use domain::report::Report;

use super::super::call::{Call, json};
use super::super::fault::Fault;
use super::super::params::{ReportFormat, ReportQuery, SeriesQuery};
use super::super::route::{Access, Param, Route};

const DEFAULT_POINTS: u32 = 600;
const MAX_POINTS: u32 = 10_000;
/// The page is self-contained, and shows texts of strangers: it may load nothing and run nothing.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/v1/clients/{client}/jobs/{job}/runs/{run}/report",
            Access::OwnClient,
            "get_report",
            "The report of a run that has ended, as JSON or as a page",
            |call| Box::pin(report(call)),
        )
        .param(Param::query(
            "format",
            "string",
            "json or html. Default: what the header Accept asks for, else json.",
        ))
        .gives::<Report>(200),
        Route::new(
            Method::GET,
            "/v1/clients/{client}/jobs/{job}/runs/{run}/series",
            Access::OwnClient,
            "get_series",
            "The job monitor's samples, thinned out evenly if there are more than asked for",
            |call| Box::pin(series(call)),
        )
        .param(Param::query(
            "max_points",
            "integer",
            "At most so many samples, 2 to 10,000. Default 600.",
        ))
        .gives::<Page<Sample>>(200),
    ]
}

async fn report(call: Call) -> Result<HttpResponse, Fault> {
    let run = call.run().await?.value;
    let asked = call.query::<ReportQuery>()?.format;
    if !run.state.is_final() {
        return Err(Fault::new(
            Code::RunNotEnded,
            format!(
                "the run {} is {}: its report comes at its end",
                run.id, run.state
            ),
        ));
    }
    let accept = call
        .request
        .headers()
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let by_header = if accept.contains("text/html") {
        ReportFormat::Html
    } else {
        ReportFormat::Json
    };
    let folder = call.app.folder(&run);
    let (path, content_type) = match asked.unwrap_or(by_header) {
        ReportFormat::Json => (folder.report_json(), "application/json"),
        ReportFormat::Html => (folder.report_html(), "text/html; charset=utf-8"),
    };
    let content = match tokio::fs::read(&path).await {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Fault::new(
                Code::ReportNotFound,
                format!("the run {} has no report in its folder", run.id),
            ));
        }
        Err(error) => return Err(error.into()),
    };
    Ok(HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .insert_header((header::VARY, "Accept"))
        .body(content))
}

async fn series(call: Call) -> Result<HttpResponse, Fault> {
    let run = call.run().await?.value;
    let points = call
        .query::<SeriesQuery>()?
        .max_points
        .unwrap_or(DEFAULT_POINTS);
    if !(2..=MAX_POINTS).contains(&points) {
        return Err(Fault::new(
            Code::InvalidParameter,
            format!("max_points: must be 2 to {MAX_POINTS}"),
        ));
    }
    let items = supervisor::series::read(&call.app.folder(&run), points as usize).await?;
    json(200, &Page { items, next: None })
}
