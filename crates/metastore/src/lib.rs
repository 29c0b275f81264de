//! Metadata stores: adapters of [`domain::store::MetadataStore`] over SQLite (embedded) and over MongoDB.
//!
//! Both keep an entity's body as JSON text. BSON could not hold every body faithfully: it has no unsigned 64-bit
//! numbers, no keys with a NUL, at most 100 levels, and servers before 5.0 refuse keys with `$` or dots, all of which a job
//! spec may hold. Nothing is selected by a body's fields: what is (owner, state, version) stands beside it.

mod body;
mod mongo;
mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use domain::store::{MetadataStore, StoreError};

/// How long a call may take before it fails with [`StoreError::Unavailable`], if nothing else is said.
pub const DEFAULT_LIMIT: Duration = Duration::from_secs(10);

/// Opens the store that `url` names: `sqlite:PATH`, or `mongodb://…/DATABASE`. Brings its schema up to date, and refuses
/// one of a newer version of the platform.
pub async fn connect(url: &str) -> Result<Arc<dyn MetadataStore>, StoreError> {
    connect_within(url, DEFAULT_LIMIT).await
}

/// As [`connect`], with a limit of its own for every call, in [`connect_within`] itself too.
pub async fn connect_within(
    url: &str,
    limit: Duration,
) -> Result<Arc<dyn MetadataStore>, StoreError> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        return Ok(Arc::new(
            sqlite::SqliteStore::open(path.into(), limit).await?,
        ));
    }
    if url.starts_with("mongodb://") || url.starts_with("mongodb+srv://") {
        return Ok(Arc::new(mongo::MongoStore::connect(url, limit).await?));
    }
    // the address is not repeated: it may hold a password
    Err(StoreError::Refused(
        "its address must begin with \"sqlite:\" or \"mongodb://\"".into(),
    ))
}

/// The error for a store that was written by a newer version of the platform.
fn too_new(found: i64, known: i64) -> StoreError {
    StoreError::Refused(format!(
        "its schema is version {found}, and this version of the platform knows {known}: run the newer version, or restore a backup from before the upgrade"
    ))
}
