//! A platform of fakes: a store in memory and a world outside, over which supervisors come and go.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic")]

pub mod faults;
pub mod store;
pub mod world;

use std::sync::Arc;
use std::time::Duration;

use domain::EpochMs;
use domain::audit::Actor;
use domain::client::Client;
use domain::file::FileRecord;
use domain::ids::{JobRef, RunId};
use domain::job::{Job, Revision};
use domain::plan::Plan;
use domain::report::Report;
use domain::run::{Desired, NewRun, Run, RunState};
use domain::spec::{EngineKind, JobSpec};
use domain::store::{Entity, Metadata, StoreError, Versioned};
use domain::worker::RunFolder;
use supervisor::{Ended, Parts, Settings, Supervisor};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use faults::Faults;
use store::MemoryStore;
use world::World;

/// The wall clock follows tokio's, which the tests pause.
pub fn now_ms() -> EpochMs {
    thread_local!(static ORIGIN: Instant = Instant::now());
    1_763_700_000_000 + ORIGIN.with(|origin| origin.elapsed().as_millis()) as EpochMs
}

pub struct Platform {
    pub home: tempfile::TempDir,
    pub faults: Faults,
    pub world: World,
    pub metadata: Metadata,
    pub settings: Settings,
}

/// A supervisor at work.
pub struct Working {
    pub supervisor: Supervisor,
    pub stop: CancellationToken,
    task: AbortOnDropHandle<Ended>,
}

impl Working {
    /// Takes it away as `kill -9` would.
    pub async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Ends it in order.
    pub async fn stop(self) -> Ended {
        self.stop.cancel();
        self.task.await.unwrap()
    }
}

pub fn job(client: &str, job: &str) -> JobRef {
    JobRef {
        client: client.parse().unwrap(),
        job: job.parse().unwrap(),
    }
}

pub fn run_id(number: u32) -> RunId {
    format!("01{number:024}").parse().unwrap()
}

impl Platform {
    pub async fn new() -> Self {
        now_ms();
        let faults = Faults::default();
        let store = MemoryStore::new(faults.clone());
        let platform = Self {
            home: tempfile::tempdir().unwrap(),
            world: World::new(faults.clone()),
            faults,
            metadata: Metadata::new(Arc::new(store)),
            settings: Settings::default(),
        };
        platform.client("acme", Plan::default()).await;
        platform.world.state().staged.insert("a.csv".into(), 25);
        platform.world.state().staged.insert("b.csv".into(), 10);
        platform
    }

    pub async fn client(&self, id: &str, plan: Plan) {
        let client = Client {
            id: id.parse().unwrap(),
            name: id.into(),
            contact: String::new(),
            plan_name: "default".into(),
            plan,
            created_ms: 0,
            slots: Vec::new(),
        };
        self.metadata.create(&client, None).await.unwrap();
    }

    /// Asks for a run; the job is made if there is none.
    pub async fn start(&self, number: u32, job: JobRef) -> RunId {
        let spec: JobSpec = serde_json::from_value(serde_json::json!({
            "mode": "batch", "format": {"type": "lines"}, "destination": {"index": "flights"},
        }))
        .unwrap();
        let revision = Revision {
            client: job.client.clone(),
            job: job.job.clone(),
            number: 1,
            spec_digest: "aa".into(),
            spec,
            created_ms: 0,
        };
        match self.metadata.create(&revision, None).await {
            Ok(()) | Err(StoreError::Exists { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        let named = Job {
            client: job.client.clone(),
            id: job.job.clone(),
            revision: 1,
            spec_digest: "aa".into(),
            spec: revision.spec.clone(),
            created_ms: 0,
            updated_ms: 0,
            removing: false,
        };
        match self.metadata.create(&named, None).await {
            Ok(()) | Err(StoreError::Exists { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        let new = NewRun {
            id: run_id(number),
            job,
            revision: 1,
            spec_digest: "aa".into(),
            engine: EngineKind::Native,
            started_by: Actor::Platform,
        };
        self.metadata
            .create(&Run::queued(new, now_ms()), None)
            .await
            .unwrap();
        run_id(number)
    }

    pub fn supervise(&self) -> Working {
        let supervisor = Supervisor::new(Parts {
            metadata: self.metadata.clone(),
            intake: Arc::new(self.world.clone()),
            engine: Arc::new(self.world.clone()),
            dms: Arc::new(self.world.clone()),
            clientapps: self.home.path().to_owned(),
            clock: Arc::new(now_ms),
            settings: self.settings.clone(),
        });
        let stop = CancellationToken::new();
        let (working, token) = (supervisor.clone(), stop.clone());
        let task = AbortOnDropHandle::new(tokio::spawn(async move { working.run(token).await }));
        Working {
            supervisor,
            stop,
            task,
        }
    }

    pub async fn run(&self, id: &RunId) -> Run {
        self.metadata.run(id).await.unwrap().unwrap().value
    }

    pub fn folder(&self, run: &Run) -> RunFolder {
        RunFolder::of(self.home.path(), &run.client, &run.job, &run.id)
    }

    pub async fn change<T: Entity + Clone>(&self, key: &str, change: impl Fn(&mut T)) {
        loop {
            let mut entity: Versioned<T> = self.metadata.get(key).await.unwrap().unwrap();
            change(&mut entity.value);
            match self.metadata.update(entity, None).await {
                Ok(_) => return,
                Err(StoreError::Stale { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// What the API does when a client wants something.
    pub async fn want(&self, working: &Working, run: &RunId, desired: Desired) {
        self.change(run.as_str(), |run: &mut Run| run.desired = desired)
            .await;
        working.supervisor.poke(run);
    }

    /// Waits, in paused time, until a run is as it should be.
    pub async fn until(&self, id: &RunId, is: impl Fn(&Run) -> bool) -> Run {
        let waiting = async {
            loop {
                let run = self.run(id).await;
                if is(&run) {
                    return run;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        match timeout(Duration::from_secs(3600), waiting).await {
            Ok(run) => run,
            Err(_) => panic!("never came to be: {:#?}", self.run(id).await),
        }
    }

    pub async fn until_state(&self, id: &RunId, state: RunState) -> Run {
        self.until(id, |run| run.state == state).await
    }

    pub async fn until_final(&self, id: &RunId) -> Run {
        self.until(id, |run| run.state.is_final()).await
    }

    pub async fn files(&self, id: &RunId) -> Vec<FileRecord> {
        self.metadata.files(id).await.unwrap()
    }

    pub fn report(&self, run: &Run) -> Report {
        serde_json::from_slice(&std::fs::read(self.folder(run).report_json()).unwrap()).unwrap()
    }

    pub async fn slots(&self, client: &str) -> usize {
        self.metadata
            .client(&client.parse().unwrap())
            .await
            .unwrap()
            .unwrap()
            .value
            .slots
            .len()
    }
}
