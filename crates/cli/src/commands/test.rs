//! `ingest job test`: how the tests of a spec go, with a manager or without.

use std::path::Path;

use api::{SpecText, TestReport};
use domain::preview::Take;
use domain::spec::{JobSpec, TEST_CLOCK_MS};

use super::{Context, preview};
use crate::args::TestArgs;
use crate::connect::Role;
use crate::error::CliError;
use crate::exit::Exit;
use crate::offline;
use crate::output::test;
use crate::spec_file::{STDIN, SpecFile};

pub(super) async fn run(context: &Context, arguments: &TestArgs) -> Result<Exit, CliError> {
    let path = Path::new(&arguments.target);
    let report = match crate::names::job(&arguments.target) {
        Ok(job) if arguments.target != STDIN && !path.exists() => {
            let api = context.client(Role::Client(&job.client))?;
            api.test_job(&job, None::<SpecText<'_>>).await?
        }
        _ => here(context, arguments, path)?,
    };
    context
        .out
        .show(&report, |view| test::report(&report, view))?;
    Ok(match report.passed {
        true => Exit::Ok,
        false => Exit::Unexpected,
    })
}

/// The tests of a file's spec, in this process.
fn here(context: &Context, arguments: &TestArgs, path: &Path) -> Result<TestReport, CliError> {
    let spec: JobSpec = preview::parse(
        context,
        &SpecFile::read(path)?.value()?,
        arguments.resources.clone(),
    )?;
    if spec.tests.is_empty() {
        return Ok(TestReport::of(Vec::new()));
    }
    let inputs: Vec<_> = spec
        .tests
        .iter()
        .map(|test| (test.name.clone(), test.text().into_bytes()))
        .collect();
    let resources = arguments.resources.clone();
    let files = offline::carry(&spec, resources, TEST_CLOCK_MS, &inputs, Take::ALL)?;
    if !files
        .iter()
        .all(|file| file.ended || file.failure.is_some())
    {
        return Err(CliError::Invalid {
            message: "the documents of the tests are too much: give them smaller inputs".into(),
        });
    }
    let judged = spec.tests.iter().zip(&files).enumerate();
    Ok(TestReport::of(
        judged
            .map(|(number, (test, file))| test.judge(number, offline::CLIENT, file))
            .collect(),
    ))
}
