//! What only MongoDB has: lost answers, outboxes that a crash has left, a server that is not there.

use std::time::Duration;

use domain::store::{Document, Kind, StoreError};
use mongodb::bson::{Document as Bdoc, doc};
use serde_json::json;

use crate::backend::Mongo;
use crate::proxy::Proxy;
use crate::suite::audit::entry;
use crate::suite::backend::{Backend, SHORT};
use crate::suite::documents::document;

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_is_lost_succeeds_once() {
    let Some(place) = Mongo::new().await else {
        return;
    };
    let proxy = Proxy::to(&place.address()).await;
    let store = metastore::connect(&place.url_by(proxy.address))
        .await
        .unwrap();

    proxy.lose_answer_to("the-key");
    store
        .create(
            Kind::Job,
            document("the-key", "o", ""),
            Some(entry("e1", None)),
        )
        .await
        .unwrap();
    assert!(proxy.lost_one());
    proxy.lose_answer_to("the-key");
    let changed = Document {
        body: json!("changed"),
        ..document("the-key", "o", "")
    };
    assert_eq!(
        store
            .replace(Kind::Job, changed.clone(), Some(entry("e2", None)))
            .await
            .unwrap(),
        2
    );
    assert!(proxy.lost_one());
    assert_eq!(
        store.get(Kind::Job, "the-key").await.unwrap(),
        Some(Document {
            version: 2,
            ..changed
        })
    );
    proxy.lose_answer_to("the-key");
    store
        .remove(Kind::Job, "the-key", 2, Some(entry("e3", None)))
        .await
        .unwrap();
    assert!(proxy.lost_one());
    assert_eq!(store.get(Kind::Job, "the-key").await.unwrap(), None);
    proxy.lose_answer_to("many-1");
    store
        .put_all(
            Kind::File,
            vec![document("many-1", "m", ""), document("many-2", "m", "")],
        )
        .await
        .unwrap();
    assert!(proxy.lost_one());
    assert_eq!(store.count(Kind::File, "m").await.unwrap(), 2);

    let ids: Vec<_> = store
        .audit(None, None, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|entry| entry.id)
        .collect();
    assert_eq!(ids, ["e3", "e2", "e1"]);
    place.clear().await;
}

/// A lost answer must not make a write of somebody else look like one's own, even if it is the same write.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_no_excuse_for_a_real_conflict() {
    let Some(place) = Mongo::new().await else {
        return;
    };
    let proxy = Proxy::to(&place.address()).await;
    let direct = place.open().await;
    let store = metastore::connect(&place.url_by(proxy.address))
        .await
        .unwrap();
    direct
        .create(Kind::Job, document("the-key", "o", ""), None)
        .await
        .unwrap();
    proxy.lose_answer_to("the-key");
    let exists = store
        .create(
            Kind::Job,
            document("the-key", "o", ""),
            Some(entry("e1", None)),
        )
        .await;
    assert!(
        matches!(exists, Err(StoreError::Exists { .. })),
        "{exists:?}"
    );
    direct
        .replace(Kind::Job, document("the-key", "o", ""), None)
        .await
        .unwrap();
    proxy.lose_answer_to("the-key");
    let stale = store
        .replace(
            Kind::Job,
            document("the-key", "o", ""),
            Some(entry("e2", None)),
        )
        .await;
    assert!(matches!(stale, Err(StoreError::Stale { .. })), "{stale:?}");
    assert!(proxy.lost_one());
    assert!(direct.audit(None, None, 10).await.unwrap().is_empty());
    place.clear().await;
}

/// What a process leaves that dies between a write and the relay of its audit entry.
async fn leave(place: &Mongo, key: &str, removed: bool, audit: &str) {
    let mut left = doc! {
        "_id": key, "owner": "o", "state": "", "version": 1_i64, "body": "{}",
        "outbox": [{ "id": audit, "client": "acme", "entry": serde_json::to_string(&entry(audit, Some("acme"))).unwrap() }],
    };
    if removed {
        left.insert("removed", true);
    }
    place
        .database()
        .await
        .collection::<Bdoc>("jobs")
        .insert_one(left)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_left_in_an_outbox_is_relayed() {
    let Some(place) = Mongo::new().await else {
        return;
    };
    leave(&place, "at-start", false, "e1").await;
    leave(&place, "removed-at-start", true, "e2").await;
    let store = place.open().await;
    let raw = place.database().await;
    assert_eq!(
        raw.collection::<Bdoc>("audit")
            .count_documents(doc! {})
            .await
            .unwrap(),
        2
    );
    assert_eq!(
        raw.collection::<Bdoc>("jobs")
            .count_documents(doc! {})
            .await
            .unwrap(),
        1
    );

    leave(&place, "while-open", false, "e3").await;
    leave(&place, "removed-while-open", true, "e4").await;
    assert_eq!(
        store.get(Kind::Job, "removed-while-open").await.unwrap(),
        None
    );
    assert_eq!(store.count(Kind::Job, "o").await.unwrap(), 2);
    let acme = "acme".parse().unwrap();
    let ids: Vec<_> = store
        .audit(Some(&acme), None, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|entry| entry.id)
        .collect();
    assert_eq!(ids, ["e4", "e3", "e2", "e1"]);
    assert_eq!(
        raw.collection::<Bdoc>("jobs")
            .count_documents(doc! { "outbox.id": { "$exists": true } })
            .await
            .unwrap(),
        0
    );

    leave(&place, "owned", false, "e5").await;
    leave(&place, "owned-removed", true, "e6").await;
    assert_eq!(store.remove_owned(Kind::Job, "o").await.unwrap(), 3);
    assert_eq!(
        raw.collection::<Bdoc>("jobs")
            .count_documents(doc! {})
            .await
            .unwrap(),
        0
    );
    assert_eq!(store.audit(None, None, 10).await.unwrap().len(), 6);
    place.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_marked_removed_can_be_created_again_and_keeps_its_audit() {
    let Some(place) = Mongo::new().await else {
        return;
    };
    let store = place.open().await;
    leave(&place, "k", true, "e1").await;
    store
        .create(Kind::Job, document("k", "p", "s"), Some(entry("e2", None)))
        .await
        .unwrap();
    assert_eq!(
        store.get(Kind::Job, "k").await.unwrap(),
        Some(document("k", "p", "s"))
    );
    assert_eq!(store.audit(None, None, 10).await.unwrap().len(), 2);
    assert_eq!(
        store.get(Kind::Job, "k").await.unwrap(),
        Some(document("k", "p", "s")),
        "the relay deletes only what is removed"
    );
    place.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_of_an_unavailable_server_fail_too() {
    let Some(place) = Mongo::new().await else {
        return;
    };
    let (store, _held) = place.unavailable().await;
    assert!(matches!(
        store.get(Kind::Job, "a").await,
        Err(StoreError::Unavailable(_))
    ));
    assert!(matches!(
        store.ping().await,
        Err(StoreError::Unavailable(_))
    ));
    assert!(matches!(
        store.audit(None, None, 1).await,
        Err(StoreError::Unavailable(_))
    ));
    place.clear().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let result = metastore::connect_within(&format!("mongodb://{address}/db"), SHORT).await;
    assert!(matches!(result, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn an_address_without_a_database_is_refused() {
    let result = metastore::connect_within("mongodb://127.0.0.1:1", Duration::from_secs(1)).await;
    assert!(
        matches!(result, Err(StoreError::Refused(ref why)) if why.contains("names no database"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_version_is_refused() {
    let Some(place) = Mongo::new().await else {
        return;
    };
    drop(place.open().await);
    let meta = place.database().await.collection::<Bdoc>("meta");
    meta.update_one(
        doc! { "_id": "schema" },
        doc! { "$set": { "version": 99_i64 } },
    )
    .await
    .unwrap();
    let result = metastore::connect(&place.url()).await;
    assert!(matches!(result, Err(StoreError::Refused(ref why)) if why.contains("99")));
    place.clear().await;
}
