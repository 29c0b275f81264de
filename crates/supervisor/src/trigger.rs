//! Starts runs when their time has come or their files have arrived. What is decided, and why, is
//! [`domain::trigger`]'s; here it is looked, stored, and then done.
//!
//! Exactly one run comes of a due time: the trigger's document, stored first and by compare-and-set, says under which id
//! the run is to be created; whoever finds that it is not known to be there creates it under that id.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::audit::{Actor, AuditEntry};
use domain::error::Failure;
use domain::ids::{JobRef, RunId};
use domain::job::{Job, Revision};
use domain::run::Run;
use domain::spec::StartOn;
use domain::store::{Entity, Query, StoreError, Versioned};
use domain::trigger::{self, Staged, Trigger, Verdict};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::context::store_failure;
use crate::shared::Shared;

/// Files rarely come alone, and who lets them come without end must not have everybody's files looked for without end:
/// after a hint it is waited so long.
const SETTLE: Duration = Duration::from_secs(1);

/// When a job's staging directory is looked through next.
type Looks = HashMap<JobRef, Instant>;

/// Looks at all triggers from time to time, and when files may have come; never returns.
pub(crate) async fn keep_starting(shared: Arc<Shared>) {
    let mut looks = Looks::new();
    let mut store_is_down = false;
    loop {
        let watched = match shared.look_at_triggers(&mut looks).await {
            Ok(watched) => {
                store_is_down = false;
                watched
            }
            Err(error) => {
                if !std::mem::replace(&mut store_is_down, true) {
                    tracing::error!(%error, "triggers cannot be looked at; trying again");
                }
                Vec::new()
            }
        };
        tokio::select! {
            () = sleep(shared.settings.scan_interval.duration()) => {}
            () = shared.intake.arrival(&watched) => {
                looks.clear();
                sleep(SETTLE).await;
            }
        }
    }
}

/// A trigger in hand: as it is stored, and as it is to be.
struct Kept {
    stored: Option<Versioned<Trigger>>,
    now: Trigger,
}

impl Kept {
    fn new(stored: Option<Versioned<Trigger>>, job: &Job) -> Self {
        let known = stored.as_ref().map(|stored| stored.value.clone());
        Self {
            // a run of a removed job of the same name is not to be
            now: known
                .filter(|known| known.job_created_ms == job.created_ms)
                .unwrap_or_else(|| Trigger::new(job)),
            stored,
        }
    }
}

impl Shared {
    /// One look at every trigger; gives the jobs for which files may arrive.
    async fn look_at_triggers(&self, looks: &mut Looks) -> Result<Vec<JobRef>, StoreError> {
        let jobs = self.metadata.triggered_jobs().await?;
        if jobs.is_empty() {
            looks.clear();
            return Ok(Vec::new());
        }
        let stored = self.metadata.list_all::<Trigger>(Query::default()).await?;
        let mut stored: HashMap<String, _> = stored
            .into_iter()
            .map(|trigger| (trigger.value.key(), trigger))
            .collect();
        let mut watched = Vec::new();
        for job in jobs {
            let kept = Kept::new(stored.remove(&job.key()), &job);
            let start = &job.spec.start;
            if start.on == StartOn::Arrival && start.enabled {
                watched.push(job.job_ref());
            }
            self.look_at_trigger(&job, kept, looks).await?;
        }
        looks.retain(|job, _| watched.contains(job));
        Ok(watched)
    }

    async fn look_at_trigger(
        &self,
        job: &Job,
        mut kept: Kept,
        looks: &mut Looks,
    ) -> Result<(), StoreError> {
        if job.removing || (kept.now.starting.is_some() && !self.make_run(&mut kept).await?) {
            return Ok(());
        }
        if !kept.now.is_of(job) {
            kept.now = Trigger::new(job);
        }
        let decided = match job.spec.start.on {
            StartOn::Schedule => self.on_time(job, &mut kept.now).await,
            StartOn::Arrival => self.on_arrival(job, &mut kept.now, looks).await,
            StartOn::Manual => return Ok(()),
        };
        if let Err(failure) = decided {
            let reason = failure.message.clone();
            kept.now
                .decided(None, Verdict::CannotLook { reason }, self.now_ms());
        }
        if self.keep_trigger(&mut kept).await? && kept.now.starting.is_some() {
            self.make_run(&mut kept).await?;
        }
        Ok(())
    }

    /// Decides what follows from the clock.
    async fn on_time(&self, job: &Job, kept: &mut Trigger) -> Result<(), Failure> {
        // a spec whose times cannot be read was refused
        let Ok(schedule) = job.spec.start.schedule() else {
            return Ok(());
        };
        kept.next_start_ms = None;
        if !job.spec.start.enabled {
            return Ok(());
        }
        let now_ms = self.now_ms();
        if let Some(due_ms) = trigger::due(&schedule, kept.handled_ms, now_ms) {
            let (under_way, staged) = (self.under_way(job).await?, self.staged(job).await?);
            let missed = job.spec.start.missed.unwrap_or_default();
            let decided = staged.and_then(|staged| {
                trigger::at_due_time(due_ms, missed, now_ms, under_way.as_ref(), &staged)
            });
            let started_by = Actor::Schedule { due_ms };
            match decided {
                Ok(()) => self.decide_to_start(job, kept, started_by).await?,
                Err(verdict) => kept.decided(Some(due_ms), verdict, now_ms),
            }
            kept.handled_ms = due_ms;
        }
        kept.next_start_ms = schedule.next(now_ms.max(kept.handled_ms));
        Ok(())
    }

    /// Decides what follows from the files that are there, if it is time to look.
    async fn on_arrival(
        &self,
        job: &Job,
        kept: &mut Trigger,
        looks: &mut Looks,
    ) -> Result<(), Failure> {
        let (name, start, now) = (job.job_ref(), &job.spec.start, Instant::now());
        if !start.enabled || looks.get(&name).is_some_and(|next| *next > now) {
            return Ok(());
        }
        let soon = self.settings.scan_interval.duration();
        let under_way = self.under_way(job).await?;
        if under_way.is_some() && under_way == waits_for(kept) {
            looks.insert(name, now + soon);
            return Ok(());
        }
        // what cannot be looked at is not looked at all the time
        looks.insert(name.clone(), now + start.scan_every().duration());
        let staged = self.staged(job).await?;
        let fingerprint = |staged: &Staged| format!("{}:{}", job.revision, staged.fingerprint);
        let decided = staged.and_then(|staged| {
            let staged = Staged {
                fingerprint: fingerprint(&staged),
                ..staged
            };
            trigger::on_arrival(under_way.as_ref(), &staged, kept.seen.as_deref())?;
            Ok(staged.fingerprint)
        });
        match decided {
            Ok(fingerprint) => {
                kept.seen = Some(fingerprint);
                looks.insert(name, now + soon);
                self.decide_to_start(job, kept, Actor::Arrival).await?;
            }
            Err(verdict) => {
                let next = match verdict {
                    Verdict::PreviousUnderWay { .. } => soon,
                    Verdict::NothingStaged {
                        incomplete: 1.., ..
                    } => start.scan_every().min(start.stable_for()).duration(),
                    _ => start.scan_every().duration(),
                };
                looks.insert(name, now + next);
                kept.decided(None, verdict, self.now_ms());
            }
        }
        Ok(())
    }

    async fn under_way(&self, job: &Job) -> Result<Option<RunId>, Failure> {
        let runs = self.metadata.job_under_way(&job.job_ref(), 1).await;
        Ok(runs.map_err(store_failure)?.pop())
    }

    /// What a run of the job would take, or why there may be none.
    async fn staged(&self, job: &Job) -> Result<Result<Staged, Verdict>, Failure> {
        let client = self.metadata.client(&job.client).await;
        let plan = client
            .map_err(store_failure)?
            .map(|client| client.value.plan)
            .unwrap_or_default();
        if let Some(refusal) = plan.check_spec(&job.spec).first() {
            let reason = refusal.to_string();
            return Ok(Err(Verdict::Refused { reason }));
        }
        self.intake
            .staged(&job.job_ref(), &job.spec, &plan)
            .await
            .map(Ok)
    }

    /// Enters into a trigger which run there is to be; its revision is on record before.
    async fn decide_to_start(
        &self,
        job: &Job,
        kept: &mut Trigger,
        started_by: Actor,
    ) -> Result<(), Failure> {
        self.metadata
            .put_all(&[Revision::newest(job)])
            .await
            .map_err(store_failure)?;
        if let Ok(run) = ulid().parse() {
            kept.start(job, run, started_by);
        }
        Ok(())
    }

    /// Creates the run that was decided on, unless it is there, and notes that it is. False if others were faster.
    async fn make_run(&self, kept: &mut Kept) -> Result<bool, StoreError> {
        let Some(new) = kept.now.starting.clone() else {
            return Ok(true);
        };
        let run = Run::queued(new, self.now_ms());
        let audit = AuditEntry {
            id: ulid(),
            at_ms: run.created_ms,
            actor: run.started_by.clone(),
            action: "run.start".into(),
            target: format!("{}/{}", run.job_ref(), run.id),
            client: Some(run.client.clone()),
            request_id: None,
            detail: json!({ "revision": run.revision }),
        };
        match self.metadata.create(&run, Some(audit)).await {
            Ok(()) | Err(StoreError::Exists { .. }) => {}
            Err(error) => return Err(error),
        }
        tracing::info!(run = %run.id, job = %run.job_ref(), started_by = ?run.started_by, "a run was started");
        self.scan.notify_one();
        kept.now.started(self.now_ms());
        self.keep_trigger(kept).await
    }

    /// Stores a trigger if it has changed; false if somebody else has changed it meanwhile.
    async fn keep_trigger(&self, kept: &mut Kept) -> Result<bool, StoreError> {
        let stored = match &kept.stored {
            Some(stored) if stored.value == kept.now => return Ok(true),
            Some(stored) => {
                let changed = Versioned {
                    value: kept.now.clone(),
                    version: stored.version,
                };
                self.metadata.update(changed, None).await
            }
            None => self
                .metadata
                .create(&kept.now, None)
                .await
                .map(|()| Versioned {
                    value: kept.now.clone(),
                    version: 1,
                }),
        };
        match stored {
            Ok(stored) => kept.stored = Some(stored),
            Err(StoreError::Stale { .. } | StoreError::Exists { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}

/// The run whose end a trigger waits for.
fn waits_for(kept: &Trigger) -> Option<RunId> {
    match &kept.decision.as_ref()?.verdict {
        Verdict::Started { run } | Verdict::PreviousUnderWay { run } => Some(run.clone()),
        _ => None,
    }
}

fn ulid() -> String {
    ulid::Ulid::generate().to_string().to_lowercase()
}
