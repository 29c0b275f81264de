//! `clients/{client}/usage`: what a client has used, day by day.

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::{Code, UsageDay, UsageInfo, UsageQuery};
use domain::store::{Query, keys};
use domain::usage::{Usage, UsageSums, day, days_before, is_day};

use super::super::call::{Call, json};
use super::super::fault::Fault;
use super::super::route::{Access, Param, Route};

/// Days that are shown if none are named.
const DEFAULT_DAYS: i64 = 30;
/// Most days at once.
const MAX_DAYS: u32 = 400;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::GET,
            "/v1/clients/{client}/usage",
            Access::OwnClient,
            "get_usage",
            "What a client's runs have used, by the day (UTC) on which their outcome was known",
            |call| Box::pin(get(call)),
        )
        .param(Param::query(
            "from",
            "string",
            "The first day, as 2026-11-01. Default: 30 days before `to`.",
        ))
        .param(Param::query(
            "to",
            "string",
            "The last day. Default: today.",
        ))
        .gives::<UsageInfo>(200),
    ]
}

async fn get(call: Call) -> Result<HttpResponse, Fault> {
    let client = call.client().await?.value.id;
    let query = call.query::<UsageQuery>()?;
    let today = day(call.now_ms);
    let to = named("to", query.to)?.unwrap_or(today);
    let from = named("from", query.from)?.unwrap_or_else(|| days_before(&to, DEFAULT_DAYS));
    if from > to {
        let detail = format!("from: {from} is after {to}");
        return Err(Fault::new(Code::InvalidParameter, detail));
    }
    let listed = Query {
        owner: Some(client.to_string()),
        // the key of the first day is behind it
        after: Some(keys::usage(&client, &days_before(&from, 1))),
        limit: MAX_DAYS,
        ..Query::default()
    };
    let page = call.app.metadata.list::<Usage>(&listed).await?;
    let (mut days, mut total) = (Vec::new(), UsageSums::default());
    for usage in page.items.into_iter().map(|usage| usage.value) {
        if usage.day > to {
            break;
        }
        total += usage.sums;
        days.push(UsageDay {
            day: usage.day,
            sums: usage.sums,
        });
    }
    json(
        200,
        &UsageInfo {
            client,
            from,
            to,
            total,
            days,
        },
    )
}

fn named(name: &str, text: Option<String>) -> Result<Option<String>, Fault> {
    match text {
        Some(text) if !is_day(&text) => Err(Fault::new(
            Code::InvalidParameter,
            format!("{name}: {text:?} is no day: write for example 2026-11-21"),
        )),
        text => Ok(text),
    }
}
