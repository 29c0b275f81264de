//! Slots and job locks: given in one write of the client's document (rule 20), freed at a run's end, and healed where a
//! crash came between that write and the run's own.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::client::{Client, Waiting};
use domain::error::{Culprit, Failure};
use domain::ids::{ClientId, JobRef, RunId};
use domain::run::{Desired, Event, Run, RunState};
use domain::store::{Query, StoreError, Versioned};

use crate::queue::{Passes, Turns};
use crate::shared::{NotMoved, Shared};

/// What came of asking for a slot.
enum Asked {
    /// The run has left the queue, or somebody else has changed it.
    Left(Option<RunId>),
    /// It has to wait.
    Waits(Waiting),
}

fn lock(passes: &Mutex<Passes>) -> MutexGuard<'_, Passes> {
    passes.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Gives every queued run its turn, and returns the ids of the runs that are to have a task.
    pub(crate) async fn take_turns(&self) -> Result<Vec<RunId>, StoreError> {
        let (queued, under_way): (Vec<_>, Vec<_>) = self
            .metadata
            .runs_under_way()
            .await?
            .into_iter()
            .partition(|run| run.value.state == RunState::Queued);
        let mut active: Vec<RunId> = under_way.iter().map(|run| run.value.id.clone()).collect();
        let mut wanted = Vec::new();
        for run in queued {
            match run.value.desired {
                Desired::Run => wanted.push(run),
                Desired::Pause => self.wait_for(&run, Waiting::Held).await?,
                Desired::Cancel => active.extend(self.leave_queue(&run, Event::CalledOff).await?),
            }
        }
        let weights = self.weights(&wanted).await?;
        let passes = std::mem::take(&mut *lock(&self.passes));
        let mut turns = Turns::new(
            passes,
            wanted,
            under_way.iter().map(|run| &run.value.client),
            |client| weights.get(client).copied().unwrap_or(NonZeroU32::MIN),
        );
        // the host is busy with workers; who only waits for the core DMS's count has none
        let busy = under_way
            .iter()
            .filter(|run| {
                !matches!(
                    run.value.state,
                    RunState::Verifying | RunState::TearingDown | RunState::Undoing
                )
            })
            .count();
        active.extend(self.admit_in_turn(&mut turns, busy).await?);
        *lock(&self.passes) = turns.into_passes();
        Ok(active)
    }

    /// Admits runs as long as there is a place for them, and says in the others why they wait; `busy` places are taken.
    async fn admit_in_turn(
        &self,
        turns: &mut Turns,
        mut busy: usize,
    ) -> Result<Vec<RunId>, StoreError> {
        let (mut admitted, mut healed) = (Vec::new(), HashSet::new());
        // what one run of a job was told, the others would be told too
        let mut told: HashMap<JobRef, Waiting> = HashMap::new();
        while let Some(run) = turns.next() {
            let client = &run.value.client;
            if let Some(waiting) = self.host_busy(busy, turns.under_way(client)) {
                self.wait_for(&run, waiting).await?;
                continue;
            }
            if let Some(waiting) = told.get(&run.value.job_ref()) {
                self.wait_for(&run, waiting.clone()).await?;
                continue;
            }
            match self.admit(&run, &mut healed).await? {
                Asked::Left(None) => {}
                Asked::Left(Some(id)) => {
                    turns.admitted(client);
                    busy += 1;
                    admitted.push(id);
                }
                Asked::Waits(waiting @ Waiting::SlotsUsed { .. }) => {
                    for other in turns.sent_away(client) {
                        self.wait_for(&other, waiting.clone()).await?;
                    }
                }
                Asked::Waits(waiting) => drop(told.insert(run.value.job_ref(), waiting)),
            }
        }
        Ok(admitted)
    }

    /// Why the host has no place for a run of a client that has so many under way. The last place is for a client that has
    /// none: one that fills the host with runs that do not end holds nobody up.
    fn host_busy(&self, busy: usize, under_way: usize) -> Option<Waiting> {
        let limit = self.settings.max_runs;
        let kept = usize::from(limit > 1 && under_way > 0);
        (busy + kept >= limit as usize).then_some(Waiting::HostBusy { limit })
    }

    /// What weight the clients of these runs have.
    async fn weights(
        &self,
        runs: &[Versioned<Run>],
    ) -> Result<HashMap<ClientId, NonZeroU32>, StoreError> {
        let clients: HashSet<&ClientId> = runs.iter().map(|run| &run.value.client).collect();
        let mut weights = HashMap::new();
        for id in clients {
            if let Some(client) = self.metadata.client(id).await? {
                weights.insert(id.clone(), client.value.plan.weight);
            }
        }
        Ok(weights)
    }

    /// Gives a queued run a slot, or says in the run why it has to wait.
    async fn admit(
        &self,
        run: &Versioned<Run>,
        healed: &mut HashSet<ClientId>,
    ) -> Result<Asked, StoreError> {
        loop {
            let Some(client) = self.metadata.client(&run.value.client).await? else {
                let message = format!(
                    "the client {} is not in the metadata store",
                    run.value.client
                );
                let failure = Failure::permanent(
                    "client_missing",
                    Culprit::Platform,
                    message,
                    "register the client again",
                );
                let left = self.leave_queue(run, Event::Impossible(failure)).await?;
                return Ok(Asked::Left(left));
            };
            // read after the run was stored: a removal that began before is seen, one that begins later sees the run
            let job = self.metadata.job(&run.value.job_ref()).await?;
            if job.is_none_or(|job| job.value.removing) {
                let failure = Failure::permanent(
                    "job_removed",
                    Culprit::Client,
                    format!("the job {} was removed", run.value.job_ref()),
                    "put the job again and start a new run",
                );
                let left = self.leave_queue(run, Event::Impossible(failure)).await?;
                return Ok(Asked::Left(left));
            }
            match client.value.admit(&run.value) {
                Ok(admitted) => {
                    if admitted != client.value
                        && !self.put_client(admitted, client.version).await?
                    {
                        continue;
                    }
                    return Ok(Asked::Left(self.leave_queue(run, Event::Admitted).await?));
                }
                // only once a scan: the holders may have ended without giving back what they held
                Err(_) if healed.insert(run.value.client.clone()) && self.heal(&client).await? => {}
                Err(waiting) => {
                    self.wait_for(run, waiting.clone()).await?;
                    return Ok(Asked::Waits(waiting));
                }
            }
        }
    }

    /// Locks the job of a run that needs no worker; gives what it has to wait for. Doing it twice changes nothing.
    pub(crate) async fn lock_job(&self, run: &Run) -> Result<Option<Waiting>, StoreError> {
        while let Some(client) = self.metadata.client(&run.client).await? {
            match client.value.lock(run) {
                Ok(locked) if locked == client.value => break,
                Ok(locked) => {
                    if self.put_client(locked, client.version).await? {
                        break;
                    }
                }
                Err(waiting) => {
                    // the holder may have ended without giving back what it held
                    if !self.heal(&client).await? {
                        return Ok(Some(waiting));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Moves a run out of the queue; gives its id if it has gone.
    async fn leave_queue(
        &self,
        run: &Versioned<Run>,
        event: Event,
    ) -> Result<Option<RunId>, StoreError> {
        match self.advance(run, event).await {
            Ok(moved) => Ok(Some(moved.value.id)),
            // somebody changed it meanwhile: the next scan sees how
            Err(NotMoved::Store(StoreError::Stale { .. }) | NotMoved::Illegal(_)) => Ok(None),
            Err(NotMoved::Store(error)) => Err(error),
        }
    }

    /// Says in a queued run why it waits.
    async fn wait_for(&self, run: &Versioned<Run>, waiting: Waiting) -> Result<(), StoreError> {
        if run.value.waiting.as_ref() == Some(&waiting) {
            return Ok(());
        }
        let after = Run {
            waiting: Some(waiting),
            ..run.value.clone()
        };
        match self.keep(run, after).await {
            Ok(_) | Err(StoreError::Stale { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Frees the slot of a run that is ending.
    pub(crate) async fn release(&self, run: &Run) -> Result<(), StoreError> {
        while let Some(client) = self.metadata.client(&run.client).await? {
            let Some(released) = client.value.release(&run.id) else {
                break;
            };
            if self.put_client(released, client.version).await? {
                self.scan.notify_one();
                break;
            }
        }
        Ok(())
    }

    /// Frees slots whose runs have ended or are not known, of all clients.
    pub(crate) async fn heal_all(&self) -> Result<(), StoreError> {
        for client in self.metadata.list_all::<Client>(Query::default()).await? {
            self.heal(&client).await?;
        }
        Ok(())
    }

    /// The same for one client; says whether its document has changed.
    async fn heal(&self, client: &Versioned<Client>) -> Result<bool, StoreError> {
        let mut healed = client.value.clone();
        for slot in &client.value.slots {
            if self
                .metadata
                .run(&slot.run)
                .await?
                .is_none_or(|run| run.value.state.is_final())
            {
                tracing::warn!(client = %client.value.id, run = %slot.run, "freeing a slot whose run has ended");
                healed = healed.release(&slot.run).unwrap_or(healed);
            }
        }
        Ok(healed != client.value && self.put_client(healed, client.version).await?)
    }

    /// Stores a client; false if it has changed meanwhile.
    async fn put_client(&self, client: Client, version: u64) -> Result<bool, StoreError> {
        match self
            .metadata
            .update(
                Versioned {
                    value: client,
                    version,
                },
                None,
            )
            .await
        {
            Ok(_) => Ok(true),
            Err(StoreError::Stale { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
