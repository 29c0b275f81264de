//! A job's pipeline without a manager: the same stages as a worker's, in this process, on files of this machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use domain::EpochMs;
use domain::error::Failure;
use domain::ids::InvalidId;
use domain::preview::{SampledFile, Take};
use domain::provisions::{Containers, Provisions};
use domain::spec::JobSpec;
use domain::units::{Bytes, Span};
use domain::worker::{DmsEndpoint, RunFolder, WorkOrder};
use engine_native::preview::{lay_out, preview, sample_path};

use crate::error::CliError;

/// What documents name as their client, job and run.
pub const CLIENT: &str = "client";
const JOB: &str = "job";
const NO_RUN: &str = "00000000000000000000000000";

/// What becomes of files of these names and contents.
pub fn carry(
    spec: &JobSpec,
    resources: Option<PathBuf>,
    clock_ms: EpochMs,
    files: &[(String, Vec<u8>)],
    take: Take,
) -> Result<Vec<SampledFile>, CliError> {
    let dir = tempfile::tempdir()?;
    let folder = RunFolder::new(dir.path());
    lay_samples(&folder, files).map_err(|source| CliError::File {
        path: dir.path().to_owned(),
        source,
    })?;
    let order = order(spec, resources, clock_ms).map_err(|e| invalid(e.to_string()))?;
    let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    lay_out(&folder, &order, &names, take)
        .and_then(|()| preview(&folder))
        .map_err(|failure: Failure| invalid(failure.message))
}

fn invalid(message: String) -> CliError {
    CliError::Invalid { message }
}

fn lay_samples(folder: &RunFolder, files: &[(String, Vec<u8>)]) -> io::Result<()> {
    fs::create_dir(folder.claimed())?;
    for (number, (_, content)) in files.iter().enumerate() {
        fs::write(sample_path(folder, number), content)?;
    }
    Ok(())
}

fn order(
    spec: &JobSpec,
    resources: Option<PathBuf>,
    clock_ms: EpochMs,
) -> Result<WorkOrder, InvalidId> {
    Ok(WorkOrder {
        client: CLIENT.parse()?,
        job: JOB.parse()?,
        run: NO_RUN.parse()?,
        revision: 0,
        spec_digest: String::new(),
        spec: spec.clone(),
        clock_ms,
        dms: DmsEndpoint {
            url: String::new(),
            api_key_file: None,
            username: None,
            password_file: None,
            ca_file: None,
        },
        memory: Bytes::mib(512),
        cpu_millis: 64_000,
        orphan_after: Span::secs(60),
        hold: false,
        provisions: Provisions {
            resources,
            ..Provisions::default()
        },
        containers: Containers::default(),
    })
}

/// The first bytes of a file, at most `limit`; whether that is all of it.
pub fn beginning(path: &Path, limit: usize) -> Result<(Vec<u8>, bool), CliError> {
    use io::Read;
    let mut bytes = Vec::new();
    let read =
        fs::File::open(path).and_then(|file| file.take(limit as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|source| CliError::File {
        path: path.to_owned(),
        source,
    })?;
    let whole = bytes.len() <= limit;
    bytes.truncate(limit);
    Ok((bytes, whole))
}

/// The name of a file.
pub fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(
        || "sample".into(),
        |name| name.to_string_lossy().into_owned(),
    )
}
