//! `ingest job`.

use std::path::Path;

use api::Validation;
use domain::ids::JobRef;
use domain::spec::JobSpec;

use super::{Context, infer, logstash, preview, render, test};
use crate::args::JobCommand;
use crate::connect::Role;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::job;
use crate::spec_file::{self, SpecFile};

pub(super) async fn run(context: &Context, command: JobCommand) -> Result<Exit, CliError> {
    match command {
        JobCommand::Put { job, file } => put(context, &job, &file).await,
        JobCommand::Get { job, revision } => get(context, &job, revision).await,
        JobCommand::List { client, page } => {
            let api = context.client(Role::Client(&client))?;
            context
                .list(
                    &page,
                    async |query| api.jobs(&client, &query).await,
                    job::list,
                )
                .await
        }
        JobCommand::Delete { job, yes } => {
            context.confirm(
                &format!("the job {job} with its staged files and its runs"),
                yes,
            )?;
            context
                .client(Role::Client(&job.client))?
                .delete_job(&job)
                .await?;
            context.out.done(format!(
                "{job} is removed; its documents stay in the core DMS"
            ))?;
            Ok(Exit::Ok)
        }
        JobCommand::Validate {
            job,
            file,
            template,
        } => validate(context, &job, file.as_deref(), template).await,
        JobCommand::Preview(arguments) => preview::run(context, &arguments).await,
        JobCommand::Test(arguments) => test::run(context, &arguments).await,
        JobCommand::Infer(arguments) => infer::run(context, &arguments),
        JobCommand::Revisions { job, page } => {
            let api = context.client(Role::Client(&job.client))?;
            context
                .list(
                    &page,
                    async |query| api.revisions(&job, &query).await,
                    job::revisions,
                )
                .await
        }
        JobCommand::Import(arguments) => logstash::import(context, &arguments).await,
        JobCommand::Export { job, to } => logstash::export(context, &job, to.as_deref()).await,
        JobCommand::Render(arguments) => render::render(context, &arguments).await,
        JobCommand::Schema => {
            context.out.json(&domain::spec::json_schema())?;
            Ok(Exit::Ok)
        }
    }
}

async fn put(context: &Context, name: &JobRef, file: &Path) -> Result<Exit, CliError> {
    let spec = SpecFile::read(file)?;
    let put = context
        .client(Role::Client(&name.client))?
        .put_job(name, spec.text())
        .await?;
    context.out.show(&put, |view| job::put(&put, view))?;
    Ok(Exit::Ok)
}

async fn get(context: &Context, name: &JobRef, revision: Option<u32>) -> Result<Exit, CliError> {
    let api = context.client(Role::Client(&name.client))?;
    match revision {
        Some(number) => {
            let revision = api.revision(name, number).await?;
            let yaml = yaml(name, number, &revision.spec)?;
            context.out.show(&revision, |_| yaml)?;
        }
        None => {
            let job = api.job(name).await?;
            let yaml = yaml(name, job.summary.revision, &job.spec)?;
            context
                .out
                .show(&job, |view| job::with_outlook(&job, &yaml, view))?;
        }
    }
    Ok(Exit::Ok)
}

/// A spec as a file that can be put again.
fn yaml(name: &JobRef, revision: u32, spec: &JobSpec) -> Result<String, CliError> {
    // by way of JSON, which leaves out nothing and keeps the order
    let value = serde_json::to_value(spec).map_err(|e| CliError::Render(e.to_string()))?;
    Ok(format!(
        "# {name}, revision {revision}\n{}",
        spec_file::write(&value)?
    ))
}

async fn validate(
    context: &Context,
    name: &JobRef,
    file: Option<&Path>,
    template: bool,
) -> Result<Exit, CliError> {
    let spec = file.map(SpecFile::read).transpose()?;
    let api = context.client(Role::Client(&name.client))?;
    let validation = api
        .validate(name, spec.as_ref().map(SpecFile::text))
        .await?;
    show_validation(context, &validation, template)?;
    Ok(if validation.valid {
        Exit::Ok
    } else {
        Exit::Refused
    })
}

fn show_validation(
    context: &Context,
    validation: &Validation,
    template: bool,
) -> Result<(), CliError> {
    match &validation.index_template {
        Some(index_template) if template => context.out.json(index_template),
        _ => context
            .out
            .show(validation, |view| job::validation(validation, view)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_that_was_got_can_be_put() {
        let text = "mode: batch\nformat: { type: csv }\ndestination: { index: x }\n";
        let value: serde_json::Value = serde_yaml_ng::from_str(text).unwrap();
        let spec = domain::spec::parse(&value).unwrap();
        let name = crate::names::job("acme/flights").unwrap();
        let printed = yaml(&name, 3, &spec).unwrap();
        assert!(
            printed.starts_with("# acme/flights, revision 3\n"),
            "{printed}"
        );
        let again: serde_json::Value = serde_yaml_ng::from_str(&printed).unwrap();
        assert_eq!(domain::spec::parse(&again).unwrap(), spec);
    }
}
