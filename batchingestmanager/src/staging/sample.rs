//! The beginning of a staged file, for a preview.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use domain::ids::JobRef;
use domain::staging::StagingError;

use super::survey::job_folder;
use crate::failure::disk;
use crate::folder::Folder;

/// Copies at most `limit` bytes of a staged file to the new file `to`; says whether that is all of it.
pub fn copy(
    root: &Folder,
    job: &JobRef,
    name: &str,
    limit: u64,
    to: &Path,
) -> Result<bool, StagingError> {
    // only a name that is one entry of the folder itself; a hidden one is not there yet
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
        return Err(StagingError::NotFound(name.to_owned()));
    }
    let copied = || -> io::Result<Option<bool>> {
        let Some(folder) = job_folder(root, job)? else {
            return Ok(None);
        };
        let Some((file, stamp)) = folder.open_file(name)? else {
            return Ok(None);
        };
        let mut copy = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(to)?;
        let bytes = io::copy(&mut file.take(limit), &mut copy)?;
        Ok(Some(bytes >= stamp.bytes))
    };
    match copied() {
        Ok(Some(whole)) => Ok(whole),
        Ok(None) => Err(StagingError::NotFound(name.to_owned())),
        Err(e) => Err(disk("taking a sample of a staged file", &e).into()),
    }
}
