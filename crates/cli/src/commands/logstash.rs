//! `ingest job import` and `ingest job export`: jobs from Logstash configurations, and back.

use std::path::Path;

use api::PutJob;
use api::client::SpecText;
use domain::finding::Finding;
use domain::ids::{ClientId, JobRef};
use domain::{Violation, export, import};
use serde::Serialize;
use serde_json::Value;

use super::Context;
use crate::args::ImportArgs;
use crate::connect::Role;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::{finding, human, job};
use crate::spec_file::{self, read_text};

/// What an import came to, for programs.
#[derive(Serialize)]
struct Imported<'i> {
    spec: &'i Value,
    findings: &'i [Finding],
    #[serde(skip_serializing_if = "Option::is_none")]
    put: Option<PutJob>,
}

pub(super) async fn import(context: &Context, arguments: &ImportArgs) -> Result<Exit, CliError> {
    let text = read_text(&arguments.file)?;
    let client = arguments.client.as_ref().map(ClientId::as_str);
    let import = import::import(&text, client).map_err(|found| syntax(&arguments.file, &found))?;
    let mut imported = Imported {
        spec: &import.spec,
        findings: &import.findings,
        put: None,
    };
    show_findings(context, &import.findings);
    let impossible = import.impossible();
    if impossible > 0 && !arguments.force {
        if context.out.is_json() {
            context.out.json(&imported)?;
        }
        return Err(refusal(impossible));
    }
    let yaml = spec_file::write(&import.spec)?;
    if let Some(path) = &arguments.to {
        write(path, &yaml)?;
    }
    if let (true, Some(client), Some(job)) = (arguments.put, &arguments.client, &arguments.job) {
        let name = JobRef {
            client: client.clone(),
            job: job.clone(),
        };
        let api = context.client(Role::Client(client))?;
        imported.put = Some(api.put_job(&name, SpecText::Yaml(&yaml)).await?);
    }
    context.out.show(&imported, |view| match &imported.put {
        Some(put) => job::put(put, view),
        None if arguments.to.is_some() => String::new(),
        None => yaml,
    })?;
    Ok(Exit::Ok)
}

pub(super) async fn export(
    context: &Context,
    name: &JobRef,
    to: Option<&Path>,
) -> Result<Exit, CliError> {
    let job = context
        .client(Role::Client(&name.client))?
        .job(name)
        .await?;
    let export =
        export::export(&job.spec, name.client.as_str(), &job.staging_dir).map_err(|e| {
            CliError::Invalid {
                message: e.to_string(),
            }
        })?;
    show_findings(context, &export.findings);
    if let Some(path) = to {
        write(path, &export.pipeline)?;
    }
    context.out.show(&export, |_| match to {
        Some(_) => String::new(),
        None => export.pipeline.clone(),
    })?;
    Ok(Exit::Ok)
}

fn show_findings(context: &Context, findings: &[Finding]) {
    if !findings.is_empty() {
        context.out.beside(|view| finding::list(findings, view));
    }
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    std::fs::write(path, text).map_err(|source| CliError::File {
        path: path.to_owned(),
        source,
    })
}

fn syntax(path: &Path, found: &[Violation]) -> CliError {
    let messages: Vec<String> = found.iter().map(ToString::to_string).collect();
    CliError::Invalid {
        message: format!(
            "{} is no Logstash configuration: {}",
            path.display(),
            messages.join("; ")
        ),
    }
}

fn refusal(impossible: usize) -> CliError {
    let count = human::counted(impossible as u64, "finding");
    CliError::Invalid {
        message: format!(
            "the job would not mean the same: {count} of what is impossible; change the configuration, or say --force to go on without these parts"
        ),
    }
}
