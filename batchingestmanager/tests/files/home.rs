//! A home for one test: a staging area, a metadata store with a client in it, and runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use batchingestmanager::{BatchIntake, LocalStaging};
use domain::audit::Actor;
use domain::client::Client;
use domain::error::Failure;
use domain::file::{FileRecord, FileState, ManifestFile};
use domain::ids::{JobRef, RunId};
use domain::ledger::Ledger;
use domain::plan::Plan;
use domain::ports::{Intake, RunContext};
use domain::run::{NewRun, Outcome, Run};
use domain::spec::{EngineKind, JobSpec};
use domain::staging::{StagedFile, StagedState, StagingArea, StagingError, Upload, UploadBody};
use domain::store::Metadata;
use domain::units::Bytes;
use tempfile::TempDir;

pub struct Home {
    pub folder: TempDir,
    pub staging: Arc<LocalStaging>,
    pub intake: BatchIntake,
    pub job: JobRef,
    pub spec: JobSpec,
    pub plan: Plan,
}

/// A job's spec, with more or other fields of `source`.
pub fn spec(source: serde_json::Value) -> JobSpec {
    let spec = serde_json::json!({
        "mode": "batch", "source": source, "format": { "type": "csv" }, "destination": { "index": "flights" },
    });
    serde_json::from_value(spec).unwrap()
}

pub fn job(name: &str) -> JobRef {
    let (client, job) = name.split_once('/').unwrap();
    JobRef {
        client: client.parse().unwrap(),
        job: job.parse().unwrap(),
    }
}

pub fn run_id(number: u32) -> RunId {
    format!("01{number:024}").parse().unwrap()
}

impl Home {
    pub async fn new() -> Self {
        Self::with(Plan::default(), serde_json::json!({})).await
    }

    pub async fn with(plan: Plan, source: serde_json::Value) -> Self {
        let folder = TempDir::new().unwrap();
        let staging = Arc::new(
            LocalStaging::open(folder.path().join("staging"))
                .await
                .unwrap(),
        );
        let store = metastore::connect(&format!(
            "sqlite:{}",
            folder.path().join("metadata.sqlite").display()
        ))
        .await
        .unwrap();
        let metadata = Metadata::new(store);
        let job = job("acme/flights");
        let client = Client {
            id: job.client.clone(),
            name: "Acme".into(),
            contact: "acme@example.org".into(),
            plan_name: "standard".into(),
            plan: plan.clone(),
            created_ms: 0,
            slots: Vec::new(),
        };
        metadata.create(&client, None).await.unwrap();
        staging.create(&job).await.unwrap();
        let intake = BatchIntake::new(staging.clone(), metadata);
        Self {
            folder,
            staging,
            intake,
            job,
            spec: spec(source),
            plan,
        }
    }

    /// A small plan.
    pub fn plan(max_file_bytes: u64, max_staging_bytes: u64) -> Plan {
        Plan {
            max_file_bytes: Bytes(max_file_bytes),
            max_staging_bytes: Bytes(max_staging_bytes),
            ..Plan::default()
        }
    }

    /// A path in the job's staging directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("staging/acme/flights").join(name)
    }

    /// Drops a file by hand.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub fn content(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.path(name)).ok()
    }

    pub fn run(&self, number: u32) -> RunContext {
        let new = NewRun {
            id: run_id(number),
            job: self.job.clone(),
            revision: 1,
            spec_digest: "0".into(),
            engine: EngineKind::Native,
            started_by: Actor::Platform,
        };
        let run = Run::queued(new, 0);
        let clientapps = self.folder.path().join("clientapps");
        let folder = domain::worker::RunFolder::of(&clientapps, &run.client, &run.job, &run.id);
        std::fs::create_dir_all(folder.path()).unwrap();
        RunContext {
            run,
            spec: self.spec.clone(),
            folder,
        }
    }

    pub async fn claim(&self, context: &RunContext) -> Result<Vec<ManifestFile>, Failure> {
        self.intake.claim(context, 0).await
    }

    pub async fn settle(&self, context: &RunContext, files: &[FileRecord], outcome: &Outcome) {
        self.intake.settle(context, files, outcome).await.unwrap();
    }

    pub async fn upload(&self, name: &str, content: &[u8]) -> Result<StagedFile, StagingError> {
        self.upload_as(name, None, None, &mut Chunks::of(content))
            .await
    }

    pub async fn upload_as(
        &self,
        name: &str,
        declared_bytes: Option<u64>,
        sha256: Option<&str>,
        body: &mut dyn UploadBody,
    ) -> Result<StagedFile, StagingError> {
        let upload = Upload {
            job: &self.job,
            spec: &self.spec,
            name,
            plan: &self.plan,
            offset: None,
            declared_bytes,
            sha256,
            body,
        };
        self.staging.put(upload).await
    }

    /// Name and code of everything staged; `ready` for what would be taken.
    pub async fn states(&self) -> BTreeMap<String, String> {
        let listed = self
            .staging
            .list(&self.job, &self.spec, &self.plan, None, 1000)
            .await
            .unwrap();
        let code = |state| match state {
            StagedState::Ready => "ready".to_owned(),
            StagedState::Unclaimed { code, .. } => code,
        };
        listed
            .into_iter()
            .map(|file| (file.name, code(file.state)))
            .collect()
    }

    /// What is under a folder, by path, files with their content.
    pub fn tree(&self, folder: &Path) -> BTreeMap<String, String> {
        let mut tree = BTreeMap::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in std::fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(folder).unwrap().display().to_string();
                    let content = std::fs::read(&path).unwrap();
                    tree.insert(name, String::from_utf8_lossy(&content).into_owned());
                }
            }
        }
        tree
    }
}

/// The record of a file that was read to its end, with all documents counted.
pub fn read(run: &RunContext, file: &ManifestFile) -> FileRecord {
    let ledger = Ledger {
        read: 2,
        created: 2,
        ..Ledger::default()
    };
    let record = FileRecord::claimed(run.run.id.clone(), file.clone());
    FileRecord {
        state: FileState::Read,
        ledger,
        counted: Some(2),
        ..record
    }
}

/// A body in chunks.
pub struct Chunks(pub Vec<Result<bytes::Bytes, String>>);

impl Chunks {
    pub fn of(content: &[u8]) -> Self {
        Self(
            content
                .chunks(7)
                .rev()
                .map(|part| Ok(bytes::Bytes::copy_from_slice(part)))
                .collect(),
        )
    }
}

#[async_trait::async_trait]
impl UploadBody for Chunks {
    async fn chunk(&mut self) -> Result<Option<bytes::Bytes>, String> {
        self.0.pop().transpose()
    }
}
