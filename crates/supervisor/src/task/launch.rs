//! Launching: the index template, the work order, and a worker; the attempt is stored before it is made.

use std::time::Duration;

use domain::error::{Culprit, Failure};
use domain::ports::RunContext;
use domain::run::{Desired, Event, Run};
use domain::store::{StoreError, Versioned};
use domain::worker::{DmsEndpoint, WorkOrder};

use super::{Step, Task};
use crate::context::store_failure;
use crate::folder::{blocking, unusable, write_json};
use crate::shared::NotMoved;

impl Task {
    /// Launches a worker; with no worker under way.
    pub(super) async fn launch(&mut self, run: &mut Versioned<Run>) -> Result<Step, Failure> {
        if run.value.desired == Desired::Cancel {
            return Ok(Step::Happened(Event::CalledOff));
        }
        let rest_ms = run.value.not_before_ms - self.shared.now_ms();
        if let Ok(rest_ms @ 1..) = u64::try_from(rest_ms) {
            return Ok(Step::Wait(Duration::from_millis(rest_ms)));
        }
        let context = self.context(&run.value).await?;
        self.shared.dms.prepare(&context).await?;
        let dms = self.shared.dms.admit(&context).await?;
        let order = self.order(&context, dms).await?;
        // the core DMS may have moved since the last launch
        let (path, written) = (context.folder.order(), order.clone());
        blocking(move || write_json(&path, &written))
            .await
            .map_err(|e| unusable(&context.folder, &e))?;
        *run = match self.shared.advance(run, Event::Launching).await {
            Ok(run) => run,
            Err(NotMoved::Store(StoreError::Stale { .. })) => {
                return Ok(Step::Wait(Duration::ZERO));
            }
            Err(NotMoved::Store(error)) => return Err(store_failure(error)),
            Err(NotMoved::Illegal(illegal)) => {
                return Err(Failure::transient(
                    "out_of_step",
                    Culprit::Platform,
                    illegal.to_string(),
                    "the run is looked at again",
                ));
            }
        };
        let context = RunContext {
            run: run.value.clone(),
            ..context
        };
        self.watching.begin();
        self.share(&context).await;
        match self
            .shared
            .engine
            .launch(&context, &order, run.value.attempt)
            .await
        {
            Ok(()) => Ok(Step::Wait(self.watching.pace())),
            Err(failure) if failure.retryable => {
                // it may run although nobody said so
                self.shared.engine.kill(&context).await?;
                self.lost(&run.value, &context, failure).await
            }
            Err(failure) => Err(failure),
        }
    }

    async fn order(&self, context: &RunContext, dms: DmsEndpoint) -> Result<WorkOrder, Failure> {
        let RunContext { run, spec, .. } = context;
        let client = self
            .shared
            .metadata
            .client(&run.client)
            .await
            .map_err(store_failure)?;
        let plan = client.map(|client| client.value.plan).unwrap_or_default();
        Ok(WorkOrder {
            client: run.client.clone(),
            job: run.job.clone(),
            run: run.id.clone(),
            revision: run.revision,
            spec_digest: run.spec_digest.clone(),
            spec: spec.clone(),
            clock_ms: match &run.replay_of {
                Some(replay) => replay.clock_ms,
                None => run.claimed_ms.unwrap_or(run.created_ms),
            },
            dms,
            memory: spec.limits.memory.unwrap_or(plan.memory_per_run),
            cpu_millis: spec.limits.cpu_millis.unwrap_or(plan.cpu_millis_per_run),
            orphan_after: self.shared.settings.orphan_after,
            hold: run.desired == Desired::Pause,
            provisions: self.shared.settings.provisions.clone(),
            containers: self.shared.settings.containers.clone(),
        })
    }
}
