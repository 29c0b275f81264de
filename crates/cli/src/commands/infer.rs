//! `ingest job infer`: a first spec for a file, tried on the file's own beginning.

use std::path::Path;

use ::infer::{Draft, SAMPLE_BYTES};
use domain::preview::{Counts, Take, causes};
use serde::Serialize;

use super::{Context, preview};
use crate::args::InferArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::offline;
use crate::output::human;

/// So many records are tried.
const TRIED: usize = 1000;

/// A draft, for programs.
#[derive(Serialize)]
struct Inferred<'d> {
    spec: &'d str,
    format: &'d str,
    confidence: u8,
    remarks: &'d [String],
    tried: Counts,
}

pub(super) fn run(context: &Context, arguments: &InferArgs) -> Result<Exit, CliError> {
    let (bytes, whole) = offline::beginning(&arguments.file, SAMPLE_BYTES)?;
    let name = offline::name_of(&arguments.file);
    let job = arguments.name.clone().unwrap_or_else(|| stem(&name));
    let draft = ::infer::infer(&bytes, &name, &job).map_err(|unknown| CliError::Invalid {
        message: format!("{}: {unknown}", arguments.file.display()),
    })?;
    let (tried, cause) = tried(context, &draft, name, bytes, whole)?;
    let inferred = Inferred {
        spec: &draft.yaml,
        format: &draft.format,
        confidence: draft.confidence,
        remarks: &draft.remarks,
        tried,
    };
    if let Some(path) = &arguments.to {
        write(path, &draft.yaml)?;
    }
    context.out.show(&inferred, |_| match &arguments.to {
        Some(_) => String::new(),
        None => draft.yaml.clone(),
    })?;
    context
        .out
        .beside(|_| told(&draft, &tried, cause.as_deref()));
    Ok(Exit::Ok)
}

/// What the draft makes of the sample, and the commonest cause of rejects.
fn tried(
    context: &Context,
    draft: &Draft,
    name: String,
    bytes: Vec<u8>,
    whole: bool,
) -> Result<(Counts, Option<String>), CliError> {
    let value =
        serde_yaml_ng::from_str(&draft.yaml).map_err(|e| CliError::Render(e.to_string()))?;
    let spec = preview::parse(context, &value, None)?;
    let take = Take {
        records: TRIED,
        cut: !whole,
    };
    let files = offline::carry(&spec, None, context.now_ms(), &[(name, bytes)], take)?;
    let records: Vec<_> = files.into_iter().flat_map(|file| file.records).collect();
    let cause = causes(&records).into_iter().next();
    let cause = cause.map(|cause| format!("line {}: {}", cause.line, cause.first.message));
    Ok((Counts::of(&records), cause))
}

/// What goes with the spec, for people.
fn told(draft: &Draft, tried: &Counts, cause: Option<&str>) -> String {
    let mut lines = vec![format!(
        "{} ({} %); of the first {} {} would be rejected",
        draft.format,
        draft.confidence,
        human::counted(tried.records, "record"),
        human::count(tried.rejected),
    )];
    lines.extend(cause.map(|cause| format!("for example {cause}")));
    lines.extend(draft.remarks.iter().cloned());
    lines.join("\n")
}

/// A file's name up to its first dot, as a job may be called.
fn stem(name: &str) -> String {
    let stem = name.split('.').find(|part| !part.is_empty());
    stem.unwrap_or("records").to_owned()
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    std::fs::write(path, text).map_err(|source| CliError::File {
        path: path.to_owned(),
        source,
    })
}
