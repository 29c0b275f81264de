//! Retention: runs that ended longer ago than their client's plan keeps them are removed, with everything that was kept
//! of them. Documents in the core DMS have a retention of their own ([`crate::documents`]).

use std::collections::HashMap;
use std::sync::Arc;

use domain::audit::{Actor, AuditEntry};
use domain::error::Failure;
use domain::file::FileRecord;
use domain::ids::ClientId;
use domain::run::{Run, RunState};
use domain::start_key::StartKey;
use domain::store::{Kind, Query, StoreError, Versioned};
use domain::units::Span;
use serde_json::json;
use tokio::time::sleep;
use ulid::Ulid;

use crate::context::store_failure;
use crate::folder::{blocking, remove_folder, unusable};
use crate::shared::Shared;

/// Runs looked at with one question to the store.
const PAGE: u32 = 100;

/// Audit entries removed at once.
const AUDIT_AT_ONCE: u32 = 1000;

/// Removes what is due now and from time to time; never returns.
pub(crate) async fn keep_expiring(shared: Arc<Shared>) {
    loop {
        if let Err(error) = shared.expire_runs().await {
            tracing::warn!(%error, "runs that are past their retention could not be looked for; trying again later");
        }
        if let Err(failure) = shared.expire_indices().await {
            tracing::warn!(%failure, "indices that are past their retention could not be removed; trying again later");
        }
        if let Err(error) = shared.expire_audit().await {
            tracing::warn!(%error, "audit entries that are past their retention could not be removed; trying again later");
        }
        if let Err(error) = shared.expire_start_keys().await {
            tracing::warn!(%error, "keys of requests could not be removed; trying again later");
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
        let series_ms = ms(self.settings.series_retention);
        let Some(shortest) = retention.values().chain([&series_ms]).min() else {
            return Ok(());
        };
        let newest_due_ms = now_ms - shortest;
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
                if is_due(&run.value, series_ms, now_ms) {
                    self.expire_series(&run.value).await;
                }
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
                let kept_ms = ms(client.value.plan.retention);
                (client.value.id, kept_ms)
            })
            .collect())
    }

    /// Removes a run: its document goes last, so that a broken removal is found again. One that is not proven stays, with
    /// everything that may help to find out.
    async fn expire(&self, run: &Versioned<Run>) -> Result<(), Failure> {
        let files = self.metadata.files(&run.value.id).await;
        if !is_settled(&run.value, &files.map_err(store_failure)?) {
            return Ok(());
        }
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

    /// The record of something that the platform itself removes.
    pub(crate) fn removal(
        &self,
        action: &str,
        target: String,
        client: &ClientId,
        detail: serde_json::Value,
    ) -> AuditEntry {
        AuditEntry {
            id: Ulid::generate().to_string().to_lowercase(),
            at_ms: self.now_ms(),
            actor: Actor::Platform,
            action: action.into(),
            target,
            client: Some(client.clone()),
            request_id: None,
            detail,
        }
    }

    /// Removes the series of a run.
    async fn expire_series(&self, run: &Run) {
        if run.state == RunState::Suspect {
            return;
        }
        let path = self.folder(run).series();
        let removed = blocking(move || match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        });
        if let Err(error) = removed.await {
            tracing::warn!(run = %run.id, %error, "a series that is past its retention could not be removed");
        }
    }

    /// Removes audit entries that are past their retention, but none that is younger than a run that is still known.
    async fn expire_audit(&self) -> Result<(), StoreError> {
        let oldest = Query {
            limit: 1,
            ..Query::default()
        };
        let oldest = self.metadata.list::<Run>(&oldest).await?.items;
        let due_ms = self.now_ms() - ms(self.settings.audit_retention);
        let before_ms = oldest
            .first()
            .map_or(due_ms, |run| run.value.created_ms.min(due_ms));
        // the lowest id of that time
        let before = Ulid::from_parts(u64::try_from(before_ms).unwrap_or(0), 0);
        let before = before.to_string().to_lowercase();
        let store = self.metadata.store();
        while store.expire_audit(&before, AUDIT_AT_ONCE).await? == u64::from(AUDIT_AT_ONCE) {}
        Ok(())
    }

    /// Removes the keys of requests that are no longer known.
    async fn expire_start_keys(&self) -> Result<(), StoreError> {
        let now_ms = self.now_ms();
        let keys = self.metadata.list_all::<StartKey>(Query::default()).await?;
        for key in keys.iter().filter(|key| key.value.is_over(now_ms)) {
            match self.metadata.remove(key, None).await {
                Ok(()) | Err(StoreError::Stale { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Whether it is known what became of every record that a run may have sent: it sent none, or the core DMS has confirmed
/// every file.
fn is_settled(run: &Run, files: &[FileRecord]) -> bool {
    run.state != RunState::Suspect && (run.attempt == 0 || files.iter().all(FileRecord::proven))
}

/// In milliseconds.
fn ms(span: Span) -> i64 {
    i64::try_from(span.ms).unwrap_or(i64::MAX).min(i64::MAX / 4)
}

fn is_due(run: &Run, kept_ms: i64, now_ms: i64) -> bool {
    run.state.is_final()
        && run
            .finished_ms
            .is_some_and(|finished| finished + kept_ms <= now_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::file::{Compression, ManifestFile};
    use domain::ids::{FileKey, JobRef};
    use domain::ledger::Ledger;
    use domain::run::NewRun;
    use domain::spec::EngineKind;

    fn run(state: RunState, attempt: u32) -> Run {
        let new = NewRun {
            id: format!("01{:024}", 1).parse().unwrap(),
            job: JobRef {
                client: "acme".parse().unwrap(),
                job: "flights".parse().unwrap(),
            },
            revision: 1,
            spec_digest: String::new(),
            engine: EngineKind::Native,
            started_by: Actor::Platform,
        };
        Run {
            state,
            attempt,
            finished_ms: Some(0),
            ..Run::queued(new, 0)
        }
    }

    fn file(run: &Run, created: u64, counted: Option<u64>) -> FileRecord {
        let file = ManifestFile {
            index: 0,
            name: "a".into(),
            bytes: 1,
            sha256: "00".into(),
            compression: Compression::None,
            file_key: FileKey::derive(&run.client, &run.job, "a", None),
            claimed_as: "0".into(),
            terms: Default::default(),
        };
        FileRecord {
            ledger: Ledger {
                read: created,
                created,
                ..Ledger::default()
            },
            counted,
            ..FileRecord::claimed(run.id.clone(), file)
        }
    }

    #[test]
    fn nothing_is_removed_before_it_is_proven() {
        for state in RunState::ALL.into_iter().filter(|state| state.is_final()) {
            let sent = run(state, 1);
            let proven = state != RunState::Suspect;
            assert_eq!(
                is_settled(&sent, &[file(&sent, 3, Some(3))]),
                proven,
                "{state}"
            );
            assert!(!is_settled(&sent, &[file(&sent, 3, None)]), "{state}");
            assert!(!is_settled(&sent, &[file(&sent, 3, Some(2))]), "{state}");
            let idle = run(state, 0);
            assert_eq!(
                is_settled(&idle, &[file(&idle, 0, None)]),
                proven,
                "{state}"
            );
        }
    }
}
