//! Stand-ins for what the manager is put together from: files in memory, an engine in which nothing moves, a core DMS
//! that repeats what it was asked.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use domain::EpochMs;
use domain::error::{Culprit, Failure};
use domain::file::{FileRecord, ManifestFile, Progress};
use domain::ids::{ClientId, FileKey, JobRef};
use domain::index::Index;
use domain::monitor::DmsHealth;
use domain::plan::Plan;
use domain::ports::{CoreDms, Engine, Intake, Observed, RunContext};
use domain::preview::{Previewer, SampledFile};
use domain::run::{Outcome, Run};
use domain::spec::JobSpec;
use domain::staging::{StagedFile, StagedState, StagingArea, StagingError, Upload};
use domain::store::Metadata;
use domain::trigger::Staged;
use domain::worker::{Command, DmsEndpoint, RunFolder, WorkOrder};
use manager::{HomePaths, Mode, ModeParts};
use serde_json::{Value, json};

pub struct FakeMode;

#[async_trait]
impl Mode for FakeMode {
    async fn open(&self, _: &HomePaths, _: &Metadata) -> Result<ModeParts, Failure> {
        Ok(ModeParts {
            intake: Arc::new(BusyIntake),
            staging: Arc::new(MemoryStaging::default()),
        })
    }
}

/// Cannot claim just now: runs stay where they are.
struct BusyIntake;

#[async_trait]
impl Intake for BusyIntake {
    async fn claim(&self, _: &RunContext, _: EpochMs) -> Result<Vec<ManifestFile>, Failure> {
        Err(Failure::transient(
            "busy",
            Culprit::Platform,
            "cannot claim just now",
            "wait",
        ))
    }

    async fn settle(&self, _: &RunContext, _: &[FileRecord], _: &Outcome) -> Result<(), Failure> {
        Ok(())
    }

    async fn restage(&self, _: &Run, _: Option<&str>) -> Result<(), Failure> {
        Ok(())
    }

    async fn expire(&self, _: &Run) -> Result<(), Failure> {
        Ok(())
    }

    async fn staged(&self, _: &JobRef, _: &JobSpec, _: &Plan) -> Result<Staged, Failure> {
        Ok(Staged::default())
    }
}

#[derive(Default)]
struct MemoryStaging {
    jobs: Mutex<BTreeSet<JobRef>>,
    files: Mutex<BTreeMap<(JobRef, String), u64>>,
}

#[async_trait]
impl StagingArea for MemoryStaging {
    async fn create(&self, job: &JobRef) -> Result<(), Failure> {
        self.jobs.lock().unwrap().insert(job.clone());
        Ok(())
    }

    async fn remove(&self, job: &JobRef) -> Result<(), Failure> {
        self.jobs.lock().unwrap().remove(job);
        self.files.lock().unwrap().retain(|(of, _), _| of != job);
        Ok(())
    }

    async fn list(
        &self,
        job: &JobRef,
        _: &JobSpec,
        _: &Plan,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StagedFile>, Failure> {
        let files = self.files.lock().unwrap();
        let own = files
            .iter()
            .filter(|((of, name), _)| of == job && after.is_none_or(|after| name.as_str() > after));
        Ok(own
            .take(limit)
            .map(|((_, name), &bytes)| staged(name, bytes))
            .collect())
    }

    async fn put(&self, upload: Upload<'_>) -> Result<StagedFile, StagingError> {
        if upload.name.contains('/') || upload.name == ".." {
            return Err(StagingError::InvalidName {
                name: upload.name.into(),
                rule: "it must be a plain name".into(),
            });
        }
        upload
            .plan
            .check_file(upload.declared_bytes.unwrap_or(0), 0)?;
        let mut bytes = 0;
        while let Some(chunk) = upload
            .body
            .chunk()
            .await
            .map_err(StagingError::Interrupted)?
        {
            bytes += chunk.len() as u64;
            upload.plan.check_file(bytes, 0)?;
        }
        if let Some(expected) = upload.sha256.filter(|sha| sha.starts_with("bad")) {
            return Err(StagingError::ChecksumMismatch {
                expected: expected.into(),
                actual: "00".repeat(32),
            });
        }
        let key = (upload.job.clone(), upload.name.to_owned());
        if self
            .files
            .lock()
            .unwrap()
            .insert(key, bytes)
            .is_some_and(|before| before != bytes)
        {
            return Err(StagingError::Exists(upload.name.to_owned()));
        }
        Ok(staged(upload.name, bytes))
    }

    async fn received(&self, _: &JobRef, name: &str, _: &str) -> Result<u64, Failure> {
        Ok(name.len() as u64)
    }

    async fn sample(
        &self,
        job: &JobRef,
        name: &str,
        limit: u64,
        to: &Path,
    ) -> Result<bool, StagingError> {
        let key = (job.clone(), name.to_owned());
        let Some(bytes) = self.files.lock().unwrap().get(&key).copied() else {
            return Err(StagingError::NotFound(name.to_owned()));
        };
        // it only knows lengths
        std::fs::write(to, vec![b'x'; bytes.min(limit) as usize]).unwrap();
        Ok(bytes <= limit)
    }

    async fn delete(&self, job: &JobRef, name: &str) -> Result<(), StagingError> {
        let removed = self
            .files
            .lock()
            .unwrap()
            .remove(&(job.clone(), name.to_owned()));
        removed
            .map(drop)
            .ok_or_else(|| StagingError::NotFound(name.to_owned()))
    }

    async fn usage(&self, _: &ClientId) -> Result<u64, Failure> {
        Ok(self.files.lock().unwrap().values().sum())
    }
}

fn staged(name: &str, bytes: u64) -> StagedFile {
    StagedFile {
        name: name.to_owned(),
        bytes,
        modified_ms: 0,
        sha256: None,
        state: StagedState::Ready,
    }
}

/// Never gets anything to do.
pub struct StillEngine;

#[async_trait]
impl Engine for StillEngine {
    async fn launch(&self, _: &RunContext, _: &WorkOrder, _: u32) -> Result<(), Failure> {
        Ok(())
    }

    async fn observe(&self, _: &RunContext) -> Result<Observed, Failure> {
        Ok(Observed::Absent)
    }

    async fn command(&self, _: &RunContext, _: Command) -> Result<(), Failure> {
        Ok(())
    }

    async fn kill(&self, _: &RunContext) -> Result<(), Failure> {
        Ok(())
    }

    async fn progress(&self, _: &RunContext) -> Result<Progress, Failure> {
        Err(Failure::transient(
            "still",
            Culprit::Platform,
            "nothing has moved",
            "wait",
        ))
    }

    async fn missing(
        &self,
        _: &RunContext,
        _: &[FileKey],
        _: usize,
    ) -> Result<BTreeMap<FileKey, Vec<u64>>, Failure> {
        Ok(BTreeMap::new())
    }

    async fn remove(&self, _: &RunContext) -> Result<(), Failure> {
        Ok(())
    }
}

/// Previews in this process, without limits.
pub struct PlainPreviewer;

#[async_trait]
impl Previewer for PlainPreviewer {
    async fn preview(&self, folder: &RunFolder) -> Result<Vec<SampledFile>, Failure> {
        engine_native::preview::preview(folder)
    }
}

/// Repeats what it was asked, or is down.
#[derive(Default)]
pub struct FakeDms {
    pub down: Mutex<bool>,
}

impl FakeDms {
    fn up(&self) -> Result<(), Failure> {
        let down = || {
            Failure::transient(
                "core_dms_unavailable",
                Culprit::CoreDms,
                "nobody answers",
                "wait",
            )
        };
        if *self.down.lock().unwrap() {
            Err(down())
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl CoreDms for FakeDms {
    async fn identify(&self) -> Result<String, Failure> {
        self.up().map(|()| "a stand-in".to_owned())
    }

    async fn health(&self) -> DmsHealth {
        self.up()
            .map_or(DmsHealth::Unreachable, |()| DmsHealth::Green)
    }

    async fn prepare(&self, _: &RunContext) -> Result<(), Failure> {
        self.up()
    }

    async fn count_by_file(
        &self,
        _: &[String],
        _: &Run,
    ) -> Result<BTreeMap<FileKey, u64>, Failure> {
        self.up().map(|()| BTreeMap::new())
    }

    async fn indices(&self, _: &str) -> Result<Vec<Index>, Failure> {
        self.up().map(|()| Vec::new())
    }

    async fn remove_index(&self, _: &str) -> Result<(), Failure> {
        self.up()
    }

    async fn remove_documents(
        &self,
        _: &[String],
        _: &Run,
        _: Option<&FileKey>,
    ) -> Result<u64, Failure> {
        self.up().map(|()| 0)
    }

    async fn search(&self, index: &str, body: &Value) -> Result<Value, Failure> {
        self.up().map(|()| json!({ "asked": index, "body": body }))
    }

    async fn mappings(&self, pattern: &str) -> Result<BTreeMap<String, Value>, Failure> {
        let there = json!({ "properties": { "n": { "type": "integer" } } });
        self.up()
            .map(|()| BTreeMap::from([(pattern.to_owned(), there)]))
    }

    fn endpoint(&self) -> DmsEndpoint {
        DmsEndpoint {
            url: "http://127.0.0.1:1".into(),
            api_key_file: None,
            username: None,
            password_file: None,
            ca_file: None,
        }
    }
}
