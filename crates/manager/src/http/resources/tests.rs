//! `…/jobs/{job}/test`: the tests of a spec. A spec whose tests fail is not taken.

use actix_web::HttpResponse;
use actix_web::http::Method;
use api::{Code, Problem, TestReport};
use domain::Violation;
use domain::ids::JobRef;
use domain::plan::Plan;
use domain::preview::Take;
use domain::spec::{JobSpec, TEST_CLOCK_MS, TestOutcome};
use engine_native::preview::sample_path;

use super::super::call::{Call, json};
use super::super::fault::Fault;
use super::super::route::{Access, Route};
use super::{jobs, preview};
use crate::preview::{blocking, unusable};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(
            Method::POST,
            "/v1/clients/{client}/jobs/{job}/test",
            Access::OwnClient,
            "test_job",
            "How the tests of a spec go (of the one in the body, else of the stored one); nothing is stored",
            |call| Box::pin(test(call)),
        )
        .takes_spec(false)
        .gives::<TestReport>(200),
    ]
}

async fn test(mut call: Call) -> Result<HttpResponse, Fault> {
    let plan = call.client().await?.value.plan;
    let target = call.job_ref()?;
    let spec = match call.document().await? {
        Some(text) => jobs::check(&text, &plan, &call.app.provisions)?,
        None => call.job().await?.value.spec,
    };
    let tests = outcomes(&call, &target, &spec, &plan).await?;
    json(200, &TestReport::of(tests))
}

/// Refuses a spec whose tests fail, with every difference.
pub(super) async fn pass(
    call: &Call,
    target: &JobRef,
    spec: &JobSpec,
    plan: &Plan,
) -> Result<(), Fault> {
    let violations = violations(call, target, spec, plan).await?;
    if violations.is_empty() {
        return Ok(());
    }
    let detail = format!(
        "the spec fails its own tests: {} difference(s)",
        violations.len()
    );
    Err(Problem::new(Code::InvalidSpec, detail)
        .with_violations(violations)
        .into())
}

/// The differences between what the tests of a spec expect and what they get.
pub(super) async fn violations(
    call: &Call,
    target: &JobRef,
    spec: &JobSpec,
    plan: &Plan,
) -> Result<Vec<Violation>, Fault> {
    let outcomes = outcomes(call, target, spec, plan).await?;
    let differences = outcomes.iter().flat_map(|outcome| &outcome.differences);
    Ok(differences
        .map(|difference| difference.violation())
        .collect())
}

async fn outcomes(
    call: &Call,
    target: &JobRef,
    spec: &JobSpec,
    plan: &Plan,
) -> Result<Vec<TestOutcome>, Fault> {
    if spec.tests.is_empty() {
        return Ok(Vec::new());
    }
    let bench = preview::bench(&call.app).await?;
    let (folder, texts) = (
        bench.folder().clone(),
        spec.tests
            .iter()
            .map(|test| test.text())
            .collect::<Vec<_>>(),
    );
    blocking(move || {
        let mut inputs = texts.iter().enumerate();
        inputs.try_for_each(|(number, text)| {
            let path = sample_path(&folder, number);
            std::fs::write(&path, text).map_err(|e| unusable(&path, &e))
        })
    })
    .await?;
    let mut order = preview::order(call, target, spec.clone(), 0, plan)?;
    order.clock_ms = TEST_CLOCK_MS;
    let names = spec.tests.iter().map(|test| test.name.clone()).collect();
    let files = preview::carried(&call.app, &bench, order, names, Take::ALL).await?;
    if !files
        .iter()
        .all(|file| file.ended || file.failure.is_some())
    {
        let detail = "the documents of the tests are too much: give them smaller inputs";
        return Err(Fault::new(Code::PreviewBroke, detail));
    }
    let client = target.client.as_str();
    let judged = spec.tests.iter().zip(&files).enumerate();
    Ok(judged
        .map(|(number, (test, file))| test.judge(number, client, file))
        .collect())
}
