//! Retention: runs that ended longer ago than their client's plan keeps them are removed, with everything that was kept
//! of them. Documents in the core DMS have a retention of their own ([`crate::documents`]).

use std::collections::HashMap;
use std::sync::Arc;

use domain::audit::{Actor, AuditEntry};
use domain::error::Failure;
use domain::ids::ClientId;
use domain::run::{Run, RunState};
use domain::store::{Kind, Query, StoreError, Versioned};
use serde_json::json;
use tokio::time::sleep;

use crate::context::store_failure;
use crate::folder::{remove_folder, unusable};
use crate::shared::Shared;

/// Runs looked at with one question to the store.
const PAGE: u32 = 100;

/// Removes what is due now and from time to time; never returns.
pub(crate) async fn keep_expiring(shared: Arc<Shared>) {
    loop {
        if let Err(error) = shared.expire_runs().await {
            tracing::warn!(%error, "runs that are past their retention could not be looked for; trying again later");
        }
        if let Err(failure) = shared.expire_indices().await {
            tracing::warn!(%failure, "indices that are past their retention could not be removed; trying again later");
        }
        sleep(shared.settings.retention_interval.duration()).await;
    }
}

impl Shared {
    /// One round over all runs that have ended, the oldest first.
    async fn expire_runs(&self) -> Result<(), StoreError> {
        let retention = self.retention_by_client().await?;
        let now_ms = self.now_ms();
        // no run that was asked for later can be due yet
        let Some(newest_due_ms) = retention.values().min().map(|shortest| now_ms - shortest) else {
            return Ok(());
        };
        let mut query = Query {
            states: RunState::ALL
                .iter()
                .filter(|state| state.is_final())
                .map(|state| state.name().to_owned())
                .collect(),
            limit: PAGE,
            ..Query::default()
        };
        loop {
            let page = self.metadata.list::<Run>(&query).await?;
            for run in page.items {
                if run.value.created_ms > newest_due_ms {
                    return Ok(());
                }
                let kept_ms = retention.get(&run.value.client);
                if kept_ms.is_some_and(|kept| is_due(&run.value, *kept, now_ms))
                    && let Err(failure) = self.expire(&run).await
                {
                    tracing::warn!(run = %run.value.id, %failure, "a run that is past its retention could not be removed; trying again later");
                }
            }
            match page.next {
                Some(key) => query.after = Some(key),
                None => return Ok(()),
            }
        }
    }

    /// How long each client's runs are kept, in milliseconds.
    async fn retention_by_client(&self) -> Result<HashMap<ClientId, i64>, StoreError> {
        let clients = self
            .metadata
            .list_all::<domain::client::Client>(Query::default())
            .await?;
        Ok(clients
            .into_iter()
            .map(|client| {
                let kept = client.value.plan.retention.duration().as_millis();
                (client.value.id, i64::try_from(kept).unwrap_or(i64::MAX / 2))
            })
            .collect())
    }

    /// Removes a run: its document goes last, so that a broken removal is found again.
    async fn expire(&self, run: &Versioned<Run>) -> Result<(), Failure> {
        self.intake.expire(&run.value).await?;
        let folder = self.folder(&run.value);
        self.dms.dismiss(&run.value, &folder).await?;
        remove_folder(folder.path().to_owned())
            .await
            .map_err(|e| unusable(&folder, &e))?;
        self.metadata
            .store()
            .remove_owned(Kind::File, run.value.id.as_str())
            .await
            .map_err(store_failure)?;
        let audit = self.removal(
            "run.expire",
            format!("{}/{}", run.value.job_ref(), run.value.id),
            &run.value.client,
            json!({ "state": run.value.state, "finished_ms": run.value.finished_ms, "ledger": run.value.ledger }),
        );
        match self.metadata.remove(run, Some(audit)).await {
            // somebody else was faster
            Ok(()) | Err(StoreError::Stale { .. }) => Ok(()),
            Err(error) => Err(store_failure(error)),
        }
    }
}

impl Shared {
    /// The record of something that the platform itself removes.
    pub(crate) fn removal(
        &self,
        action: &str,
        target: String,
        client: &ClientId,
        detail: serde_json::Value,
    ) -> AuditEntry {
        AuditEntry {
            id: ulid::Ulid::generate().to_string().to_lowercase(),
            at_ms: self.now_ms(),
            actor: Actor::Platform,
            action: action.into(),
            target,
            client: Some(client.clone()),
            request_id: None,
            detail,
        }
    }
}

fn is_due(run: &Run, kept_ms: i64, now_ms: i64) -> bool {
    run.state.is_final()
        && run
            .finished_ms
            .is_some_and(|finished| finished + kept_ms <= now_ms)
}
