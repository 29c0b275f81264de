//! What is outside the manager and survives it: staged files, a worker, the core DMS; with the three ports onto it.
//!
//! The worker reads one record every [`World::record_every`] of (paused) time. It creates a document for each, and saves
//! its checkpoint every ten records; a worker that is killed goes on from there, and what it had sent already is
//! found to be its own (rule 10).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use domain::EpochMs;
use domain::error::{Culprit, Failure};
use domain::file::{Compression, FileProgress, FileRecord, FileState, ManifestFile, Progress};
use domain::ids::{FileKey, JobRef, RunId};
use domain::index::{Index, covers};
use domain::ledger::Ledger;
use domain::monitor::DmsHealth;
use domain::plan::Plan;
use domain::ports::{CoreDms, Engine, Intake, Observed, RunContext};
use domain::run::{Outcome, Run};
use domain::spec::JobSpec;
use domain::trigger::Staged;
use domain::worker::{
    Command, DmsEndpoint, ExitKind, Phase, RunFolder, SinkStatus, StageTimes, WorkOrder,
    WorkerAddress, WorkerExit, WorkerStatus,
};
use tokio::time::Instant;

use super::faults::Faults;
use super::now_ms;

const CHECKPOINT_EVERY: u64 = 10;
/// Few enough that an undo takes several.
const REMOVED_AT_ONCE: usize = 10;

#[derive(Clone)]
pub struct World {
    state: Arc<Mutex<State>>,
    pub faults: Faults,
}

pub struct State {
    /// Name and number of records.
    pub staged: BTreeMap<String, u64>,
    pub done: BTreeSet<String>,
    claimed: BTreeMap<RunId, Vec<(ManifestFile, u64)>>,
    workers: BTreeMap<RunId, Worker>,
    exits: BTreeMap<RunId, WorkerExit>,
    checkpoints: BTreeMap<RunId, u64>,
    /// Documents by run, file and position.
    pub documents: BTreeSet<(RunId, FileKey, u64)>,
    pub record_every: Duration,
    pub dms_is_down: bool,
    pub dms_url: String,
    /// The core DMS hides so many documents from its count.
    pub hidden: u64,
    pub sink_is_stuck: bool,
    /// Only this client's sink is.
    pub stuck_client: Option<String>,
    pub workers_are_silent: bool,
    pub workers_ignore_commands: bool,
    pub workers_die_at_once: bool,
    pub claim_fails: Option<Failure>,
    pub observe_panics: bool,
    pub launches: u32,
    pub most_workers_at_once: usize,
    pub commands: Vec<Command>,
    pub settled: Vec<(RunId, &'static str)>,
    pub removed: Vec<RunId>,
    /// Runs that have credentials of their own, with the launch that they were given for.
    pub admitted: BTreeMap<RunId, u32>,
    pub dismissals_fail: bool,
    pub expired: Vec<RunId>,
    /// Indices of the core DMS besides the one that runs write to.
    pub indices: Vec<Index>,
}

struct Worker {
    attempt: u32,
    /// Records done by `since`.
    done: u64,
    since: Instant,
    last_progress_ms: EpochMs,
    paused: bool,
    order: WorkOrder,
}

pub fn failure(retryable: bool, message: &str) -> Failure {
    Failure {
        retryable,
        ..Failure::permanent("fake", Culprit::CoreDms, message, "wait")
    }
}

impl World {
    pub fn new(faults: Faults) -> Self {
        let state = State {
            staged: BTreeMap::new(),
            done: BTreeSet::new(),
            claimed: BTreeMap::new(),
            workers: BTreeMap::new(),
            exits: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            documents: BTreeSet::new(),
            record_every: Duration::from_millis(100),
            dms_is_down: false,
            dms_url: "http://127.0.0.1:9200".into(),
            hidden: 0,
            sink_is_stuck: false,
            stuck_client: None,
            workers_are_silent: false,
            workers_ignore_commands: false,
            workers_die_at_once: false,
            claim_fails: None,
            observe_panics: false,
            launches: 0,
            most_workers_at_once: 0,
            commands: Vec::new(),
            settled: Vec::new(),
            removed: Vec::new(),
            admitted: BTreeMap::new(),
            dismissals_fail: false,
            expired: Vec::new(),
            indices: Vec::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            faults,
        }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What `kill -9` does.
    pub fn kill_workers(&self) {
        let mut state = self.state();
        let runs: Vec<_> = state.workers.keys().cloned().collect();
        for run in runs {
            state.work(&run);
            state.workers.remove(&run);
        }
    }

    async fn point(&self) -> Result<(), Failure> {
        if self.faults.point().await {
            Err(failure(true, "told to by the test"))
        } else {
            Ok(())
        }
    }

    pub fn workers(&self) -> usize {
        self.state().workers.len()
    }
}

impl State {
    fn total(&self, run: &RunId) -> u64 {
        self.claimed
            .get(run)
            .map_or(0, |files| files.iter().map(|(_, records)| records).sum())
    }

    /// Splits the first `done` records of a run over its files.
    fn progress(&self, run: &RunId, mut done: u64) -> Vec<FileProgress> {
        let mut progress = Vec::new();
        for (file, records) in self.claimed.get(run).into_iter().flatten() {
            let here = done.min(*records);
            done -= here;
            if here == 0 && *records > 0 {
                break;
            }
            let state = if here == *records {
                FileState::Read
            } else {
                FileState::Claimed
            };
            let ledger = Ledger {
                read: here,
                created: here,
                bytes: here,
                ..Ledger::default()
            };
            progress.push(FileProgress {
                index: file.index,
                state,
                ledger,
            });
        }
        progress
    }

    fn ledger(&self, run: &RunId, done: u64) -> Ledger {
        self.progress(run, done)
            .iter()
            .map(|file| file.ledger)
            .sum()
    }

    /// Lets time take its effect on a worker: documents, checkpoint, end.
    fn work(&mut self, run: &RunId) {
        let (total, every, stuck) = (self.total(run), self.record_every, self.sink_is_stuck);
        let only = self.stuck_client.clone();
        let Some(worker) = self.workers.get_mut(run) else {
            return;
        };
        let stuck = stuck && only.is_none_or(|only| worker.order.client.as_str() == only);
        if worker.paused || stuck {
            worker.since = Instant::now();
            return;
        }
        let passed = (worker.since.elapsed().as_millis() / every.as_millis()) as u64;
        let done = (worker.done + passed).min(total);
        if done == worker.done && done < total {
            return;
        }
        worker.since += every * (done - worker.done) as u32;
        (worker.done, worker.last_progress_ms) = (done, now_ms());
        let attempt = worker.attempt;
        for file in self.progress(run, done) {
            let key = self.claimed[run][file.index as usize].0.file_key.clone();
            for position in (0..file.ledger.created).rev() {
                if !self.documents.insert((run.clone(), key.clone(), position)) {
                    break;
                }
            }
        }
        let saved = self.checkpoints.entry(run.clone()).or_default();
        *saved = (*saved).max(done / CHECKPOINT_EVERY * CHECKPOINT_EVERY);
        if done == total {
            self.end(run, attempt, ExitKind::Drained, done);
        }
    }

    fn end(&mut self, run: &RunId, attempt: u32, kind: ExitKind, done: u64) {
        self.workers.remove(run);
        self.checkpoints.insert(run.clone(), done);
        let exit = WorkerExit {
            attempt,
            kind,
            ledger: self.ledger(run, done),
            indices: vec!["acme.flights".into()],
            at_ms: now_ms(),
        };
        self.exits.insert(run.clone(), exit);
    }

    fn status(&self, run: &RunId, worker: &Worker) -> WorkerStatus {
        let last_error = self.sink_is_stuck.then(|| "503 queue full".into());
        WorkerStatus {
            run: run.clone(),
            attempt: worker.attempt,
            phase: if worker.paused {
                Phase::Paused
            } else {
                Phase::Reading
            },
            ledger: self.ledger(run, worker.done),
            bytes_read: worker.done,
            bytes_total: self.total(run),
            files_done: 0,
            files_total: self.claimed[run].len() as u32,
            last_progress_ms: worker.last_progress_ms,
            stages: StageTimes {
                send_ms: 1.0,
                ..StageTimes::default()
            },
            sink: SinkStatus {
                in_flight: 1,
                last_error,
                ..SinkStatus::default()
            },
            rss_bytes: 1 << 20,
            cpu_ms: 1,
        }
    }
}

#[async_trait]
impl Intake for World {
    async fn claim(&self, context: &RunContext, _: EpochMs) -> Result<Vec<ManifestFile>, Failure> {
        self.point().await?;
        let manifest = {
            let mut state = self.state();
            if let Some(failure) = &state.claim_fails {
                return Err(failure.clone());
            }
            let RunContext { run, .. } = context;
            let claimed: Vec<_> = state
                .staged
                .iter()
                .enumerate()
                .map(|(index, (name, records))| {
                    let file_key = FileKey::derive(&run.client, &run.job, name, None);
                    let file = ManifestFile {
                        index: index as u32,
                        name: name.clone(),
                        bytes: *records,
                        sha256: "00".into(),
                        compression: Compression::None,
                        file_key,
                        claimed_as: index.to_string(),
                        terms: Default::default(),
                    };
                    (file, *records)
                })
                .collect();
            state.claimed.insert(run.id.clone(), claimed.clone());
            claimed.into_iter().map(|(file, _)| file).collect()
        };
        self.point().await?;
        Ok(manifest)
    }

    async fn settle(
        &self,
        context: &RunContext,
        files: &[FileRecord],
        outcome: &Outcome,
    ) -> Result<(), Failure> {
        self.point().await?;
        {
            let mut state = self.state();
            state
                .settled
                .push((context.run.id.clone(), outcome.state().name()));
            for file in files.iter().filter(|file| file.state == FileState::Read) {
                state.staged.remove(&file.file.name);
                state.done.insert(file.file.name.clone());
            }
        }
        self.point().await?;
        Ok(())
    }

    async fn restage(&self, run: &Run, name: Option<&str>) -> Result<(), Failure> {
        self.point().await?;
        {
            let mut state = self.state();
            for (file, records) in state.claimed.get(&run.id).cloned().unwrap_or_default() {
                if name.is_none_or(|name| name == file.name) && state.done.remove(&file.name) {
                    state.staged.insert(file.name, records);
                }
            }
        }
        self.point().await
    }

    async fn expire(&self, run: &Run) -> Result<(), Failure> {
        self.point().await?;
        self.state().expired.push(run.id.clone());
        self.point().await
    }

    async fn staged(&self, _: &JobRef, _: &JobSpec, _: &Plan) -> Result<Staged, Failure> {
        self.point().await?;
        let state = self.state();
        Ok(Staged {
            ready: state.staged.len() as u32,
            fingerprint: format!("{:?}", state.staged),
            ..Staged::default()
        })
    }
}

#[async_trait]
impl Engine for World {
    async fn launch(
        &self,
        context: &RunContext,
        order: &WorkOrder,
        attempt: u32,
    ) -> Result<(), Failure> {
        self.point().await?;
        {
            let mut state = self.state();
            let run = &context.run.id;
            state.launches += 1;
            let done = state.checkpoints.get(run).copied().unwrap_or(0);
            if !state.workers_die_at_once && !state.workers.contains_key(run) {
                let worker = Worker {
                    attempt,
                    done,
                    since: Instant::now(),
                    last_progress_ms: now_ms(),
                    paused: false,
                    order: order.clone(),
                };
                state.workers.insert(run.clone(), worker);
                state.most_workers_at_once = state.most_workers_at_once.max(state.workers.len());
            }
            let address = WorkerAddress {
                pid: 1,
                attempt,
                url: String::new(),
                limits_by: "cgroup".into(),
            };
            std::fs::write(
                context.folder.address(),
                serde_json::to_vec(&address).unwrap(),
            )
            .unwrap();
            std::fs::write(context.folder.log(), format!("attempt {attempt} begins\n")).unwrap();
        }
        self.point().await?;
        Ok(())
    }

    async fn observe(&self, context: &RunContext) -> Result<Observed, Failure> {
        let mut state = self.state();
        if std::mem::take(&mut state.observe_panics) {
            panic!("told to by the test");
        }
        let run = &context.run.id;
        if !state.workers_are_silent {
            state.work(run);
        }
        let Some(worker) = state.workers.get(run) else {
            return Ok(state
                .exits
                .get(run)
                .map_or(Observed::Absent, |exit| Observed::Exited(exit.clone())));
        };
        assert_eq!(worker.order.run, *run);
        if state.workers_are_silent {
            return Ok(Observed::Silent {
                reason: "connection refused".into(),
            });
        }
        Ok(Observed::Up(Box::new(state.status(run, worker))))
    }

    async fn command(&self, context: &RunContext, command: Command) -> Result<(), Failure> {
        self.point().await?;
        {
            let mut state = self.state();
            let run = &context.run.id;
            state.work(run);
            state.commands.push(command);
            let ignored = state.workers_ignore_commands;
            if let Some(worker) = state.workers.get_mut(run).filter(|_| !ignored) {
                let (attempt, done) = (worker.attempt, worker.done);
                match command {
                    Command::Pause => worker.paused = true,
                    Command::Resume => worker.paused = false,
                    Command::Cancel => state.end(run, attempt, ExitKind::Cancelled, done),
                    Command::Suspend => state.end(run, attempt, ExitKind::Suspended, done),
                }
            }
        }
        self.point().await?;
        Ok(())
    }

    async fn kill(&self, context: &RunContext) -> Result<(), Failure> {
        self.point().await?;
        {
            let mut state = self.state();
            state.work(&context.run.id);
            state.workers.remove(&context.run.id);
        }
        self.point().await?;
        Ok(())
    }

    async fn progress(&self, context: &RunContext) -> Result<Progress, Failure> {
        let state = self.state();
        let run = &context.run.id;
        assert!(
            !state.workers.contains_key(run),
            "progress is right only while nothing runs"
        );
        let Some(done) = state.checkpoints.get(run) else {
            return Ok(Progress::default());
        };
        Ok(Progress {
            files: state.progress(run, *done),
            indices: vec!["acme.flights".into()],
            ..Progress::default()
        })
    }

    async fn missing(
        &self,
        _: &RunContext,
        files: &[FileKey],
        _: usize,
    ) -> Result<BTreeMap<FileKey, Vec<u64>>, Failure> {
        Ok(files.iter().map(|key| (key.clone(), vec![7])).collect())
    }

    async fn remove(&self, context: &RunContext) -> Result<(), Failure> {
        self.point().await?;
        {
            let mut state = self.state();
            state.workers.remove(&context.run.id);
            state.removed.push(context.run.id.clone());
        }
        self.point().await?;
        Ok(())
    }
}

#[async_trait]
impl CoreDms for World {
    async fn identify(&self) -> Result<String, Failure> {
        Ok("fake 1.0".into())
    }

    async fn health(&self) -> DmsHealth {
        if self.state().dms_is_down {
            DmsHealth::Unreachable
        } else {
            DmsHealth::Green
        }
    }

    async fn prepare(&self, _: &RunContext) -> Result<(), Failure> {
        self.point().await?;
        if self.state().dms_is_down {
            return Err(failure(true, "the core DMS does not answer"));
        }
        Ok(())
    }

    async fn indices(&self, pattern: &str) -> Result<Vec<Index>, Failure> {
        let state = self.state();
        let covered = |index: &&Index| covers(pattern, &index.name);
        Ok(state.indices.iter().filter(covered).cloned().collect())
    }

    async fn remove_index(&self, index: &str) -> Result<(), Failure> {
        self.state().indices.retain(|it| it.name != index);
        Ok(())
    }

    async fn count_by_file(
        &self,
        indices: &[String],
        run: &Run,
    ) -> Result<BTreeMap<FileKey, u64>, Failure> {
        assert_eq!(indices, ["acme.flights"]);
        let state = self.state();
        if state.dms_is_down {
            return Err(failure(true, "the core DMS does not answer"));
        }
        let mut counts = BTreeMap::new();
        for (_, file, _) in state
            .documents
            .iter()
            .filter(|(of, _, _)| *of == run.id)
            .skip(state.hidden as usize)
        {
            *counts.entry(file.clone()).or_default() += 1;
        }
        Ok(counts)
    }

    async fn remove_documents(
        &self,
        indices: &[String],
        run: &Run,
        file: Option<&FileKey>,
    ) -> Result<u64, Failure> {
        assert_eq!(indices, ["acme.flights"]);
        self.point().await?;
        let removed = {
            let mut state = self.state();
            let found: Vec<_> = state
                .documents
                .iter()
                .filter(|(of, key, _)| *of == run.id && file.is_none_or(|file| file == key))
                .take(REMOVED_AT_ONCE)
                .cloned()
                .collect();
            for document in &found {
                state.documents.remove(document);
            }
            found.len() as u64
        };
        self.point().await?;
        Ok(removed)
    }

    async fn search(&self, _: &str, _: &serde_json::Value) -> Result<serde_json::Value, Failure> {
        Err(failure(false, "not needed here"))
    }

    fn endpoint(&self) -> DmsEndpoint {
        DmsEndpoint {
            url: self.state().dms_url.clone(),
            api_key_file: None,
            username: None,
            password_file: None,
            ca_file: None,
        }
    }

    async fn admit(&self, context: &RunContext) -> Result<DmsEndpoint, Failure> {
        self.point().await?;
        let given = (context.run.id.clone(), context.run.attempt + 1);
        self.state().admitted.extend([given]);
        self.point().await?;
        Ok(DmsEndpoint {
            api_key_file: Some(context.folder.dms_key()),
            ..self.endpoint()
        })
    }

    async fn dismiss(&self, run: &Run, _: &RunFolder) -> Result<(), Failure> {
        self.point().await?;
        if self.state().dismissals_fail {
            return Err(failure(true, "the core DMS does not answer"));
        }
        self.state().admitted.remove(&run.id);
        self.point().await?;
        Ok(())
    }
}
