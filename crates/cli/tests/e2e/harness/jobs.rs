//! A client of a platform and its jobs, by the typed API client.

use std::{fs, path::PathBuf, time::Duration};

use api::{Client, ClientError, PageQuery, RunInfo, client::SpecText};
use domain::{
    file::FileRecord,
    ids::{ClientId, JobRef, RunId},
    reject::Reject,
    run::RunState,
    staging::StagedFile,
    worker::RunFolder,
};
use serde_json::Value;
use testkit::wait_until;

use super::{Input, Platform, input::checksum};

/// How long anything may take; only a defect takes so long.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks at a run.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// A registered client.
pub struct Tenant<'p> {
    /// Where.
    pub platform: &'p Platform,
    /// Its id, unlike any other's on a shared core DMS.
    pub id: ClientId,
    /// Its token.
    pub token: String,
}

impl<'p> Tenant<'p> {
    /// The API with its token.
    pub fn api(&self) -> Client {
        self.platform.api(Some(&self.token))
    }

    /// A name of a job, which need not exist.
    pub fn named(&self, job: &str) -> JobRef {
        JobRef {
            client: self.id.clone(),
            job: job.parse().unwrap(),
        }
    }

    /// Puts a job.
    pub async fn job(&self, name: &str, spec: &Value) -> Job<'_, 'p> {
        let id = self.named(name);
        let put = self
            .api()
            .put_job(&id, SpecText::Json(&spec.to_string()))
            .await
            .unwrap();
        assert!(
            put.job.index.starts_with(&format!("{}.", self.id)),
            "{}",
            put.job.index
        );
        Job {
            tenant: self,
            id,
            index: put.job.index,
        }
    }
}

/// A job.
pub struct Job<'t, 'p> {
    /// Whose.
    pub tenant: &'t Tenant<'p>,
    /// Its full name.
    pub id: JobRef,
    /// The index that its documents go to.
    pub index: String,
}

impl Job<'_, '_> {
    /// The API with the client's token.
    pub fn api(&self) -> Client {
        self.tenant.api()
    }

    /// Stages bytes, with their checksum.
    pub async fn stage_bytes(
        &self,
        name: &str,
        bytes: Vec<u8>,
        sha256: &str,
    ) -> Result<StagedFile, ClientError> {
        let length = bytes.len() as u64;
        let body = futures::stream::iter([Ok(bytes::Bytes::from(bytes))]);
        self.api()
            .stage(&self.id, name, body, Some(length), Some(sha256))
            .await
    }

    /// Stages an input file.
    pub async fn stage(&self, input: &Input) {
        let bytes = input.staged();
        let (length, sha256) = (bytes.len() as u64, checksum(&bytes));
        let staged = self.stage_bytes(&input.name, bytes, &sha256).await.unwrap();
        assert_eq!((staged.bytes, staged.sha256), (length, Some(sha256)));
    }

    /// Stages input files.
    pub async fn stage_all<'i>(&self, inputs: impl IntoIterator<Item = &'i Input>) {
        for input in inputs {
            self.stage(input).await;
        }
    }

    /// Its staging directory.
    pub fn staging(&self) -> PathBuf {
        let staging = self.tenant.platform.home().join("staging");
        staging
            .join(self.id.client.as_str())
            .join(self.id.job.as_str())
    }

    /// The names in its staging directory.
    pub async fn staged(&self) -> Vec<StagedFile> {
        self.api()
            .staged(&self.id, &PageQuery::default())
            .await
            .unwrap()
            .items
    }

    /// Asks for a run.
    pub async fn start(&self) -> RunId {
        self.api().start(&self.id).await.unwrap().id
    }

    /// A run as it is now.
    pub async fn run(&self, run: &RunId) -> RunInfo {
        self.api().run(&self.id, run).await.unwrap()
    }

    /// A run as it is now, if the manager answers.
    pub async fn peek(&self, run: &RunId) -> Option<RunInfo> {
        self.api().run(&self.id, run).await.ok()
    }

    /// A run's folder.
    pub fn folder(&self, run: &RunId) -> RunFolder {
        let clientapps = self.tenant.platform.home().join("clientapps");
        RunFolder::of(&clientapps, &self.id.client, &self.id.job, run)
    }

    /// Waits until a run is as `condition` says, whether the manager always answers or not.
    pub async fn until(
        &self,
        what: &str,
        run: &RunId,
        condition: impl Fn(&RunInfo) -> bool,
    ) -> RunInfo {
        let (mut found, mut newest) = (None, None);
        wait_until(what, PATIENCE, async || {
            if let Some(now) = self.peek(run).await {
                if condition(&now) {
                    found = Some(now);
                } else {
                    assert!(!now.ended, "the run has ended before {what}: {now:#?}");
                    newest = Some(now);
                }
            }
            if found.is_none() {
                // asking costs the same processor time that the platform needs
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            found.is_some()
        })
        .await;
        found.unwrap_or_else(|| panic!("{what}: {newest:#?}"))
    }

    /// Waits until at least so many records of a run are accounted for.
    pub async fn until_accounted(&self, run: &RunId, records: u64) -> RunInfo {
        let what = format!("{records} records are accounted for");
        self.until(&what, run, |now| now.ledger.accounted() >= records)
            .await
    }

    /// Waits for a run's end, which must be this one.
    pub async fn ends(&self, run: &RunId, state: RunState) -> RunInfo {
        let end = self.until("the run has ended", run, |now| now.ended).await;
        assert_eq!(end.state, state, "{end:#?}");
        end
    }

    /// Runs the job to its end.
    pub async fn run_to(&self, state: RunState) -> RunInfo {
        let run = self.start().await;
        self.ends(&run, state).await
    }

    /// All files of a run.
    pub async fn files(&self, run: &RunId) -> Vec<FileRecord> {
        self.paged(async |page| self.api().files(&self.id, run, page).await.unwrap())
            .await
    }

    /// All rejects of a run.
    pub async fn rejects(&self, run: &RunId) -> Vec<Reject> {
        self.paged(async |page| self.api().rejects(&self.id, run, page).await.unwrap())
            .await
    }

    async fn paged<T>(&self, ask: impl AsyncFn(&PageQuery) -> api::Page<T>) -> Vec<T> {
        let mut items = Vec::new();
        let mut query = PageQuery::first(3);
        loop {
            let page = ask(&query).await;
            items.extend(page.items);
            match page.next {
                Some(next) => query = PageQuery::after(next),
                None => return items,
            }
        }
    }

    /// Removes the job and its documents, which are of no further use.
    pub async fn forget(self) {
        self.api().delete_job(&self.id).await.unwrap();
        self.tenant
            .platform
            .dms()
            .ask(reqwest::Method::DELETE, &self.index, None)
            .await;
    }

    /// Names of the files in a folder below the staging directory.
    pub fn names_in(&self, below: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.staging().join(below)) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// The states of a run without trouble, in their order.
pub const WAY: [RunState; 6] = [
    RunState::Claiming,
    RunState::Starting,
    RunState::Running,
    RunState::Draining,
    RunState::Verifying,
    RunState::TearingDown,
];

/// Whether a run has come to a state, or beyond it.
pub fn has_come_to(state: RunState, run: &RunInfo) -> bool {
    let place = |state| WAY.iter().position(|known| *known == state);
    run.ended || place(run.state).is_some_and(|at| Some(at) >= place(state))
}
