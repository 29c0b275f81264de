//! The suite on SQLite, and what only SQLite has: a file.

#![allow(clippy::expect_used, clippy::unwrap_used)]

#[macro_use]
#[path = "../suite/mod.rs"]
mod suite;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use domain::store::{MetadataStore, StoreError};
use tempfile::TempDir;

use suite::backend::{Backend, SHORT};

suite!(Sqlite);

struct Sqlite(TempDir);

impl Sqlite {
    fn path(&self) -> PathBuf {
        self.0.path().join("metadata.sqlite")
    }
}

impl Backend for Sqlite {
    async fn new() -> Option<Self> {
        Some(Self(TempDir::new().expect("a folder")))
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.path().display())
    }

    async fn unavailable(&self) -> (Arc<dyn MetadataStore>, Box<dyn Send>) {
        let store = metastore::connect_within(&self.url(), SHORT)
            .await
            .expect("the store opens");
        let other = rusqlite::Connection::open(self.path()).expect("a second connection");
        other.execute_batch("BEGIN EXCLUSIVE").expect("the lock");
        (store, Box::new(other))
    }

    async fn clear(self) {}
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused_and_left_alone() {
    let place = Sqlite::new().await.unwrap();
    drop(place.open().await);
    let file = rusqlite::Connection::open(place.path()).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    let Err(StoreError::Refused(why)) = metastore::connect(&place.url()).await else {
        panic!("it was taken")
    };
    assert!(why.contains("99") && why.contains("newer version"), "{why}");
    let version: i64 = file
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 99);
}

#[tokio::test]
async fn a_file_of_an_older_version_is_brought_up_to_date() {
    let place = Sqlite::new().await.unwrap();
    drop(place.open().await);
    let file = rusqlite::Connection::open(place.path()).unwrap();
    for table in ["triggers", "usage", "start_keys"] {
        file.execute_batch(&format!("DROP TABLE {table}")).unwrap();
    }
    file.pragma_update(None, "user_version", 1).unwrap();
    let store = place.open().await;
    for kind in domain::store::Kind::ALL {
        let document = suite::documents::document("a", "o", "");
        store.create(kind, document, None).await.unwrap();
    }
}

#[tokio::test]
async fn the_file_is_for_its_owner_only_and_safe_against_power_loss() {
    let place = Sqlite::new().await.unwrap();
    drop(place.open().await);
    assert_eq!(
        std::fs::metadata(place.path())
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    let file = rusqlite::Connection::open(place.path()).unwrap();
    let mode: String = file
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_named() {
    let place = Sqlite::new().await.unwrap();
    let url = format!(
        "sqlite:{}/missing/metadata.sqlite",
        place.0.path().display()
    );
    let Err(StoreError::Unavailable(why)) = metastore::connect(&url).await else {
        panic!("it was opened")
    };
    assert!(why.contains("missing/metadata.sqlite"), "{why}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let place = Sqlite::new().await.unwrap();
    std::fs::write(place.path(), "name,age\n".repeat(1000)).unwrap();
    let Err(StoreError::Refused(why)) = metastore::connect(&place.url()).await else {
        panic!("it was opened")
    };
    assert!(why.contains("not a database"), "{why}");
}
