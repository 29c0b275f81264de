//! `ingest job preview`.

use std::path::Path;

use api::{MAX_SAMPLE_BYTES, Preview, PreviewCheck, PreviewRequest, SampleContent};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::preview::{Counts, Take, causes};
use domain::provisions::Provisions;
use domain::reject::RawEncoding;
use domain::spec::JobSpec;
use serde_json::Value;

use super::Context;
use crate::args::PreviewArgs;
use crate::connect::Role;
use crate::error::CliError;
use crate::exit::Exit;
use crate::offline;
use crate::output::{preview, problem};
use crate::spec_file::SpecFile;

/// As much of a file is looked at without a manager.
const OFFLINE_BYTES: usize = 16 << 20;

pub(super) async fn run(context: &Context, arguments: &PreviewArgs) -> Result<Exit, CliError> {
    let spec = arguments
        .spec
        .as_deref()
        .map(|path| SpecFile::read(path)?.value())
        .transpose()?;
    let shown = match (&arguments.job, &spec, &arguments.file) {
        (Some(job), _, _) => {
            let request = PreviewRequest {
                spec,
                staged: arguments.staged.clone(),
                sample: arguments.file.as_deref().map(sample).transpose()?,
                records: Some(arguments.records),
                check: arguments.check_core_dms.then_some(PreviewCheck::CoreDms),
            };
            let api = context.client(Role::Client(&job.client))?;
            api.preview(job, &request).await?
        }
        (None, Some(spec), Some(file)) => here(context, arguments, spec, file)?,
        (None, ..) => {
            return Err(CliError::Usage {
                message: "there is no job, and not both of --spec and --file".into(),
                next_step: "name a job, or give --spec and --file".into(),
            });
        }
    };
    context.out.show(&shown, |view| {
        preview::preview(&shown, arguments.full, view)
    })?;
    Ok(Exit::Ok)
}

/// A file as a request carries it.
fn sample(path: &Path) -> Result<SampleContent, CliError> {
    let (bytes, whole) = offline::beginning(path, MAX_SAMPLE_BYTES)?;
    let (content, encoding) = match String::from_utf8(bytes) {
        Ok(text) if !has_many_escapes(&text) => (text, RawEncoding::Utf8),
        Ok(text) => (STANDARD.encode(text), RawEncoding::Base64),
        Err(error) => (STANDARD.encode(error.as_bytes()), RawEncoding::Base64),
    };
    Ok(SampleContent {
        name: offline::name_of(path),
        content,
        encoding,
        cut: !whole,
    })
}

/// Whether a text is longer in JSON than in base64.
fn has_many_escapes(text: &str) -> bool {
    let escaped = text
        .bytes()
        .filter(|b| *b < b' ' || matches!(b, b'"' | b'\\'));
    escaped.count() > text.len() / 3
}

/// A preview without a manager.
fn here(
    context: &Context,
    arguments: &PreviewArgs,
    spec: &Value,
    file: &Path,
) -> Result<Preview, CliError> {
    let resources = arguments.resources.clone();
    let spec = parse(context, spec, resources.clone())?;
    let (bytes, whole) = offline::beginning(file, OFFLINE_BYTES)?;
    let name = offline::name_of(file);
    let take = Take {
        records: arguments.records as usize,
        cut: !whole,
    };
    let now_ms = context.now_ms();
    let mut files = offline::carry(&spec, resources, now_ms, &[(name.clone(), bytes)], take)?;
    let file = files
        .pop()
        .ok_or_else(|| CliError::Render("no file".into()))?;
    Ok(Preview {
        file: name,
        ids_are_final: false,
        complete: file.ended,
        failure: file.failure,
        counts: Counts::of(&file.records),
        causes: causes(&file.records),
        records: file.records,
        index_template: None,
        conflicts: None,
    })
}

/// A spec that is valid, or everything that is wrong with it.
pub(super) fn parse(
    context: &Context,
    spec: &Value,
    resources: Option<std::path::PathBuf>,
) -> Result<JobSpec, CliError> {
    let provisions = Provisions {
        resources,
        ..Provisions::default()
    };
    domain::spec::parse_in(spec, &provisions.environment()).map_err(|violations| {
        let lines = problem::violations(&violations, &context.out.error_view);
        CliError::Invalid {
            message: format!("the spec is not valid\n  {}", lines.join("\n  ")),
        }
    })
}
