//! One document: created once, replaced by compare-and-set, removed.

use std::sync::Arc;

use domain::store::{Document, Kind, MetadataStore, StoreError};
use serde_json::json;

use super::backend::Backend;

/// A document at version 1.
pub fn document(key: &str, owner: &str, state: &str) -> Document {
    Document {
        key: key.into(),
        owner: owner.into(),
        state: state.into(),
        version: 1,
        body: json!({ "key": key }),
    }
}

pub async fn a_key_is_created_once(backend: &impl Backend) {
    let store = backend.open().await;
    assert_eq!(store.get(Kind::Job, "acme/a").await.unwrap(), None);
    let first = document("acme/a", "acme", "");
    store.create(Kind::Job, first.clone(), None).await.unwrap();
    let again = store
        .create(Kind::Job, document("acme/a", "other", ""), None)
        .await;
    assert!(
        matches!(again, Err(StoreError::Exists { kind: "jobs", ref key }) if key == "acme/a"),
        "{again:?}"
    );
    assert_eq!(store.get(Kind::Job, "acme/a").await.unwrap(), Some(first));
}

pub async fn a_replace_needs_the_current_version(backend: &impl Backend) {
    let store = backend.open().await;
    let missing = store
        .replace(Kind::Run, document("r", "o", "queued"), None)
        .await;
    assert!(
        matches!(
            missing,
            Err(StoreError::Stale {
                kind: "runs",
                version: 1,
                ..
            })
        ),
        "{missing:?}"
    );
    store
        .create(Kind::Run, document("r", "o", "queued"), None)
        .await
        .unwrap();
    let changed = Document {
        owner: "p".into(),
        state: "claiming".into(),
        body: json!({ "n": 2 }),
        ..document("r", "", "")
    };
    assert_eq!(
        store
            .replace(Kind::Run, changed.clone(), None)
            .await
            .unwrap(),
        2
    );
    let stale = store
        .replace(Kind::Run, document("r", "o", "late"), None)
        .await;
    assert!(
        matches!(stale, Err(StoreError::Stale { version: 1, .. })),
        "{stale:?}"
    );
    assert_eq!(
        store.get(Kind::Run, "r").await.unwrap(),
        Some(Document {
            version: 2,
            ..changed
        })
    );
}

/// 16 writers count up a number in a body, each until it has won 5 times: no count is lost, none is made twice.
pub async fn exactly_one_of_many_writers_wins_each_version(backend: &impl Backend) {
    let store = backend.open().await;
    let start = Document {
        body: json!({ "count": 0 }),
        ..document("c", "", "")
    };
    store.create(Kind::Client, start, None).await.unwrap();
    let writers: Vec<_> = (0..16)
        .map(|_| tokio::spawn(count_up(store.clone(), 5)))
        .collect();
    let mut versions = Vec::new();
    for writer in writers {
        versions.extend(writer.await.unwrap());
    }
    versions.sort_unstable();
    assert_eq!(
        versions,
        (2..=81).collect::<Vec<u64>>(),
        "each version is won exactly once"
    );
    let end = store.get(Kind::Client, "c").await.unwrap().unwrap();
    assert_eq!((end.version, end.body), (81, json!({ "count": 80 })));
}

async fn count_up(store: Arc<dyn MetadataStore>, times: usize) -> Vec<u64> {
    let mut won = Vec::new();
    while won.len() < times {
        let mut document = store.get(Kind::Client, "c").await.unwrap().unwrap();
        document.body["count"] = json!(document.body["count"].as_u64().unwrap() + 1);
        match store.replace(Kind::Client, document, None).await {
            Ok(version) => won.push(version),
            Err(StoreError::Stale { .. }) => {}
            Err(e) => panic!("{e}"),
        }
    }
    won
}

pub async fn exactly_one_of_many_creators_wins(backend: &impl Backend) {
    let store = backend.open().await;
    let creators: Vec<_> = (0..16)
        .map(|i| {
            let (store, mine) = (
                store.clone(),
                Document {
                    body: json!(i),
                    ..document("k", "", "")
                },
            );
            tokio::spawn(async move { (i, store.create(Kind::Token, mine, None).await) })
        })
        .collect();
    let mut winners = Vec::new();
    for creator in creators {
        match creator.await.unwrap() {
            (i, Ok(())) => winners.push(i),
            (_, Err(StoreError::Exists { .. })) => {}
            (_, Err(e)) => panic!("{e}"),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(
        store.get(Kind::Token, "k").await.unwrap().unwrap().body,
        json!(winners[0])
    );
}

pub async fn a_removed_document_is_gone_and_its_key_free(backend: &impl Backend) {
    let store = backend.open().await;
    let missing = store.remove(Kind::Job, "a", 1, None).await;
    assert!(
        matches!(
            missing,
            Err(StoreError::Stale {
                kind: "jobs",
                version: 1,
                ..
            })
        ),
        "{missing:?}"
    );
    store
        .create(Kind::Job, document("a", "o", "s"), None)
        .await
        .unwrap();
    let version = store
        .replace(Kind::Job, document("a", "o", "s"), None)
        .await
        .unwrap();
    let stale = store.remove(Kind::Job, "a", 1, None).await;
    assert!(matches!(stale, Err(StoreError::Stale { .. })), "{stale:?}");
    store.remove(Kind::Job, "a", version, None).await.unwrap();
    assert_eq!(store.get(Kind::Job, "a").await.unwrap(), None);
    assert_eq!(store.count(Kind::Job, "o").await.unwrap(), 0);
    let twice = store.remove(Kind::Job, "a", version, None).await;
    assert!(matches!(twice, Err(StoreError::Stale { .. })), "{twice:?}");
    store
        .create(Kind::Job, document("a", "o", "s"), None)
        .await
        .unwrap();
    assert_eq!(store.get(Kind::Job, "a").await.unwrap().unwrap().version, 1);
}

pub async fn kinds_do_not_mix(backend: &impl Backend) {
    let store = backend.open().await;
    for kind in Kind::ALL {
        store
            .create(
                kind,
                Document {
                    body: json!(kind.collection()),
                    ..document("same", "o", "")
                },
                None,
            )
            .await
            .unwrap();
    }
    for kind in Kind::ALL {
        assert_eq!(
            store.get(kind, "same").await.unwrap().unwrap().body,
            json!(kind.collection())
        );
        assert_eq!(store.remove_owned(kind, "o").await.unwrap(), 1);
        assert_eq!(store.get(kind, "same").await.unwrap(), None);
    }
}

pub async fn everything_is_there_after_reopening(backend: &impl Backend) {
    let kept = Document {
        version: 2,
        ..document("a", "o", "new")
    };
    {
        let store = backend.open().await;
        store
            .create(
                Kind::Run,
                document("a", "o", "old"),
                Some(super::audit::entry("x1", None)),
            )
            .await
            .unwrap();
        store
            .replace(
                Kind::Run,
                document("a", "o", "new"),
                Some(super::audit::entry("x2", None)),
            )
            .await
            .unwrap();
        store
            .create(Kind::Run, document("b", "o", ""), None)
            .await
            .unwrap();
        store.remove(Kind::Run, "b", 1, None).await.unwrap();
    }
    let store = backend.open().await;
    assert_eq!(store.get(Kind::Run, "a").await.unwrap(), Some(kept));
    assert_eq!(store.get(Kind::Run, "b").await.unwrap(), None);
    let ids: Vec<_> = store
        .audit(None, None, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|entry| entry.id)
        .collect();
    assert_eq!(ids, ["x2", "x1"]);
}
