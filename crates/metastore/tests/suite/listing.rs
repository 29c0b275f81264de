//! Listings: order, pages, selection, and many documents at once.

use domain::store::{Document, Kind, MetadataStore, Query};
use serde_json::json;

use super::backend::Backend;
use super::documents::document;

async fn keys(store: &dyn MetadataStore, kind: Kind, query: &Query) -> Vec<String> {
    store
        .list(kind, query)
        .await
        .unwrap()
        .into_iter()
        .map(|document| document.key)
        .collect()
}

async fn fill(store: &dyn MetadataStore, documents: &[(&str, &str, &str)]) {
    for (key, owner, state) in documents {
        store
            .create(Kind::Run, document(key, owner, state), None)
            .await
            .unwrap();
    }
}

pub async fn keys_are_in_order_both_ways(backend: &impl Backend) {
    let store = backend.open().await;
    fill(
        &*store,
        &[
            ("b", "", ""),
            ("a/2", "", ""),
            ("a", "", ""),
            ("a-1", "", ""),
            ("B", "", ""),
            ("é", "", ""),
            ("a/10", "", ""),
        ],
    )
    .await;
    let ordered = ["B", "a", "a-1", "a/10", "a/2", "b", "é"];
    assert_eq!(
        keys(
            &*store,
            Kind::Run,
            &Query {
                limit: 10,
                ..Query::default()
            }
        )
        .await,
        ordered
    );
    let backwards: Vec<_> = ordered.iter().rev().copied().collect();
    assert_eq!(
        keys(
            &*store,
            Kind::Run,
            &Query {
                limit: 10,
                descending: true,
                ..Query::default()
            }
        )
        .await,
        backwards
    );
    assert_eq!(
        keys(&*store, Kind::Run, &Query::default()).await,
        [""; 0],
        "a limit of 0 is no listing"
    );
}

pub async fn pages_join_without_gap_or_overlap(backend: &impl Backend) {
    let store = backend.open().await;
    let names: Vec<_> = (0..23).map(|i| format!("k{i:02}")).collect();
    store
        .put_all(
            Kind::Run,
            names.iter().map(|key| document(key, "o", "")).collect(),
        )
        .await
        .unwrap();
    for descending in [false, true] {
        let mut query = Query {
            owner: Some("o".into()),
            limit: 5,
            descending,
            ..Query::default()
        };
        let mut seen = Vec::new();
        loop {
            let page = keys(&*store, Kind::Run, &query).await;
            assert!(page.len() <= 5);
            let Some(last) = page.last() else { break };
            query.after = Some(last.clone());
            seen.extend(page);
        }
        if descending {
            seen.reverse();
        }
        assert_eq!(seen, names);
    }
}

pub async fn owners_and_states_select(backend: &impl Backend) {
    let store = backend.open().await;
    fill(
        &*store,
        &[
            ("1", "x", "queued"),
            ("2", "y", "running"),
            ("3", "x", "failed"),
            ("4", "x", "queued"),
            ("5", "xy", "queued"),
        ],
    )
    .await;
    let query = |owner: Option<&str>, states: &[&str], after: Option<&str>| Query {
        owner: owner.map(Into::into),
        states: states.iter().map(ToString::to_string).collect(),
        after: after.map(Into::into),
        descending: false,
        limit: 10,
    };
    let cases = [
        (query(Some("x"), &[], None), vec!["1", "3", "4"]),
        (query(None, &["queued"], None), vec!["1", "4", "5"]),
        (
            query(None, &["failed", "running", "none"], None),
            vec!["2", "3"],
        ),
        (query(Some("x"), &["queued"], None), vec!["1", "4"]),
        (query(Some("x"), &["queued"], Some("1")), vec!["4"]),
        (query(Some("z"), &[], None), vec![]),
    ];
    for (query, expected) in cases {
        assert_eq!(
            keys(&*store, Kind::Run, &query).await,
            expected,
            "{query:?}"
        );
    }
    assert_eq!(store.count(Kind::Run, "x").await.unwrap(), 3);
    assert_eq!(store.count(Kind::Run, "").await.unwrap(), 0);
}

pub async fn five_thousand_documents_of_one_owner(backend: &impl Backend) {
    let store = backend.open().await;
    let padding = "x".repeat(2000);
    let mut documents: Vec<_> = (0..5000)
        .map(|i| Document {
            body: json!([i, padding]),
            ..document(&format!("{i:05}"), "run", "")
        })
        .collect();
    documents.push(document("other", "other-run", ""));
    store.put_all(Kind::File, documents.clone()).await.unwrap();
    assert_eq!(store.count(Kind::File, "run").await.unwrap(), 5000);
    let query = Query {
        owner: Some("run".into()),
        limit: 6000,
        ..Query::default()
    };
    let listed = store.list(Kind::File, &query).await.unwrap();
    assert!(listed.iter().eq(&documents[..5000]));
    assert_eq!(store.remove_owned(Kind::File, "run").await.unwrap(), 5000);
    assert_eq!(store.remove_owned(Kind::File, "run").await.unwrap(), 0);
    assert_eq!(store.count(Kind::File, "other-run").await.unwrap(), 1);
}

pub async fn put_all_overwrites_and_revives(backend: &impl Backend) {
    let store = backend.open().await;
    fill(&*store, &[("a", "x", "s"), ("b", "x", "s")]).await;
    store.remove(Kind::Run, "b", 1, None).await.unwrap();
    let new = |key: &str| Document {
        body: json!("new"),
        ..document(key, "y", "t")
    };
    store
        .put_all(Kind::Run, vec![new("a"), new("b"), new("c")])
        .await
        .unwrap();
    store.put_all(Kind::Run, vec![]).await.unwrap();
    for key in ["a", "b", "c"] {
        let got = store.get(Kind::Run, key).await.unwrap().unwrap();
        assert_eq!(
            got,
            Document {
                version: got.version,
                ..new(key)
            }
        );
    }
    let overwritten = store.get(Kind::Run, "a").await.unwrap().unwrap();
    assert_eq!(overwritten.version, 2, "who read it before is stale now");
}

pub async fn put_all_of_the_same_documents_at_once(backend: &impl Backend) {
    let store = backend.open().await;
    let documents: Vec<_> = (0..100)
        .map(|i| document(&format!("{i:03}"), "o", ""))
        .collect();
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let (store, documents) = (store.clone(), documents.clone());
            tokio::spawn(async move { store.put_all(Kind::File, documents).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap().unwrap();
    }
    let all = Query {
        limit: 1000,
        ..Query::default()
    };
    let versions = store.list(Kind::File, &all).await.unwrap();
    assert_eq!(versions.len(), 100);
    assert!(versions.iter().all(|document| document.version == 4));
}
