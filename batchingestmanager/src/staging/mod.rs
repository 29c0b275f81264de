//! The staging area on a local disk: `<root>/<client>/<job>/`, with `done/` and `quarantine/` for what runs have
//! finished with, and a hidden `.incoming/` for uploads under way.

mod arrival;
mod complete;
mod delivery;
mod digests;
mod hints;
mod name;
mod parts;
mod quota;
mod sample;
mod survey;
mod upload;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use domain::error::Failure;
use domain::ids::{ClientId, JobRef};
use domain::plan::Plan;
use domain::spec::JobSpec;
use domain::staging::{StagedFile, StagingArea, StagingError, Upload};

use crate::failure::{blocking, disk};
use crate::folder::Folder;
pub(crate) use complete::marker_of;
pub(crate) use complete::sum_up;
pub(crate) use delivery::{Delivery, incomplete};
pub(crate) use digests::Digests;
use hints::Hints;
use parts::{Parts, part_name};
use quota::Accounts;
pub(crate) use survey::{Found, Selector, Surveyed, job_folder, survey, unclaimed};

/// Sub-folder for files that were ingested, by run.
pub(crate) const DONE: &str = "done";
/// Sub-folder for files that could not be read to their end, by run.
pub(crate) const QUARANTINE: &str = "quarantine";
/// Sub-folder for uploads under way.
const INCOMING: &str = ".incoming";

/// The staging directories of all clients. One process has them at a time.
pub struct LocalStaging {
    pub(crate) root: Arc<Folder>,
    pub(crate) digests: Arc<Digests>,
    accounts: Accounts,
    uploads: AtomicU64,
    parts: Arc<Parts>,
    pub(crate) hints: Hints,
}

impl LocalStaging {
    /// Opens the staging area at `root`, makes it if it is missing, and removes what uploads left that a crash cut off.
    pub async fn open(root: PathBuf) -> Result<Self, Failure> {
        let hints = Hints::new(root.clone());
        let root = blocking(move || {
            let open = || -> io::Result<Folder> {
                std::fs::create_dir_all(&root)?;
                let folder = Folder::open(&root.canonicalize()?)?;
                sweep(&folder)?;
                Ok(folder)
            };
            open().map_err(|e| disk(&format!("opening the staging area {}", root.display()), &e))
        })
        .await?;
        Ok(Self {
            root: Arc::new(root),
            digests: Arc::default(),
            accounts: Accounts::default(),
            uploads: AtomicU64::new(0),
            parts: Arc::default(),
            hints,
        })
    }

    /// What a client's staging directories hold, by a look at the disk.
    async fn measure(&self, client: &ClientId) -> Result<u64, Failure> {
        let (root, client, parts) = (self.root.clone(), client.clone(), self.parts.clone());
        blocking(move || {
            let measure = || Ok(survey::usage(&root, &client)? + parts.usage(&root, &client)?);
            measure().map_err(|e: io::Error| disk("measuring the staging directories", &e))
        })
        .await
    }

    fn temporary_name(&self) -> String {
        format!(
            "{}-{}",
            std::process::id(),
            self.uploads.fetch_add(1, Ordering::Relaxed)
        )
    }
}

/// Empties every `.incoming/`, but for what can be continued.
fn sweep(root: &Folder) -> io::Result<()> {
    for client in folders(root)? {
        for job in folders(&client)? {
            // something else under that name is found out by the next upload
            if let Ok(Some(incoming)) = job.child(INCOMING) {
                incoming.clear_but(|name| parts::is_kept(&incoming, name))?;
            }
        }
    }
    Ok(())
}

/// The folders in a folder.
fn folders(folder: &Folder) -> io::Result<Vec<Folder>> {
    let names = folder
        .names()?
        .into_iter()
        .filter_map(|name| name.into_string().ok());
    // what is no folder cannot be opened as one, and is of no concern here
    Ok(names
        .filter_map(|name| folder.child(&name).ok().flatten())
        .collect())
}

#[async_trait]
impl StagingArea for LocalStaging {
    async fn create(&self, job: &JobRef) -> Result<(), Failure> {
        let (root, job) = (self.root.clone(), job.clone());
        blocking(move || {
            let create = || -> io::Result<()> {
                let folder = root
                    .make_child(job.client.as_str())?
                    .make_child(job.job.as_str())?;
                for name in [DONE, QUARANTINE, INCOMING] {
                    folder.make_child(name)?;
                }
                folder.sync()
            };
            create().map_err(|e| disk("making the staging directory", &e))
        })
        .await
    }

    async fn remove(&self, job: &JobRef) -> Result<(), Failure> {
        self.accounts.of(&job.client).forget();
        let (root, job) = (self.root.clone(), job.clone());
        blocking(move || {
            let remove = || -> io::Result<()> {
                let Some(client) = root.child(job.client.as_str())? else {
                    return Ok(());
                };
                let Some(folder) = client.child(job.job.as_str())? else {
                    return Ok(());
                };
                folder.clear()?;
                client.remove_child(job.job.as_str())
            };
            remove().map_err(|e| disk("removing the staging directory", &e))
        })
        .await
    }

    async fn list(
        &self,
        job: &JobRef,
        spec: &JobSpec,
        plan: &Plan,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StagedFile>, Failure> {
        let (root, job, spec, plan, after) = (
            self.root.clone(),
            job.clone(),
            spec.clone(),
            plan.clone(),
            after.map(str::to_owned),
        );
        let digests = self.digests.clone();
        blocking(move || {
            let surveyed = survey(&root, &digests, &job, &spec, &plan)
                .map_err(|e| disk("listing the staging directory", &e))?;
            let behind = surveyed
                .found
                .into_iter()
                .filter(|file| after.as_ref().is_none_or(|after| &file.name > after));
            Ok(behind.take(limit).map(Found::staged).collect())
        })
        .await
    }

    async fn put(&self, upload: Upload<'_>) -> Result<StagedFile, StagingError> {
        self.take_in(upload).await
    }

    async fn received(&self, job: &JobRef, name: &str, sha256: &str) -> Result<u64, Failure> {
        let (root, job) = (self.root.clone(), job.clone());
        let part = part_name(&job, name, sha256);
        blocking(move || {
            let look = || -> io::Result<u64> {
                let Some(folder) = job_folder(&root, &job)? else {
                    return Ok(0);
                };
                let Some(incoming) = folder.child(INCOMING)? else {
                    return Ok(0);
                };
                Ok(incoming.stamp(part)?.map_or(0, |stamp| stamp.bytes))
            };
            look().map_err(|e| disk("looking for what has come of an upload", &e))
        })
        .await
    }

    async fn sample(
        &self,
        job: &JobRef,
        name: &str,
        limit: u64,
        to: &Path,
    ) -> Result<bool, StagingError> {
        let (root, job, name, to) = (
            self.root.clone(),
            job.clone(),
            name.to_owned(),
            to.to_owned(),
        );
        blocking(move || sample::copy(&root, &job, &name, limit, &to)).await
    }

    async fn delete(&self, job: &JobRef, name: &str) -> Result<(), StagingError> {
        let account = self.accounts.of(&job.client);
        let (root, job, name) = (self.root.clone(), job.clone(), name.to_owned());
        blocking(move || {
            // only a name that is one entry of the folder itself; a hidden or an odd one may be deleted too
            if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
                return Err(StagingError::NotFound(name));
            }
            let remove = || -> io::Result<bool> {
                let Some(folder) = job_folder(&root, &job)? else {
                    return Ok(false);
                };
                let is_folder = folder
                    .stamp(&name)?
                    .is_some_and(|stamp| stamp.kind == rustix::fs::FileType::Directory);
                Ok(!is_folder && folder.remove_file(&name)? && folder.sync().map(|()| true)?)
            };
            match remove() {
                Ok(true) => Ok(()),
                Ok(false) => Err(StagingError::NotFound(name)),
                Err(e) => Err(disk("deleting a staged file", &e).into()),
            }
        })
        .await?;
        account.forget();
        Ok(())
    }

    async fn usage(&self, client: &ClientId) -> Result<u64, Failure> {
        self.measure(client).await
    }
}
