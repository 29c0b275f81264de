//! `…/jobs/{job}/validate`: everything that is wrong with a spec, and the index template that follows from it.

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::Validation;
use domain::spec;

use super::super::call::{Call, json};
use super::super::fault::Fault;
use super::super::route::{Access, Route};
use super::tests;
use crate::index;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::POST,
            "/v1/clients/{client}/jobs/{job}/validate",
            Access::OwnClient,
            "validate_job",
            "Everything that is wrong with a spec (in the body, else the stored one); nothing is stored",
            |call| Box::pin(validate(call)),
        )
        .takes_spec(false)
        .gives::<Validation>(200),
        Route::new(
            Method::GET,
            "/v1/job-schema",
            Access::Public,
            "get_job_schema",
            "The JSON Schema of job specs",
            |_| Box::pin(async { json(200, &spec::json_schema()) }),
        )
        .gives_content(&["application/json"]),
    ]
}

async fn validate(mut call: Call) -> Result<HttpResponse, Fault> {
    let client = call.client().await?.value;
    let target = call.job_ref()?;
    let text = match call.document().await? {
        Some(text) => text,
        None => serde_json::to_value(call.job().await?.value.spec).map_err(Fault::internal)?,
    };
    let validation = match super::jobs::parse(&text, &call.app.provisions) {
        Err(violations) => Validation {
            valid: false,
            violations,
            refusals: Vec::new(),
            spec: None,
            index_template: None,
        },
        Ok(spec) => {
            let violations = tests::violations(&call, &target, &spec, &client.plan).await?;
            let refusals = client.plan.check_spec(&spec);
            let template = index::template(&target, &spec);
            Validation {
                valid: refusals.is_empty() && violations.is_empty(),
                violations,
                refusals,
                index_template: Some(template.body),
                spec: Some(spec),
            }
        }
    };
    json(200, &validation)
}
