//! Many documents at once: projections of what is true elsewhere.

use std::time::Duration;

use ::mongodb::bson::{Array, Bson, Document as Bdoc, doc};
use domain::store::{Document, Kind, StoreError};
use tokio::time::Instant;

use super::fault::{DUPLICATE_KEY, fault, passing};
use super::{MongoStore, fields};

/// A command may carry 16 MiB; this leaves room for what stands around the bodies.
const MAX_BATCH_BYTES: usize = 8 << 20;
/// Documents in a command.
const MAX_BATCH: usize = 1000;
/// Wait before a batch without an answer is sent again.
const WAIT: Duration = Duration::from_millis(100);

impl MongoStore {
    /// Stores documents whatever was there before, in as many commands as it takes. Each has the limit for itself.
    pub(super) async fn upsert_all(
        &self,
        kind: Kind,
        documents: Vec<Document>,
    ) -> Result<(), StoreError> {
        let (mut batch, mut bytes) = (Array::new(), 0);
        for document in &documents {
            let (update, size) = upsert(kind, document)?;
            if batch.len() == MAX_BATCH || bytes + size > MAX_BATCH_BYTES && !batch.is_empty() {
                self.send(kind, std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
            batch.push(update.into());
            bytes += size;
        }
        if batch.is_empty() {
            Ok(())
        } else {
            self.send(kind, batch).await
        }
    }

    async fn send(&self, kind: Kind, updates: Array) -> Result<(), StoreError> {
        let command = doc! {
            "update": kind.collection(),
            "updates": updates,
            "ordered": false,
            "writeConcern": { "w": "majority", "j": true },
        };
        self.within(async {
            let give_up = Instant::now() + self.limit / 2;
            loop {
                match self.db.run_command(command.clone()).await {
                    Ok(answer) if raced(&answer) && Instant::now() + WAIT < give_up => {
                        tokio::time::sleep(WAIT).await
                    }
                    Ok(answer) => return errors(&answer).map_or(Ok(()), Err),
                    // carried out twice it only counts the version up once more
                    Err(e) if passing(&e) && Instant::now() + WAIT < give_up => {
                        tokio::time::sleep(WAIT).await
                    }
                    Err(e) => return Err(fault(e)),
                }
            }
        })
        .await
    }

    /// Deletes an owner's documents, once their outboxes are empty; counts those that were not removed before.
    pub(super) async fn delete_owned(&self, kind: Kind, owner: &str) -> Result<u64, StoreError> {
        let collection = self.kind(kind);
        let mut deleted = 0;
        loop {
            self.relay(kind, doc! { "owner": owner }).await?;
            let relayed = fields::live(doc! { "owner": owner, "outbox.0": { "$exists": false } });
            deleted += collection
                .delete_many(relayed)
                .await
                .map_err(fault)?
                .deleted_count;
            // a write in between leaves one more to relay
            if collection
                .find_one(doc! { "owner": owner })
                .projection(doc! { "_id": 1 })
                .await
                .map_err(fault)?
                .is_none()
            {
                return Ok(deleted);
            }
        }
    }
}

/// One entry of an `update` command, and about how many bytes it takes.
fn upsert(kind: Kind, document: &Document) -> Result<(Bdoc, usize), StoreError> {
    let set = fields::entity(kind, document)?;
    let size = document.key.len() + set.get_str("body").map_or(0, str::len) + 512;
    let update = doc! { "$set": set, "$inc": { "version": 1_i64 }, "$unset": { "removed": "" } };
    Ok((
        doc! { "q": { "_id": &document.key }, "u": update, "upsert": true },
        size,
    ))
}

/// What an `update` command could not do, if anything. Sent as a plain command, its errors are no errors of the driver.
fn errors(answer: &Bdoc) -> Option<StoreError> {
    if let Some(Bson::Document(concern)) = answer.get("writeConcernError") {
        return Some(StoreError::Unavailable(
            concern
                .get_str("errmsg")
                .unwrap_or("written, but not by a majority")
                .into(),
        ));
    }
    let first = write_errors(answer).next()?;
    Some(StoreError::Refused(format!(
        "{} documents could not be stored: {}",
        write_errors(answer).count(),
        first.get_str("errmsg").unwrap_or("no reason given")
    )))
}

/// Whether all that failed was that somebody else inserted the same keys at the same moment: they can be updated now.
fn raced(answer: &Bdoc) -> bool {
    let mut failed = write_errors(answer).peekable();
    failed.peek().is_some()
        && failed.all(|error| {
            error
                .get_i32("code")
                .is_ok_and(|code| code == DUPLICATE_KEY)
        })
}

fn write_errors(answer: &Bdoc) -> impl Iterator<Item = &Bdoc> {
    let errors = answer
        .get_array("writeErrors")
        .map_or(&[][..], |errors| errors);
    errors.iter().filter_map(Bson::as_document)
}
