//! The embedded store: one SQLite file. A write is one transaction that takes its audit entry with it, synced to disk
//! before it is acknowledged.

mod executor;
mod schema;
mod statements;

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use domain::audit::AuditEntry;
use domain::ids::ClientId;
use domain::store::{Document, Kind, MetadataStore, Query, StoreError};
use rusqlite::ErrorCode;

use executor::Executor;
use statements as sql;

/// A metadata store in a SQLite file. Reads and writes have a connection each.
pub struct SqliteStore {
    writer: Executor,
    reader: Executor,
}

impl SqliteStore {
    /// Opens the file, and makes it if it is missing.
    pub async fn open(path: PathBuf, limit: Duration) -> Result<Self, StoreError> {
        // shorter than the limit, so that a locked file is reported as what it is
        let busy = limit / 2;
        let file = path.clone();
        let writer = Executor::start("metadata-write", limit, move || {
            schema::open_writer(&file, busy)
        })
        .await?;
        let reader = Executor::start("metadata-read", limit, move || {
            schema::open_reader(&path, busy)
        })
        .await?;
        Ok(Self { writer, reader })
    }
}

#[async_trait]
impl MetadataStore for SqliteStore {
    async fn get(&self, kind: Kind, key: &str) -> Result<Option<Document>, StoreError> {
        let key = key.to_owned();
        self.reader.call(move |c| sql::get(c, kind, &key)).await
    }

    async fn create(
        &self,
        kind: Kind,
        document: Document,
        audit: Option<AuditEntry>,
    ) -> Result<(), StoreError> {
        self.writer
            .call(move |c| sql::create(c, kind, &document, audit.as_ref()))
            .await
    }

    async fn replace(
        &self,
        kind: Kind,
        document: Document,
        audit: Option<AuditEntry>,
    ) -> Result<u64, StoreError> {
        self.writer
            .call(move |c| sql::replace(c, kind, &document, audit.as_ref()))
            .await
    }

    async fn remove(
        &self,
        kind: Kind,
        key: &str,
        version: u64,
        audit: Option<AuditEntry>,
    ) -> Result<(), StoreError> {
        let key = key.to_owned();
        self.writer
            .call(move |c| sql::remove(c, kind, &key, version, audit.as_ref()))
            .await
    }

    async fn put_all(&self, kind: Kind, documents: Vec<Document>) -> Result<(), StoreError> {
        self.writer
            .call(move |c| sql::put_all(c, kind, &documents))
            .await
    }

    async fn remove_owned(&self, kind: Kind, owner: &str) -> Result<u64, StoreError> {
        let owner = owner.to_owned();
        self.writer
            .call(move |c| sql::remove_owned(c, kind, &owner))
            .await
    }

    async fn list(&self, kind: Kind, query: &Query) -> Result<Vec<Document>, StoreError> {
        let query = query.clone();
        self.reader.call(move |c| sql::list(c, kind, &query)).await
    }

    async fn count(&self, kind: Kind, owner: &str) -> Result<u64, StoreError> {
        let owner = owner.to_owned();
        self.reader.call(move |c| sql::count(c, kind, &owner)).await
    }

    async fn audit(
        &self,
        client: Option<&ClientId>,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let (client, before) = (client.map(ToString::to_string), before.map(str::to_owned));
        self.reader
            .call(move |c| sql::audit(c, client.as_deref(), before.as_deref(), limit))
            .await
    }

    async fn expire_audit(&self, before: &str, limit: u32) -> Result<u64, StoreError> {
        let before = before.to_owned();
        self.writer
            .call(move |c| sql::expire_audit(c, &before, limit))
            .await
    }

    async fn ping(&self) -> Result<String, StoreError> {
        self.reader.call(sql::ping).await
    }
}

/// SQLite's errors in the store's terms: what passes when a lock, a disk or a permission is mended is unavailable.
fn fault(error: &rusqlite::Error) -> StoreError {
    let message = error.to_string();
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::CannotOpen
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory
            | ErrorCode::OperationInterrupted,
        ) => StoreError::Unavailable(message),
        _ => StoreError::Refused(message),
    }
}
