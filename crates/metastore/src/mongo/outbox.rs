//! Audit entries travel inside the write that they describe, in the document's `outbox`, so that no transaction over two
//! documents is needed. From there they are relayed: put into the audit collection under their own id (twice is
//! once), then taken out of the outbox; a document that is marked removed is deleted when its outbox is empty. Whatever a
//! crash interrupts is done when the store is opened and before the audit log is read.

use ::mongodb::bson::{Document as Bdoc, doc};
use domain::store::{Kind, StoreError};
use futures::TryStreamExt;

use super::MongoStore;
use super::fault::{duplicate_key, fault};
use super::fields::Pending;

impl MongoStore {
    /// Relays what one document holds. A failure is no failure of the write that put it there: it is relayed later.
    pub(super) async fn relay_soon(&self, kind: Kind, key: &str) {
        if let Err(e) = self.within(self.relay(kind, doc! { "_id": key })).await {
            tracing::warn!(
                kind = kind.collection(),
                key,
                "an audit entry stays in its outbox for now: {e}"
            );
        }
    }

    /// Relays whatever waits in any document.
    pub(super) async fn relay_everything(&self) -> Result<(), StoreError> {
        for kind in Kind::ALL {
            self.relay(kind, doc! {}).await?;
        }
        Ok(())
    }

    /// Relays what waits in the documents that `which` selects.
    pub(super) async fn relay(&self, kind: Kind, which: Bdoc) -> Result<(), StoreError> {
        let mut filter = Pending::filter();
        filter.extend(which);
        let found = self
            .kind(kind)
            .clone_with_type::<Pending>()
            .find(filter)
            .projection(Pending::projection())
            .await;
        let mut pending = found.map_err(fault)?;
        while let Some(document) = pending.try_next().await.map_err(fault)? {
            self.deliver(kind, &document).await?;
        }
        Ok(())
    }

    async fn deliver(&self, kind: Kind, pending: &Pending) -> Result<(), StoreError> {
        for entry in &pending.outbox {
            let update = doc! { "$setOnInsert": entry.stored() };
            match self
                .audit
                .update_one(doc! { "_id": &entry.id }, update)
                .upsert(true)
                .await
            {
                // another process relays the same entry
                Err(e) if !duplicate_key(&e) => return Err(fault(e)),
                Ok(_) | Err(_) => {}
            }
        }
        let collection = self.kind(kind);
        if !pending.outbox.is_empty() {
            let ids: Vec<&str> = pending
                .outbox
                .iter()
                .map(|entry| entry.id.as_str())
                .collect();
            let update = doc! { "$pull": { "outbox": { "id": { "$in": ids } } } };
            collection
                .update_one(doc! { "_id": &pending.key }, update)
                .await
                .map_err(fault)?;
        }
        if pending.removed {
            // only if nobody has put something else under the key meanwhile
            let filter =
                doc! { "_id": &pending.key, "removed": true, "outbox.0": { "$exists": false } };
            collection.delete_one(filter).await.map_err(fault)?;
        }
        Ok(())
    }
}
