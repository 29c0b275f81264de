//! `ingest job render`: what Filebeat and Logstash need to do a job.

use std::fs::DirBuilder;
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use domain::audit::Actor;
use domain::error::Failure;
use domain::ids::{JobRef, RunId};
use domain::ports::RunContext;
use domain::provisions::{Containers, Provisions};
use domain::run::{NewRun, Run};
use domain::units::Span;
use domain::worker::{DmsEndpoint, RunFolder, WorkOrder};
use engine_elastic::conductor::take_away;
use engine_elastic::render::render as render_files;
use serde::Serialize;
use wrangling::{Environment, Resources};

use super::Context;
use crate::args::{Auth, RenderArgs};
use crate::connect::Role;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output::human;

/// A folder that was filled.
#[derive(Serialize)]
struct Rendered {
    folder: PathBuf,
    run: RunId,
    files: Vec<String>,
    records: u64,
}

pub(super) async fn render(context: &Context, arguments: &RenderArgs) -> Result<Exit, CliError> {
    let name = &arguments.job;
    let client = context.client(Role::Client(&name.client))?;
    let job = client.job(name).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let run = match &arguments.run {
        Some(run) => run.clone(),
        None => ulid::Ulid::generate()
            .to_string()
            .to_lowercase()
            .parse()
            .map_err(|e: domain::ids::InvalidId| invalid(&e))?,
    };
    let order = WorkOrder {
        client: name.client.clone(),
        job: name.job.clone(),
        run,
        revision: job.summary.revision,
        spec_digest: job.summary.spec_digest,
        spec: job.spec,
        clock_ms: now.map_or(0, |now| now.as_millis() as i64),
        dms: endpoint(arguments),
        memory: arguments.memory,
        cpu_millis: arguments.workers.saturating_mul(1000),
        orphan_after: Span::secs(0),
        hold: false,
        // the operator's files and variables are where the manager is
        provisions: Provisions::default(),
        containers: Containers::default(),
    };
    match &arguments.to {
        Some(folder) => {
            let rendered = fill(folder, order, arguments.files.clone()).await?;
            context.out.show(&rendered, |_| in_words(&rendered))?;
        }
        None => {
            let environment = Environment {
                clock_ms: order.clock_ms,
                client: order.client.to_string(),
                job: order.job.to_string(),
                run: order.run.to_string(),
                revision: u64::from(order.revision),
                resources: Resources::Unchecked,
                ..Environment::default()
            };
            let files = render_files(&order.spec, &environment, &order.dms, arguments.workers)
                .map_err(|error| invalid(&error))?;
            context.out.show(&files, |_| {
                let section = |file: &engine_elastic::render::RenderedFile| {
                    format!("# --- {}\n{}", file.name, file.text)
                };
                files.iter().map(section).collect()
            })?;
        }
    }
    Ok(Exit::Ok)
}

fn invalid(error: &impl ToString) -> CliError {
    let message = error.to_string();
    CliError::Invalid { message }
}

fn in_words(rendered: &Rendered) -> String {
    format!(
        "{}: {}\n{} in frames/, of run {}\n",
        rendered.folder.display(),
        rendered.files.join(", "),
        human::counted(rendered.records, "record"),
        rendered.run,
    )
}

/// The core DMS as the configuration is to name it; secrets come from the environment, so the files here are none.
fn endpoint(arguments: &RenderArgs) -> DmsEndpoint {
    let basic = arguments.auth == Auth::Basic;
    DmsEndpoint {
        url: arguments.url.clone(),
        api_key_file: (arguments.auth == Auth::ApiKey).then(|| "ELASTICSEARCH_API_KEY".into()),
        username: basic.then(|| arguments.user.clone()),
        password_file: basic.then(|| "ELASTICSEARCH_PASSWORD".into()),
        ca_file: None,
    }
}

/// A folder with nothing in it.
fn empty_folder(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            match std::fs::read_dir(folder)?.next().is_none() {
                true => Ok(()),
                false => Err(ErrorKind::DirectoryNotEmpty.into()),
            }
        }
        made => made,
    }
}

/// Claims the files into a new folder, as the platform would, and lays a run out in it. A folder that cannot be filled is
/// removed again.
async fn fill(folder: &Path, order: WorkOrder, files: Vec<PathBuf>) -> Result<Rendered, CliError> {
    empty_folder(folder).map_err(|source| CliError::File {
        path: folder.to_owned(),
        source,
    })?;
    let path = folder.to_owned();
    let work = move || {
        let filled = lay_out(&path, order, &files);
        if filled.is_err() {
            // the reason is more worth than what may be left
            let _ = std::fs::remove_dir_all(&path);
        }
        filled
    };
    let filled = tokio::task::spawn_blocking(work).await;
    filled
        .map_err(|e| invalid(&e))?
        .map_err(|failure| CliError::Invalid {
            message: format!("{}; {}", failure.message, failure.next_step),
        })
}

fn lay_out(path: &Path, order: WorkOrder, files: &[PathBuf]) -> Result<Rendered, Failure> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = RunFolder::new(&path);
    if !files.is_empty() {
        let context = RunContext {
            run: run_of(&order),
            spec: order.spec.clone(),
            folder: folder.clone(),
        };
        batchingestmanager::claim_by_hand(files, &context)?;
    }
    let (run, order) = (order.run.clone(), Arc::new(order));
    let records = take_away(&order, &folder)?;
    // what was claimed is in the frames now
    let _ = std::fs::remove_dir_all(folder.claimed());
    let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
    let mut files: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    Ok(Rendered {
        folder: path,
        run,
        files,
        records,
    })
}

/// The run as a claim wants to see it.
fn run_of(order: &WorkOrder) -> Run {
    let new = NewRun {
        id: order.run.clone(),
        job: JobRef {
            client: order.client.clone(),
            job: order.job.clone(),
        },
        revision: order.revision,
        spec_digest: order.spec_digest.clone(),
        engine: order.spec.engine,
        started_by: Actor::Platform,
    };
    Run::queued(new, order.clock_ms)
}
