//! Adds what a run has used to its client's day: once, however often its teardown is done.

use domain::error::{Culprit, Failure};
use domain::run::Run;
use domain::store::{StoreError, Versioned, keys};
use domain::usage::{Usage, day_of};

use super::Task;
use crate::context::store_failure;

/// Runs that a day's document remembers before it is looked which of them have ended.
const REMEMBERED: usize = 32;

/// Tries against others that write to the same day.
const TRIES: u32 = 50;

impl Task {
    pub(super) async fn count_use(&self, run: &Run) -> Result<(), Failure> {
        let metadata = &self.shared.metadata;
        let key = keys::usage(&run.client, &day_of(run));
        for _ in 0..TRIES {
            let found = metadata.get::<Usage>(&key).await.map_err(store_failure)?;
            let written = match found {
                None => {
                    let mut usage = Usage::new(run.client.clone(), day_of(run));
                    usage.add(run);
                    metadata.create(&usage, None).await
                }
                Some(mut usage) => {
                    if !usage.value.add(run) {
                        return Ok(());
                    }
                    self.forget_ended(run, &mut usage)
                        .await
                        .map_err(store_failure)?;
                    metadata.update(usage, None).await.map(drop)
                }
            };
            match written {
                Ok(()) => return Ok(()),
                Err(StoreError::Exists { .. } | StoreError::Stale { .. }) => {}
                Err(error) => return Err(store_failure(error)),
            }
        }
        Err(Failure::transient(
            "usage_contended",
            Culprit::MetadataStore,
            format!("other runs kept writing to the usage {key} at the same time"),
            "it is tried again",
        ))
    }

    /// A run that has ended is never torn down again.
    async fn forget_ended(
        &self,
        run: &Run,
        usage: &mut Versioned<Usage>,
    ) -> Result<(), StoreError> {
        if usage.value.added.len() <= REMEMBERED {
            return Ok(());
        }
        let mut open = Vec::new();
        for id in std::mem::take(&mut usage.value.added) {
            let known = self.shared.metadata.run(&id).await?;
            let has_ended = known.is_none_or(|known| known.value.state.is_final());
            if id == run.id || !has_ended {
                open.push(id);
            }
        }
        usage.value.added = open;
        Ok(())
    }
}
