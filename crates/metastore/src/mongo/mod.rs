//! The production store: MongoDB. A collection for each kind, a document for each entity: `_id` is its key, beside it
//! `owner`, `state`, `version`, and `body` as JSON text.
//!
//! Only single-document writes, acknowledged by a majority and journalled, so that it works on every kind of
//! deployment. How a write's outcome is known for certain is told in [`write`], how audit entries come along in
//! [`outbox`].

mod bulk;
mod fault;
mod fields;
mod outbox;
mod schema;
mod write;

use std::future::Future;
use std::time::Duration;

use ::mongodb::bson::{Document as Bdoc, doc};
use ::mongodb::options::{
    Acknowledgment, ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern,
};
use ::mongodb::{Client, Collection, Database};
use async_trait::async_trait;
use domain::audit::AuditEntry;
use domain::ids::ClientId;
use domain::store::{Document, Kind, MetadataStore, Query, StoreError};
use futures::TryStreamExt;

use fault::fault;
use fields::{Stored, StoredAudit};

/// Name of the audit collection.
const AUDIT: &str = "audit";

/// A metadata store in a MongoDB database.
pub struct MongoStore {
    db: Database,
    audit: Collection<Bdoc>,
    limit: Duration,
}

impl MongoStore {
    /// Connects, brings the schema up to date, and relays what a crash has left.
    pub async fn connect(url: &str, limit: Duration) -> Result<Self, StoreError> {
        let mut options = ClientOptions::parse(url).await.map_err(fault)?;
        let name = options.default_database.clone();
        let name = name.ok_or_else(|| {
            StoreError::Refused(
                "its address names no database: write mongodb://HOST:PORT/DATABASE".into(),
            )
        })?;
        options
            .app_name
            .get_or_insert_with(|| "ingestion-platform".into());
        options.connect_timeout.get_or_insert(limit / 3);
        options.server_selection_timeout.get_or_insert(limit / 3);
        // not the address's to choose: compare-and-set is only right with these
        options.write_concern = Some(
            WriteConcern::builder()
                .w(Acknowledgment::Majority)
                .journal(true)
                .build(),
        );
        options.read_concern = Some(ReadConcern::majority());
        options.selection_criteria =
            Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        let db = Client::with_options(options)
            .map_err(fault)?
            .database(&name);
        let store = Self {
            audit: db.collection(AUDIT),
            db,
            limit,
        };
        store.within(schema::prepare(&store.db)).await?;
        store.within(store.relay_everything()).await?;
        Ok(store)
    }

    fn kind(&self, kind: Kind) -> Collection<Bdoc> {
        self.db.collection(kind.collection())
    }

    /// Waits for `work`, but not beyond the limit.
    async fn within<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let late = || StoreError::Unavailable(format!("no answer within {:?}", self.limit));
        tokio::time::timeout(self.limit, work)
            .await
            .unwrap_or_else(|_| Err(late()))
    }

    async fn find(&self, kind: Kind, query: &Query) -> Result<Vec<Document>, StoreError> {
        let mut filter = fields::live(doc! {});
        if let Some(owner) = &query.owner {
            filter.insert("owner", owner);
        }
        if !query.states.is_empty() {
            filter.insert("state", doc! { "$in": &query.states });
        }
        let (direction, behind) = if query.descending {
            (-1, "$lt")
        } else {
            (1, "$gt")
        };
        if let Some(after) = &query.after {
            filter.insert("_id", doc! { behind: after });
        }
        let collection = self.kind(kind).clone_with_type::<Stored>();
        let find = collection
            .find(filter)
            .projection(Stored::projection())
            .sort(doc! { "_id": direction })
            .limit(query.limit.into());
        let stored: Vec<Stored> = find
            .await
            .map_err(fault)?
            .try_collect()
            .await
            .map_err(fault)?;
        stored
            .into_iter()
            .map(|stored| stored.document(kind))
            .collect()
    }

    async fn find_audit(
        &self,
        client: Option<&ClientId>,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        self.relay_everything().await?;
        let mut filter = doc! {};
        if let Some(client) = client {
            filter.insert("client", client.as_str());
        }
        if let Some(before) = before {
            filter.insert("_id", doc! { "$lt": before });
        }
        let collection = self.audit.clone_with_type::<StoredAudit>();
        let find = collection
            .find(filter)
            .sort(doc! { "_id": -1 })
            .limit(limit.into());
        let stored: Vec<StoredAudit> = find
            .await
            .map_err(fault)?
            .try_collect()
            .await
            .map_err(fault)?;
        stored.into_iter().map(StoredAudit::entry).collect()
    }
}

#[async_trait]
impl MetadataStore for MongoStore {
    async fn get(&self, kind: Kind, key: &str) -> Result<Option<Document>, StoreError> {
        let collection = self.kind(kind).clone_with_type::<Stored>();
        let find = async {
            collection
                .find_one(fields::live(doc! { "_id": key }))
                .projection(Stored::projection())
                .await
                .map_err(fault)
        };
        self.within(find)
            .await?
            .map(|stored| stored.document(kind))
            .transpose()
    }

    async fn create(
        &self,
        kind: Kind,
        document: Document,
        audit: Option<AuditEntry>,
    ) -> Result<(), StoreError> {
        self.within(self.insert(kind, &document, audit.as_ref()))
            .await?;
        if audit.is_some() {
            self.relay_soon(kind, &document.key).await;
        }
        Ok(())
    }

    async fn replace(
        &self,
        kind: Kind,
        document: Document,
        audit: Option<AuditEntry>,
    ) -> Result<u64, StoreError> {
        let version = self
            .within(self.swap(kind, &document, audit.as_ref()))
            .await?;
        if audit.is_some() {
            self.relay_soon(kind, &document.key).await;
        }
        Ok(version)
    }

    async fn remove(
        &self,
        kind: Kind,
        key: &str,
        version: u64,
        audit: Option<AuditEntry>,
    ) -> Result<(), StoreError> {
        self.within(self.mark_removed(kind, key, version, audit.as_ref()))
            .await?;
        self.relay_soon(kind, key).await;
        Ok(())
    }

    async fn put_all(&self, kind: Kind, documents: Vec<Document>) -> Result<(), StoreError> {
        self.upsert_all(kind, documents).await
    }

    async fn remove_owned(&self, kind: Kind, owner: &str) -> Result<u64, StoreError> {
        self.within(self.delete_owned(kind, owner)).await
    }

    async fn list(&self, kind: Kind, query: &Query) -> Result<Vec<Document>, StoreError> {
        if query.limit == 0 {
            return Ok(Vec::new()); // to MongoDB it would mean: no limit
        }
        self.within(self.find(kind, query)).await
    }

    async fn count(&self, kind: Kind, owner: &str) -> Result<u64, StoreError> {
        let collection = self.kind(kind);
        let count = async {
            collection
                .count_documents(fields::live(doc! { "owner": owner }))
                .await
                .map_err(fault)
        };
        self.within(count).await
    }

    async fn audit(
        &self,
        client: Option<&ClientId>,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        self.within(self.find_audit(client, before, limit)).await
    }

    async fn expire_audit(&self, before: &str, limit: u32) -> Result<u64, StoreError> {
        if limit == 0 {
            return Ok(0);
        }
        let collection = self.audit.clone_with_type::<StoredAudit>();
        let expire = async {
            let find = collection
                .find(doc! { "_id": { "$lt": before } })
                .sort(doc! { "_id": 1 })
                .limit(i64::from(limit));
            let found: Vec<StoredAudit> = find
                .await
                .map_err(fault)?
                .try_collect()
                .await
                .map_err(fault)?;
            let ids: Vec<String> = found.into_iter().map(|entry| entry.id).collect();
            let removed = collection
                .delete_many(doc! { "_id": { "$in": ids } })
                .await
                .map_err(fault)?;
            Ok(removed.deleted_count)
        };
        self.within(expire).await
    }

    async fn ping(&self) -> Result<String, StoreError> {
        let ask = async {
            self.db
                .run_command(doc! { "ping": 1 })
                .await
                .map_err(fault)?;
            self.db
                .run_command(doc! { "buildInfo": 1 })
                .await
                .map_err(fault)
        };
        let info = self.within(ask).await?;
        Ok(format!(
            "mongodb {}",
            info.get_str("version").unwrap_or("of an unknown version")
        ))
    }
}
