//! A store that cannot be reached says so, and does not keep its callers waiting.

use domain::store::{Kind, StoreError};

use super::backend::Backend;
use super::documents::document;

pub async fn an_unavailable_store_says_so(backend: &impl Backend) {
    let (store, _held) = backend.unavailable().await;
    let failures = [
        store
            .create(Kind::Job, document("a", "", ""), None)
            .await
            .unwrap_err(),
        store
            .replace(Kind::Job, document("a", "", ""), None)
            .await
            .unwrap_err(),
        store.remove(Kind::Job, "a", 1, None).await.unwrap_err(),
        store
            .put_all(Kind::Job, vec![document("a", "", "")])
            .await
            .unwrap_err(),
        store.remove_owned(Kind::Job, "o").await.unwrap_err(),
    ];
    for failure in failures {
        assert!(matches!(failure, StoreError::Unavailable(_)), "{failure:?}");
    }
}

pub async fn a_ping_names_the_store(backend: &impl Backend) {
    let name = backend.open().await.ping().await.unwrap();
    assert!(
        name.starts_with("sqlite 3.") || name.starts_with("mongodb "),
        "{name}"
    );
}

#[tokio::test]
async fn an_address_that_nothing_understands_is_refused_without_repeating_it() {
    for url in ["postgres://user:secret@host/db", "metadata.sqlite", ""] {
        let Err(StoreError::Refused(why)) = metastore::connect(url).await else {
            panic!("{url} was taken")
        };
        assert!(!why.contains("secret"), "{why}");
    }
}
