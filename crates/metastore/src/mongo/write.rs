//! Writes whose outcome is always learnt: one document, one update, compare-and-set.
//!
//! An answer can be lost after the server has carried the write out. Every write therefore leaves its own id in the
//! document's `writes`, which remembers the newest few; a writer in doubt tries again, and where the server then reports a
//! conflict it looks whether the other side of the conflict is itself.

use std::time::Duration;

use ::mongodb::bson::{Document as Bdoc, doc, oid::ObjectId};
use domain::audit::AuditEntry;
use domain::store::{Document, Kind, StoreError};
use tokio::time::Instant;

use super::fault::{duplicate_key, fault, passing};
use super::{MongoStore, fields};

/// Wait before the first further attempt; doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(20);

/// What became of a compare-and-set.
#[derive(PartialEq)]
enum Outcome {
    /// It was carried out.
    Done,
    /// The document is not what the write was meant for.
    Conflict,
    /// So it seems, but an earlier attempt of the same write may have been carried out, and the document is gone.
    ConflictGone,
}

impl MongoStore {
    /// Stores a new document; one that is marked removed under the same key is no obstacle.
    pub(super) async fn insert(
        &self,
        kind: Kind,
        document: &Document,
        audit: Option<&AuditEntry>,
    ) -> Result<(), StoreError> {
        let write = ObjectId::new();
        let mut set = fields::entity(kind, document)?;
        set.insert("version", 1_i64);
        let mut update = fields::change(set, write, audit)?;
        update.insert("$unset", doc! { "removed": "" });
        // matches a removed document and nothing else: without one the upsert inserts, and a live one is a duplicate key
        let filter = doc! { "_id": &document.key, "removed": { "$exists": true } };
        match self
            .attempt(kind, &document.key, write, filter, update, true)
            .await?
        {
            Outcome::Done => Ok(()),
            Outcome::Conflict | Outcome::ConflictGone => Err(StoreError::Exists {
                kind: kind.collection(),
                key: document.key.clone(),
            }),
        }
    }

    /// Replaces a document at its version.
    pub(super) async fn swap(
        &self,
        kind: Kind,
        document: &Document,
        audit: Option<&AuditEntry>,
    ) -> Result<u64, StoreError> {
        let write = ObjectId::new();
        let next = document.version + 1;
        let mut set = fields::entity(kind, document)?;
        set.insert("version", fields::signed(next));
        let update = fields::change(set, write, audit)?;
        let filter = fields::at_version(&document.key, document.version);
        match self
            .attempt(kind, &document.key, write, filter, update, false)
            .await?
        {
            Outcome::Done => Ok(next),
            Outcome::Conflict | Outcome::ConflictGone => {
                Err(stale(kind, &document.key, document.version))
            }
        }
    }

    /// Marks a document at its version removed: nobody sees it from then on.
    pub(super) async fn mark_removed(
        &self,
        kind: Kind,
        key: &str,
        version: u64,
        audit: Option<&AuditEntry>,
    ) -> Result<(), StoreError> {
        let write = ObjectId::new();
        let update = fields::change(doc! { "removed": true }, write, audit)?;
        match self
            .attempt(
                kind,
                key,
                write,
                fields::at_version(key, version),
                update,
                false,
            )
            .await?
        {
            // gone after an attempt without an answer: what was asked for has happened
            Outcome::Done | Outcome::ConflictGone => Ok(()),
            Outcome::Conflict => Err(stale(kind, key, version)),
        }
    }

    /// Sends one update until it is answered, for at most half of the limit.
    async fn attempt(
        &self,
        kind: Kind,
        key: &str,
        write: ObjectId,
        filter: Bdoc,
        update: Bdoc,
        upsert: bool,
    ) -> Result<Outcome, StoreError> {
        let give_up = Instant::now() + self.limit / 2;
        let (mut in_doubt, mut wait) = (false, FIRST_WAIT);
        loop {
            match self
                .kind(kind)
                .update_one(filter.clone(), update.clone())
                .upsert(upsert)
                .await
            {
                Ok(result) if result.matched_count == 1 || result.upserted_id.is_some() => {
                    return Ok(Outcome::Done);
                }
                Ok(_) if in_doubt => return self.look_back(kind, key, write).await,
                Err(e) if duplicate_key(&e) && in_doubt => {
                    return self.look_back(kind, key, write).await;
                }
                Ok(_) => return Ok(Outcome::Conflict),
                Err(e) if duplicate_key(&e) => return Ok(Outcome::Conflict),
                Err(e) if passing(&e) && Instant::now() + wait < give_up => {
                    tracing::debug!(key, "an update without an answer is sent again: {}", e.kind);
                    in_doubt = true;
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
                Err(e) => return Err(fault(e)),
            }
        }
    }

    /// Whether an earlier attempt of this write is what the document has been through.
    async fn look_back(
        &self,
        kind: Kind,
        key: &str,
        write: ObjectId,
    ) -> Result<Outcome, StoreError> {
        let found = self
            .kind(kind)
            .find_one(doc! { "_id": key })
            .projection(doc! { "writes": 1 })
            .await
            .map_err(fault)?;
        let Some(found) = found else {
            return Ok(Outcome::ConflictGone);
        };
        let ours = found
            .get_array("writes")
            .is_ok_and(|writes| writes.contains(&write.into()));
        Ok(if ours {
            Outcome::Done
        } else {
            Outcome::Conflict
        })
    }
}

fn stale(kind: Kind, key: &str, version: u64) -> StoreError {
    StoreError::Stale {
        kind: kind.collection(),
        key: key.to_owned(),
        version,
    }
}
