//! `…/runs/{run}/rejects` and `…/rejects/causes`: what could not be stored, and why.

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::{Code, Page, PageQuery};
use domain::reject::{Reject, RejectCause};
use supervisor::rejects;

use super::super::call::{Call, json, page};
use super::super::fault::Fault;
use super::super::params::CausesQuery;
use super::super::route::{Access, Param, Route};

/// Examples of one cause, at most.
const MAX_SAMPLES: usize = 10;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/v1/clients/{client}/jobs/{job}/runs/{run}/rejects",
            Access::OwnClient,
            "list_rejects",
            "Rejected records, in the order that they were met",
            |call| Box::pin(list(call)),
        )
        .paged()
        .gives::<Page<Reject>>(200),
        Route::new(
            Method::GET,
            "/v1/clients/{client}/jobs/{job}/runs/{run}/rejects/causes",
            Access::OwnClient,
            "list_reject_causes",
            "Rejects by cause, the commonest first",
            |call| Box::pin(causes(call)),
        )
        .param(Param::query(
            "samples",
            "integer",
            "At most so many examples of each cause, 1 to 10. Default 1.",
        ))
        .gives::<Page<RejectCause>>(200),
    ]
}

async fn list(call: Call) -> Result<HttpResponse, Fault> {
    let folder = call.app.folder(&call.run().await?.value);
    let (limit, after) = page(call.query::<PageQuery>()?)?;
    let cursor = |text: String| {
        text.parse().map_err(|_| {
            Fault::new(
                Code::InvalidParameter,
                format!("after: {text:?} is no cursor"),
            )
        })
    };
    let found = rejects::page(&folder, after.map(cursor).transpose()?, limit as usize).await?;
    json(
        200,
        &Page {
            items: found.items,
            next: found.next.map(|next| next.to_string()),
        },
    )
}

async fn causes(call: Call) -> Result<HttpResponse, Fault> {
    let folder = call.app.folder(&call.run().await?.value);
    let samples = call.query::<CausesQuery>()?.samples.unwrap_or(1);
    if !(1..=MAX_SAMPLES).contains(&samples) {
        return Err(Fault::new(
            Code::InvalidParameter,
            format!("samples: must be 1 to {MAX_SAMPLES}, not {samples}"),
        ));
    }
    json(
        200,
        &Page {
            items: rejects::causes(&folder, samples).await?,
            next: None,
        },
    )
}
