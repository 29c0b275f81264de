//! The shape of what is stored: names of fields, and the way there and back.

use ::mongodb::bson::{Bson, Document as Bdoc, doc, oid::ObjectId};
use domain::audit::AuditEntry;
use domain::store::{Document, Kind, StoreError};
use serde::Deserialize;

use crate::body;

/// Ids of writes that a document remembers.
const REMEMBERED_WRITES: i32 = 8;

/// Selects documents that are not removed.
pub fn live(mut filter: Bdoc) -> Bdoc {
    filter.insert("removed", doc! { "$exists": false });
    filter
}

/// Selects one document at a version.
pub fn at_version(key: &str, version: u64) -> Bdoc {
    live(doc! { "_id": key, "version": signed(version) })
}

/// What a write changes: the entity, the audit entry that waits to be relayed, and the mark of this write.
pub fn change(set: Bdoc, write: ObjectId, audit: Option<&AuditEntry>) -> Result<Bdoc, StoreError> {
    let mut push = doc! { "writes": { "$each": [write], "$slice": -REMEMBERED_WRITES } };
    if let Some(entry) = audit {
        let client = entry.client.as_ref().map(ToString::to_string);
        push.insert(
            "outbox",
            doc! { "id": &entry.id, "client": client, "entry": body::encode_audit(entry)? },
        );
    }
    Ok(doc! { "$set": set, "$push": push })
}

/// The fields of an entity, but for its key and version.
pub fn entity(kind: Kind, document: &Document) -> Result<Bdoc, StoreError> {
    Ok(
        doc! { "owner": &document.owner, "state": &document.state, "body": body::encode(kind, document)? },
    )
}

/// Versions as BSON keeps them. None ever comes near the end of the range; one that does matches nothing.
pub fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(-1)
}

/// An entity as it is stored.
#[derive(Deserialize)]
pub struct Stored {
    #[serde(rename = "_id")]
    key: String,
    owner: String,
    state: String,
    version: i64,
    body: String,
}

impl Stored {
    /// Only the fields that an entity has.
    pub fn projection() -> Bdoc {
        doc! { "owner": 1, "state": 1, "version": 1, "body": 1 }
    }

    /// The document as everybody else knows it.
    pub fn document(self, kind: Kind) -> Result<Document, StoreError> {
        let Self {
            key,
            owner,
            state,
            version,
            body,
        } = self;
        let body = body::decode(kind.collection(), &key, &body)?;
        Ok(Document {
            key,
            owner,
            state,
            version: version.unsigned_abs(),
            body,
        })
    }
}

/// What waits in a document to be relayed or deleted.
#[derive(Deserialize)]
pub struct Pending {
    /// The document's key.
    #[serde(rename = "_id")]
    pub key: String,
    /// Audit entries, the oldest first.
    #[serde(default)]
    pub outbox: Vec<OutboxEntry>,
    /// Whether it is to be deleted.
    #[serde(default)]
    pub removed: bool,
}

impl Pending {
    /// Selects documents in which something waits.
    pub fn filter() -> Bdoc {
        doc! { "$or": [{ "outbox.id": { "$exists": true } }, { "removed": true }] }
    }

    /// Only the fields that are needed to relay.
    pub fn projection() -> Bdoc {
        doc! { "outbox": 1, "removed": 1 }
    }
}

/// An audit entry that travels with the document that it is about.
#[derive(Deserialize)]
pub struct OutboxEntry {
    /// The entry's id.
    pub id: String,
    client: Option<String>,
    entry: String,
}

impl OutboxEntry {
    /// The entry as the audit collection keeps it, but for its id.
    pub fn stored(&self) -> Bdoc {
        let client = self.client.clone().map_or(Bson::Null, Bson::String);
        doc! { "client": client, "entry": &self.entry }
    }
}

/// An audit entry in its collection.
#[derive(Deserialize)]
pub struct StoredAudit {
    /// Its id.
    #[serde(rename = "_id")]
    pub id: String,
    entry: String,
}

impl StoredAudit {
    /// The entry.
    pub fn entry(self) -> Result<AuditEntry, StoreError> {
        body::decode_audit(&self.id, &self.entry)
    }
}
