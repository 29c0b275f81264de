//! Bringing files back that were put away after a run: its documents were removed, and they are to be ingested again.

use std::io;

use domain::error::Failure;
use domain::ids::{JobRef, RunId};

use crate::failure::disk;
use crate::folder::Folder;
use crate::staging::{DONE, QUARANTINE, job_folder};

/// Moves all files that were put away after a run, or the one of this name, back to the staging directory. A file whose
/// name is taken there stays where it is.
pub fn restage(
    root: &Folder,
    job: &JobRef,
    run: &RunId,
    name: Option<&str>,
) -> Result<(), Failure> {
    let restage = || {
        let Some(staging) = job_folder(root, job)? else {
            return Ok(());
        };
        for place in [DONE, QUARANTINE] {
            let Some(place) = staging.child(place)? else {
                continue;
            };
            if let Some(folder) = place.child(run.as_str())? {
                bring_back(&folder, &staging, name)?;
                staging.sync()?;
                folder.sync()?;
            }
        }
        Ok(())
    };
    restage().map_err(|e| disk("bringing files back to the staging directory", &e))
}

fn bring_back(folder: &Folder, staging: &Folder, name: Option<&str>) -> io::Result<()> {
    for found in folder.names()? {
        // the platform puts away nothing but files with names that are text
        let Some(found) = found.to_str() else {
            continue;
        };
        if name.is_some_and(|name| name != found) || folder.stamp(found)?.is_none() {
            continue;
        }
        if !folder.publish(found, staging, found)? {
            tracing::warn!(
                name = found,
                "a file could not be brought back: another one of its name is staged"
            );
        }
    }
    Ok(())
}
