//! The supervisor: one task a run, a periodic scan that finds the runs, and an orderly end.

use std::collections::HashMap;
use std::sync::Arc;

use domain::error::Failure;
use domain::ids::{FileKey, RunId};
use domain::monitor::DmsHealth;
use domain::run::{Run, UndoPreview};
use domain::store::StoreError;
use futures::Stream;
use tokio::task::JoinError;
use tokio::time::{Duration, Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::JoinMap;

use crate::events::RunEvent;
use crate::shared::{Parts, Shared};
use crate::{health, retention, task, trigger};

/// Scans between two looks at the slots of all clients.
const SCANS_PER_HEALING: u64 = 60;

/// A run whose task panicked rests so long.
const REST_AFTER_PANIC: Duration = Duration::from_secs(5);

/// Makes runs happen. A handle: clones are the same supervisor.
#[derive(Clone)]
pub struct Supervisor {
    shared: Arc<Shared>,
}

/// How a supervisor ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// Runs that did not come to rest within the grace period. Their workers go on by themselves or stop when nobody
    /// asks for them; the next manager adopts or resumes them.
    pub stragglers: Vec<RunId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Health,
    Retention,
    Triggers,
    Scan,
    Run(RunId),
}

enum Done {
    Scanned(Result<Vec<RunId>, StoreError>),
    Left,
}

/// The tasks, and what is remembered about those that are gone.
struct Group {
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: JoinMap<Key, Done>,
    scans: u64,
    scan_again: bool,
    store_is_down: bool,
    resting: HashMap<RunId, Instant>,
}

impl Supervisor {
    /// A supervisor that does nothing before [`Supervisor::run`].
    pub fn new(parts: Parts) -> Self {
        Self {
            shared: Arc::new(Shared::new(parts)),
        }
    }

    /// Has a run looked at now rather than at the next scan: it was just asked for, or its client wants something else.
    pub fn poke(&self, run: &RunId) {
        self.shared.ring(run);
    }

    /// What happens to a run from now on; ends with the run. Subscribe first and read the run then: one that has ended
    /// already gives no event and no end.
    pub fn subscribe(&self, run: &RunId) -> impl Stream<Item = RunEvent> + Send + use<> {
        self.shared.hub.subscribe(run)
    }

    /// The core DMS's health as last heard; waits for the first answer while [`Supervisor::run`] runs.
    pub async fn dms_health(&self) -> DmsHealth {
        self.shared.health.get().await
    }

    /// What an undo of a run, or of one of its files, would do now.
    pub async fn preview_undo(
        &self,
        run: &Run,
        file: Option<&FileKey>,
    ) -> Result<UndoPreview, Failure> {
        let shared = &self.shared;
        let indices = shared.indices_of(run).await?;
        Ok(UndoPreview {
            documents: shared.count_of(run, &indices, file).await?,
            relying: shared.relying(run, file).await?,
        })
    }

    /// Works until `stop`: then no worker is launched any more, those that run are told to save their work, and after
    /// at most the grace period it returns.
    pub async fn run(&self, stop: CancellationToken) -> Ended {
        let mut group = Group {
            shared: self.shared.clone(),
            stop: stop.clone(),
            tasks: JoinMap::new(),
            scans: 0,
            scan_again: false,
            store_is_down: false,
            resting: HashMap::new(),
        };
        group
            .tasks
            .spawn(Key::Health, keep_health(self.shared.clone()));
        group
            .tasks
            .spawn(Key::Retention, keep_expiring(self.shared.clone()));
        group
            .tasks
            .spawn(Key::Triggers, keep_starting(self.shared.clone()));
        let mut ticks = interval(self.shared.settings.scan_interval.duration());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = ticks.tick() => group.scan(),
                () = self.shared.scan.notified() => group.scan(),
                Some((key, result)) = group.tasks.join_next() => group.reap(key, result),
            }
        }
        group.drain().await
    }
}

async fn keep_health(shared: Arc<Shared>) -> Done {
    health::keep_asking(shared).await;
    Done::Left
}

async fn keep_expiring(shared: Arc<Shared>) -> Done {
    retention::keep_expiring(shared).await;
    Done::Left
}

async fn keep_starting(shared: Arc<Shared>) -> Done {
    trigger::keep_starting(shared).await;
    Done::Left
}

impl Group {
    fn scan(&mut self) {
        if self.tasks.contains_key(&Key::Scan) {
            self.scan_again = true;
            return;
        }
        let heal = self.scans.is_multiple_of(SCANS_PER_HEALING);
        self.scans += 1;
        self.shared.hub.tidy();
        let shared = self.shared.clone();
        self.tasks.spawn(Key::Scan, async move {
            if heal && let Err(error) = shared.heal_all().await {
                return Done::Scanned(Err(error));
            }
            Done::Scanned(shared.take_turns().await)
        });
    }

    /// One task is over.
    fn reap(&mut self, key: Key, result: Result<Done, JoinError>) {
        match (key, result) {
            (Key::Scan, Ok(Done::Scanned(Ok(runs)))) => {
                self.store_is_down = false;
                self.keep_tasks(runs);
            }
            (Key::Scan, Ok(Done::Scanned(Err(error)))) => {
                if !std::mem::replace(&mut self.store_is_down, true) {
                    tracing::error!(%error, "runs cannot be looked for; trying again");
                }
            }
            (Key::Run(id), Err(error)) => {
                tracing::error!(run = %id, %error, "the task of a run broke; it begins again");
                self.resting.insert(id, Instant::now() + REST_AFTER_PANIC);
            }
            (Key::Run(id), Ok(_)) => self.shared.forget(&id),
            (key, Err(error)) => {
                tracing::error!(task = ?key, %error, "a task broke; it begins again");
                let shared = self.shared.clone();
                match key {
                    Key::Health => self.tasks.spawn(key, keep_health(shared)),
                    Key::Retention => self.tasks.spawn(key, keep_expiring(shared)),
                    Key::Triggers => self.tasks.spawn(key, keep_starting(shared)),
                    Key::Scan | Key::Run(_) => {}
                }
            }
            (Key::Health | Key::Retention | Key::Triggers | Key::Scan, Ok(_)) => {}
        }
        if std::mem::take(&mut self.scan_again) {
            self.scan();
        }
    }

    /// Every run has exactly one task.
    fn keep_tasks(&mut self, runs: Vec<RunId>) {
        let now = Instant::now();
        self.resting.retain(|_, until| *until > now);
        for id in runs {
            let key = Key::Run(id.clone());
            if self.tasks.contains_key(&key) || self.resting.contains_key(&id) {
                continue;
            }
            let drive = task::drive(self.shared.clone(), id, self.stop.clone());
            self.tasks.spawn(key, async move {
                drive.await;
                Done::Left
            });
        }
    }

    /// Waits for the tasks to come to rest, but no longer than the grace period.
    async fn drain(mut self) -> Ended {
        let deadline = Instant::now() + self.shared.settings.shutdown_grace.duration();
        self.tasks.abort(&Key::Health);
        self.tasks.abort(&Key::Retention);
        self.tasks.abort(&Key::Triggers);
        self.tasks.abort(&Key::Scan);
        loop {
            tokio::select! {
                () = sleep_until(deadline) => break,
                joined = self.tasks.join_next() => match joined {
                    Some((Key::Run(id), Err(error))) => tracing::error!(run = %id, %error, "the task of a run broke at the end"),
                    Some(_) => {}
                    None => break,
                },
            }
        }
        let mut stragglers: Vec<RunId> = self
            .tasks
            .keys()
            .filter_map(|key| {
                if let Key::Run(id) = key {
                    Some(id.clone())
                } else {
                    None
                }
            })
            .collect();
        stragglers.sort();
        if stragglers.is_empty() {
            tracing::info!("every run is at rest");
        } else {
            let runs: Vec<_> = stragglers.iter().map(RunId::as_str).collect();
            tracing::warn!(
                ?runs,
                "these runs did not come to rest in time; their workers are found again by the next manager"
            );
        }
        self.tasks.shutdown().await;
        Ended { stragglers }
    }
}
