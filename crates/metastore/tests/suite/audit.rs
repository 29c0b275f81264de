//! The audit log: an entry for every change that asks for one, and none for a change that was refused.

use domain::audit::{Actor, AuditEntry};
use domain::store::Kind;
use serde_json::json;

use super::backend::Backend;
use super::documents::document;

/// An entry of one client's log, or of the platform's.
pub fn entry(id: &str, client: Option<&str>) -> AuditEntry {
    AuditEntry {
        id: id.into(),
        at_ms: 1_700_000_000_000,
        actor: Actor::Platform,
        action: "job.put".into(),
        target: "acme/flights".into(),
        client: client.map(|id| id.parse().unwrap()),
        request_id: Some("r-1".into()),
        detail: json!({ "from.to": { "$set": [1, null, u64::MAX] } }),
    }
}

pub async fn an_entry_is_stored_with_its_change_and_only_then(backend: &impl Backend) {
    let store = backend.open().await;
    let with = |id: &str| Some(entry(id, Some("acme")));
    store
        .create(Kind::Job, document("a", "o", ""), with("01"))
        .await
        .unwrap();
    store
        .create(Kind::Job, document("a", "o", ""), with("02"))
        .await
        .unwrap_err();
    store
        .replace(Kind::Job, document("a", "o", ""), with("03"))
        .await
        .unwrap();
    store
        .replace(Kind::Job, document("a", "o", ""), with("04"))
        .await
        .unwrap_err();
    store
        .remove(Kind::Job, "a", 1, with("05"))
        .await
        .unwrap_err();
    store.remove(Kind::Job, "a", 2, with("06")).await.unwrap();
    store
        .create(Kind::Job, document("a", "o", ""), with("07"))
        .await
        .unwrap();
    store
        .replace(Kind::Job, document("a", "o", ""), None)
        .await
        .unwrap();
    let entries = store.audit(None, None, 100).await.unwrap();
    let expected: Vec<_> = ["07", "06", "03", "01"]
        .iter()
        .map(|id| entry(id, Some("acme")))
        .collect();
    assert_eq!(entries, expected);
}

pub async fn entries_come_newest_first_page_by_page(backend: &impl Backend) {
    let store = backend.open().await;
    let clients = [Some("acme"), Some("demo"), None];
    for i in 0..30 {
        let audit = entry(&format!("id{i:02}"), clients[i % 3]);
        store
            .create(
                Kind::Client,
                document(&format!("c{i}"), "", ""),
                Some(audit),
            )
            .await
            .unwrap();
    }
    let ids = |entries: Vec<AuditEntry>| {
        entries
            .into_iter()
            .map(|entry| entry.id)
            .collect::<Vec<_>>()
    };
    let acme = "acme".parse().unwrap();
    let first = ids(store.audit(Some(&acme), None, 4).await.unwrap());
    assert_eq!(first, ["id27", "id24", "id21", "id18"]);
    let second = ids(store.audit(Some(&acme), Some("id18"), 100).await.unwrap());
    assert_eq!(second, ["id15", "id12", "id09", "id06", "id03", "id00"]);
    assert_eq!(
        ids(store.audit(None, Some("id02"), 100).await.unwrap()),
        ["id01", "id00"]
    );
    assert_eq!(store.audit(None, None, 100).await.unwrap().len(), 30);
    assert!(store.audit(None, None, 0).await.unwrap().is_empty());
}

pub async fn entries_outlive_what_they_are_about(backend: &impl Backend) {
    let store = backend.open().await;
    for i in 0..3 {
        store
            .create(
                Kind::Revision,
                document(&format!("k{i}"), "o", ""),
                Some(entry(&format!("e{i}"), None)),
            )
            .await
            .unwrap();
    }
    store.remove(Kind::Revision, "k0", 1, None).await.unwrap();
    assert_eq!(
        store.remove_owned(Kind::Revision, "o").await.unwrap(),
        2,
        "one was removed before"
    );
    assert_eq!(store.audit(None, None, 10).await.unwrap().len(), 3);
}

pub async fn old_entries_are_removed_the_oldest_first(backend: &impl Backend) {
    let store = backend.open().await;
    for id in ["01", "02", "03", "04"] {
        let with = Some(entry(id, Some("acme")));
        let job = document(id, "o", "");
        store.create(Kind::Job, job, with).await.unwrap();
    }
    assert_eq!(store.expire_audit("04", 2).await.unwrap(), 2);
    let left = |entries: Vec<AuditEntry>| entries.into_iter().map(|entry| entry.id);
    let entries = store.audit(None, None, 100).await.unwrap();
    assert!(left(entries).eq(["04", "03"]));
    assert_eq!(store.expire_audit("04", 2).await.unwrap(), 1);
    assert_eq!(store.expire_audit("04", 2).await.unwrap(), 0);
    let kept = store.get(Kind::Job, "01").await.unwrap();
    assert!(kept.is_some(), "what they were about stays");
}
