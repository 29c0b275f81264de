//! What the suite needs of a backend: an empty store for every test.

use std::sync::Arc;
use std::time::Duration;

use domain::store::MetadataStore;

/// A place for one test's store.
pub trait Backend: Sized + Sync {
    /// A new, empty place; none if the backend is switched off by name.
    async fn new() -> Option<Self>;
    /// Its address.
    fn url(&self) -> String;
    /// A store that worked when it was opened, and does not answer writes any more.
    async fn unavailable(&self) -> (Arc<dyn MetadataStore>, Box<dyn Send>);
    /// Leaves nothing behind.
    async fn clear(self);

    /// Opens the store, again and again the same one.
    async fn open(&self) -> Arc<dyn MetadataStore> {
        metastore::connect(&self.url())
            .await
            .expect("the store opens")
    }
}

/// Limit of stores that are to become unavailable.
pub const SHORT: Duration = Duration::from_millis(600);
