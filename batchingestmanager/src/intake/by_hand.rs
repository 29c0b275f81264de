//! Claims for runs that people start by themselves: the same copies, keys and manifest as those of staged files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use domain::error::{Culprit, Failure};
use domain::file::ManifestFile;
use domain::plan::Plan;
use domain::ports::RunContext;
use domain::units::Bytes;

use super::claim;
use crate::failure::disk;
use crate::folder::Folder;

/// Where the files lie before they are claimed, in the run's folder.
const STAGED: &str = "staged";

/// Claims `files` into the run's folder, all of them or none. Their names, without folders, are those of staged files.
///
/// # Errors
/// When a file cannot be read, or is one that the job would not take.
pub fn claim_by_hand(
    files: &[PathBuf],
    context: &RunContext,
) -> Result<Vec<ManifestFile>, Failure> {
    let root = context.folder.path().join(STAGED);
    let claimed = stage(files, &root, context).and_then(|()| {
        let root = Folder::open(&root).map_err(|e| disk("claiming files", &e))?;
        claim::claim_all(&root, context, &boundless())
    });
    match fs::remove_dir_all(&root) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(disk("clearing up claimed files", &e)),
        Ok(()) | Err(_) => claimed,
    }
}

/// Copies the files into a staging directory of their own.
fn stage(files: &[PathBuf], root: &Path, context: &RunContext) -> Result<(), Failure> {
    let folder = root
        .join(context.run.client.as_str())
        .join(context.run.job.as_str());
    fs::create_dir_all(&folder).map_err(|e| disk("making room for files", &e))?;
    for file in files {
        let unusable = |why: &str| {
            let message = format!("{}: {why}", file.display());
            Failure::permanent(
                "file_unusable",
                Culprit::Client,
                message,
                "name files that can be read, each name once",
            )
        };
        let name = file
            .file_name()
            .ok_or_else(|| unusable("this is no file"))?;
        let staged = folder.join(name);
        if staged.exists() {
            return Err(unusable("another file has the same name"));
        }
        fs::copy(file, &staged).map_err(|e| unusable(&e.to_string()))?;
    }
    Ok(())
}

/// Whoever runs it is no client of anybody's.
fn boundless() -> Plan {
    Plan {
        max_file_bytes: Bytes(u64::MAX),
        max_staging_bytes: Bytes(u64::MAX),
        max_expanded_bytes: Bytes(u64::MAX),
        max_expansion: u32::MAX,
        ..Plan::default()
    }
}
