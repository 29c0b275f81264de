//! `ingest job render`: what Filebeat and Logstash need to do a job.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use domain::worker::DmsEndpoint;
use engine_elastic::render::{RenderedFile, render as render_files};
use wrangling::{Environment, Resources};

use super::Context;
use crate::args::{Auth, RenderArgs};
use crate::connect::Role;
use crate::error::CliError;
use crate::exit::Exit;

pub(super) async fn render(context: &Context, arguments: &RenderArgs) -> Result<Exit, CliError> {
    let name = &arguments.job;
    let client = context.client(Role::Client(&name.client))?;
    let job = client.job(name).await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let environment = Environment {
        clock_ms: now.map_or(0, |now| now.as_millis() as i64),
        client: name.client.to_string(),
        job: name.job.to_string(),
        run: arguments.run.clone(),
        revision: u64::from(job.summary.revision),
        // the operator's files and variables are where the manager is
        resources: Resources::Unchecked,
        ..Environment::default()
    };
    let files = render_files(
        &job.spec,
        &environment,
        &endpoint(arguments),
        arguments.workers,
    )
    .map_err(|error| CliError::Invalid {
        message: error.to_string(),
    })?;
    if let Some(folder) = &arguments.to {
        write(folder, &files)?;
    }
    context.out.show(&files, |_| match &arguments.to {
        Some(folder) => {
            let names: Vec<&str> = files.iter().map(|file| file.name).collect();
            format!("{}: {}\n", folder.display(), names.join(", "))
        }
        None => files
            .iter()
            .map(|file| format!("# --- {}\n{}", file.name, file.text))
            .collect(),
    })?;
    Ok(Exit::Ok)
}

/// The core DMS as the configuration is to name it; secrets come from the environment, so the files here are none.
fn endpoint(arguments: &RenderArgs) -> DmsEndpoint {
    let basic = arguments.auth == Auth::Basic;
    DmsEndpoint {
        url: arguments.url.clone(),
        api_key_file: (arguments.auth == Auth::ApiKey).then(|| "ELASTICSEARCH_API_KEY".into()),
        username: basic.then(|| arguments.user.clone()),
        password_file: None,
        ca_file: None,
    }
}

fn write(folder: &Path, files: &[RenderedFile]) -> Result<(), CliError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| CliError::File { path, source }
    };
    std::fs::create_dir_all(folder).map_err(failed(folder))?;
    for file in files {
        let path = folder.join(file.name);
        std::fs::write(&path, &file.text).map_err(failed(&path))?;
    }
    Ok(())
}
