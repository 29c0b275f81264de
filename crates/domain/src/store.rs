//! The metadata store: a small port that adapters implement ([`MetadataStore`]) and the typed face that everybody uses
//! ([`Metadata`]).
//!
//! Every entity is one document. Every write is compare-and-set on the version of one document and takes its audit
//! entry with it: either both are stored or neither is. There are no transactions over several documents; what must
//! change together lives in one (a client's slots, for example).

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::audit::AuditEntry;
use crate::client::Client;
use crate::file::FileRecord;
use crate::ids::{ClientId, JobId, JobRef, RunId, TokenId};
use crate::job::{Job, Revision};
use crate::run::{Run, RunState};
use crate::spec::StartOn;
use crate::start_key::StartKey;
use crate::token::{Scope, Token};
use crate::trigger::Trigger;
use crate::usage::Usage;

/// The kinds of documents, each a collection of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// [`Client`]s.
    Client,
    /// [`Job`]s.
    Job,
    /// [`Revision`]s.
    Revision,
    /// [`Run`]s.
    Run,
    /// [`FileRecord`]s.
    File,
    /// [`Token`]s.
    Token,
    /// [`Trigger`]s.
    Trigger,
    /// [`Usage`] by day.
    Usage,
    /// [`StartKey`]s.
    StartKey,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 9] = [
        Kind::Client,
        Kind::Job,
        Kind::Revision,
        Kind::Run,
        Kind::File,
        Kind::Token,
        Kind::Trigger,
        Kind::Usage,
        Kind::StartKey,
    ];

    /// Name of the collection or table.
    pub const fn collection(self) -> &'static str {
        match self {
            Kind::Client => "clients",
            Kind::Job => "jobs",
            Kind::Revision => "revisions",
            Kind::Run => "runs",
            Kind::File => "files",
            Kind::Token => "tokens",
            Kind::Trigger => "triggers",
            Kind::Usage => "usage",
            Kind::StartKey => "start_keys",
        }
    }
}

/// A document as adapters see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Unique within its kind; listings are in the order of keys (byte by byte).
    pub key: String,
    /// What it is listed under; empty for what belongs to the platform.
    pub owner: String,
    /// What it can be selected by besides; empty where nothing is.
    pub state: String,
    /// From 1; one more with each write.
    pub version: u64,
    /// The entity.
    pub body: Value,
}

/// Which documents to list.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Only those of this owner; none for all.
    pub owner: Option<String>,
    /// Only those in one of these states; empty for all.
    pub states: Vec<String>,
    /// Only those behind this key, in the direction of the listing.
    pub after: Option<String>,
    /// From the highest key to the lowest.
    pub descending: bool,
    /// At most so many.
    pub limit: u32,
}

/// What a store can fail with.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is a document with this key already.
    #[error("{kind} {key:?} exists already")]
    Exists {
        /// Of which kind.
        kind: &'static str,
        /// Its key.
        key: String,
    },
    /// The document has changed since it was read, or is gone.
    #[error("{kind} {key:?} is no longer at version {version}")]
    Stale {
        /// Of which kind.
        kind: &'static str,
        /// Its key.
        key: String,
        /// The version that was expected.
        version: u64,
    },
    /// The store did not answer, or not in time; it may or may not have carried the write out.
    #[error("the metadata store cannot be reached: {0}")]
    Unavailable(String),
    /// A document does not have the shape that this version of the platform knows.
    #[error("{kind} {key:?} in the metadata store cannot be read: {reason}")]
    Corrupt {
        /// Of which kind.
        kind: &'static str,
        /// Its key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Anything else that the store refused.
    #[error("the metadata store refused: {0}")]
    Refused(String),
}

/// What a metadata store must do. One shared suite of tests runs on every adapter.
#[async_trait]
pub trait MetadataStore: Send + Sync {
    /// The document with this key.
    async fn get(&self, kind: Kind, key: &str) -> Result<Option<Document>, StoreError>;

    /// Stores a new document at version 1. [`StoreError::Exists`] if its key is taken.
    async fn create(
        &self,
        kind: Kind,
        document: Document,
        audit: Option<AuditEntry>,
    ) -> Result<(), StoreError>;

    /// Replaces the document at `document.version` and gives the new version. [`StoreError::Stale`] if it is not at that
    /// version any more.
    async fn replace(
        &self,
        kind: Kind,
        document: Document,
        audit: Option<AuditEntry>,
    ) -> Result<u64, StoreError>;

    /// Removes the document at this version. [`StoreError::Stale`] if it is not at that version any more.
    async fn remove(
        &self,
        kind: Kind,
        key: &str,
        version: u64,
        audit: Option<AuditEntry>,
    ) -> Result<(), StoreError>;

    /// Stores many documents whatever was there before: for projections of what is true elsewhere. Either order, but all
    /// of them, or an error.
    async fn put_all(&self, kind: Kind, documents: Vec<Document>) -> Result<(), StoreError>;

    /// Removes all documents of an owner and says how many there were.
    async fn remove_owned(&self, kind: Kind, owner: &str) -> Result<u64, StoreError>;

    /// Lists documents in the order of their keys.
    async fn list(&self, kind: Kind, query: &Query) -> Result<Vec<Document>, StoreError>;

    /// How many documents an owner has.
    async fn count(&self, kind: Kind, owner: &str) -> Result<u64, StoreError>;

    /// Audit entries, the newest first: of one client or of all, behind the entry `before`, at most `limit`.
    async fn audit(
        &self,
        client: Option<&ClientId>,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError>;

    /// Removes audit entries whose ids sort before `before`, the oldest first, at most `limit`; says how many there were.
    async fn expire_audit(&self, before: &str, limit: u32) -> Result<u64, StoreError>;

    /// Whether the store takes requests, and what it is (for example `sqlite 3.50`).
    async fn ping(&self) -> Result<String, StoreError>;
}

/// What can be stored as a document.
pub trait Entity: Serialize + DeserializeOwned + Send + Sync {
    /// Which kind.
    const KIND: Kind;
    /// Its key; see [`Document::key`].
    fn key(&self) -> String;
    /// Its owner; see [`Document::owner`].
    fn owner(&self) -> String;
    /// Its state; see [`Document::state`].
    fn state(&self) -> &'static str {
        ""
    }
}

impl Entity for Client {
    const KIND: Kind = Kind::Client;
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn owner(&self) -> String {
        String::new()
    }
}

impl Entity for Job {
    const KIND: Kind = Kind::Job;
    fn key(&self) -> String {
        keys::job(&self.client, &self.id)
    }
    fn owner(&self) -> String {
        self.client.to_string()
    }
    /// What starts its runs, where that is not the client alone.
    fn state(&self) -> &'static str {
        match self.spec.start.on {
            StartOn::Manual => "",
            StartOn::Schedule => "schedule",
            StartOn::Arrival => "arrival",
        }
    }
}

impl Entity for Trigger {
    const KIND: Kind = Kind::Trigger;
    fn key(&self) -> String {
        keys::job(&self.client, &self.job)
    }
    fn owner(&self) -> String {
        keys::job(&self.client, &self.job)
    }
}

impl Entity for Usage {
    const KIND: Kind = Kind::Usage;
    fn key(&self) -> String {
        keys::usage(&self.client, &self.day)
    }
    fn owner(&self) -> String {
        self.client.to_string()
    }
}

impl Entity for StartKey {
    const KIND: Kind = Kind::StartKey;
    fn key(&self) -> String {
        format!("{}/{}", self.run.job, self.digest)
    }
    fn owner(&self) -> String {
        self.run.job.to_string()
    }
}

impl Entity for Revision {
    const KIND: Kind = Kind::Revision;
    fn key(&self) -> String {
        keys::revision(&self.client, &self.job, self.number)
    }
    fn owner(&self) -> String {
        keys::job(&self.client, &self.job)
    }
}

impl Entity for Run {
    const KIND: Kind = Kind::Run;
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn owner(&self) -> String {
        keys::job(&self.client, &self.job)
    }
    fn state(&self) -> &'static str {
        self.state.name()
    }
}

impl Entity for FileRecord {
    const KIND: Kind = Kind::File;
    fn key(&self) -> String {
        keys::file(&self.run, self.file.index)
    }
    fn owner(&self) -> String {
        self.run.to_string()
    }
}

impl Entity for Token {
    const KIND: Kind = Kind::Token;
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn owner(&self) -> String {
        match &self.scope {
            Scope::Client { client } => client.to_string(),
            Scope::Admin | Scope::Invite => String::new(),
        }
    }
}

/// The keys of entities.
pub mod keys {
    use super::{ClientId, JobId, RunId};

    /// Of a job; also the owner of its revisions and runs.
    pub fn job(client: &ClientId, job: &JobId) -> String {
        format!("{client}/{job}")
    }
    /// Of a revision: its number padded, so that keys sort.
    pub fn revision(client: &ClientId, job: &JobId, number: u32) -> String {
        format!("{client}/{job}/{number:010}")
    }
    /// Of what a client has used on a day.
    pub fn usage(client: &ClientId, day: &str) -> String {
        format!("{client}/{day}")
    }
    /// Of a file of a run.
    pub fn file(run: &RunId, index: u32) -> String {
        format!("{run}/{index:010}")
    }
}

/// An entity with the version that it was read at.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned<T> {
    /// The entity.
    pub value: T,
    /// Its version in the store.
    pub version: u64,
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// Its entries.
    pub items: Vec<Versioned<T>>,
    /// Key to go on behind; none if this was the last page.
    pub next: Option<String>,
}

/// The typed face of a metadata store.
#[derive(Clone)]
pub struct Metadata {
    store: Arc<dyn MetadataStore>,
}

impl Metadata {
    /// Over an adapter.
    pub fn new(store: Arc<dyn MetadataStore>) -> Self {
        Self { store }
    }

    /// The adapter.
    pub fn store(&self) -> &dyn MetadataStore {
        &*self.store
    }

    /// The entity with this key.
    pub async fn get<T: Entity>(&self, key: &str) -> Result<Option<Versioned<T>>, StoreError> {
        self.store.get(T::KIND, key).await?.map(decode).transpose()
    }

    /// A client.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Versioned<Client>>, StoreError> {
        self.get(id.as_str()).await
    }

    /// A job.
    pub async fn job(&self, job: &JobRef) -> Result<Option<Versioned<Job>>, StoreError> {
        self.get(&keys::job(&job.client, &job.job)).await
    }

    /// A revision of a job's spec.
    pub async fn revision(
        &self,
        job: &JobRef,
        number: u32,
    ) -> Result<Option<Versioned<Revision>>, StoreError> {
        self.get(&keys::revision(&job.client, &job.job, number))
            .await
    }

    /// A run.
    pub async fn run(&self, id: &RunId) -> Result<Option<Versioned<Run>>, StoreError> {
        self.get(id.as_str()).await
    }

    /// A token.
    pub async fn token(&self, id: &TokenId) -> Result<Option<Versioned<Token>>, StoreError> {
        self.get(id.as_str()).await
    }

    /// Stores a new entity.
    pub async fn create<T: Entity>(
        &self,
        value: &T,
        audit: Option<AuditEntry>,
    ) -> Result<(), StoreError> {
        self.store.create(T::KIND, encode(value, 1)?, audit).await
    }

    /// Replaces an entity that has not changed since it was read; gives it back at its new version.
    pub async fn update<T: Entity>(
        &self,
        changed: Versioned<T>,
        audit: Option<AuditEntry>,
    ) -> Result<Versioned<T>, StoreError> {
        let version = self
            .store
            .replace(T::KIND, encode(&changed.value, changed.version)?, audit)
            .await?;
        Ok(Versioned {
            value: changed.value,
            version,
        })
    }

    /// Removes an entity that has not changed since it was read.
    pub async fn remove<T: Entity>(
        &self,
        entity: &Versioned<T>,
        audit: Option<AuditEntry>,
    ) -> Result<(), StoreError> {
        self.store
            .remove(T::KIND, &entity.value.key(), entity.version, audit)
            .await
    }

    /// Stores many entities whatever was there before.
    pub async fn put_all<T: Entity>(&self, values: &[T]) -> Result<(), StoreError> {
        let documents = values
            .iter()
            .map(|value| encode(value, 1))
            .collect::<Result<_, _>>()?;
        self.store.put_all(T::KIND, documents).await
    }

    /// One page of a listing.
    pub async fn list<T: Entity>(&self, query: &Query) -> Result<Page<T>, StoreError> {
        let documents = self.store.list(T::KIND, query).await?;
        let next = (documents.len() as u32 == query.limit)
            .then(|| documents.last().map(|d| d.key.clone()))
            .flatten();
        let items = documents
            .into_iter()
            .map(decode)
            .collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }

    /// All entities that a query selects, page by page.
    pub async fn list_all<T: Entity>(
        &self,
        mut query: Query,
    ) -> Result<Vec<Versioned<T>>, StoreError> {
        query.limit = 1000;
        let mut all = Vec::new();
        loop {
            let page = self.list(&query).await?;
            all.extend(page.items);
            match page.next {
                Some(key) => query.after = Some(key),
                None => return Ok(all),
            }
        }
    }

    /// All runs that are not at their end.
    pub async fn runs_under_way(&self) -> Result<Vec<Versioned<Run>>, StoreError> {
        self.list_all(Query {
            states: RunState::under_way(),
            ..Query::default()
        })
        .await
    }

    /// The runs of a job that are not at their end, at most `limit`, the oldest first.
    pub async fn job_under_way(&self, job: &JobRef, limit: u32) -> Result<Vec<RunId>, StoreError> {
        let query = Query {
            owner: Some(keys::job(&job.client, &job.job)),
            states: RunState::under_way(),
            limit,
            ..Query::default()
        };
        let page = self.list::<Run>(&query).await?;
        Ok(page.items.into_iter().map(|run| run.value.id).collect())
    }

    /// The jobs whose runs are started by more than their client.
    pub async fn triggered_jobs(&self) -> Result<Vec<Job>, StoreError> {
        let query = Query {
            states: vec!["schedule".into(), "arrival".into()],
            ..Query::default()
        };
        let jobs = self.list_all::<Job>(query).await?;
        Ok(jobs.into_iter().map(|job| job.value).collect())
    }

    /// All files of a run, in the manifest's order.
    pub async fn files(&self, run: &RunId) -> Result<Vec<FileRecord>, StoreError> {
        let query = Query {
            owner: Some(run.to_string()),
            ..Query::default()
        };
        Ok(self
            .list_all(query)
            .await?
            .into_iter()
            .map(|file| file.value)
            .collect())
    }
}

fn encode<T: Entity>(value: &T, version: u64) -> Result<Document, StoreError> {
    let body = serde_json::to_value(value).map_err(|e| {
        StoreError::Refused(format!("{} {:?}: {e}", T::KIND.collection(), value.key()))
    })?;
    Ok(Document {
        key: value.key(),
        owner: value.owner(),
        state: value.state().to_owned(),
        version,
        body,
    })
}

fn decode<T: Entity>(document: Document) -> Result<Versioned<T>, StoreError> {
    let Document {
        key, version, body, ..
    } = document;
    let value = serde_json::from_value(body).map_err(|e| StoreError::Corrupt {
        kind: T::KIND.collection(),
        key,
        reason: e.to_string(),
    })?;
    Ok(Versioned { value, version })
}
