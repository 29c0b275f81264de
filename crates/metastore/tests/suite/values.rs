//! Odd keys and odd bodies come back exactly as they went in.

use domain::store::{Document, Kind, Query, StoreError};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::backend::Backend;
use super::documents::document;

pub async fn odd_keys_are_kept_apart(backend: &impl Backend) {
    let store = backend.open().await;
    let keys = [
        " ",
        "$set",
        "%",
        "'; DROP TABLE jobs; --",
        "a\nb",
        "a.b",
        "a/b/c",
        "a\0b",
        "{\"$gt\": \"\"}",
        "日本",
        "🦀",
        &"l".repeat(500),
    ];
    for key in keys {
        store
            .create(Kind::Job, document(key, key, key), None)
            .await
            .unwrap();
    }
    for key in keys {
        assert_eq!(
            store.get(Kind::Job, key).await.unwrap(),
            Some(document(key, key, key))
        );
        let query = Query {
            owner: Some(key.into()),
            states: vec![key.into()],
            limit: 10,
            ..Query::default()
        };
        assert_eq!(
            store.list(Kind::Job, &query).await.unwrap(),
            [document(key, key, key)]
        );
    }
}

pub async fn bodies_come_back_as_they_went_in(backend: &impl Backend) {
    let store = backend.open().await;
    let deep = (0..100).fold(json!("deep"), |inner, _| json!([inner]));
    let bodies = [
        json!(null),
        json!({}),
        json!({ "": "", "a.b": { "$set": 1, "$": [{ "$oid": "x" }] }, "nul\0key": "nul\0value", "_id": 7 }),
        json!({ "z": 1, "a": 2, "m": [true, false, null] }),
        json!([
            0,
            -1,
            i64::MIN,
            i64::MAX,
            u64::MAX,
            1.0,
            -0.0,
            0.1,
            1e308,
            5e-324,
            f64::MAX,
            f64::MIN_POSITIVE
        ]),
        json!("\u{feff}\u{202e}\u{ffff} 🦀 \"quoted\" \\ /"),
        deep,
    ];
    for (i, body) in bodies.iter().enumerate() {
        let key = i.to_string();
        store
            .create(
                Kind::Job,
                Document {
                    body: body.clone(),
                    ..document(&key, "", "")
                },
                None,
            )
            .await
            .unwrap();
        let got = store.get(Kind::Job, &key).await.unwrap().unwrap().body;
        // text tells 1 from 1.0, and shows the order of keys
        assert_eq!(got.to_string(), body.to_string());
    }
}

/// Any float, any signed and unsigned integer.
fn numbers() -> impl Strategy<Value = Value> {
    let float = any::<f64>().prop_filter("JSON has finite numbers only", |f| f.is_finite());
    prop::collection::vec(
        prop_oneof![
            float.prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from)
        ],
        2000,
    )
    .prop_map(Value::from)
}

pub async fn any_number_comes_back_as_it_went_in(backend: &impl Backend) {
    let store = backend.open().await;
    let body = numbers()
        .new_tree(&mut TestRunner::deterministic())
        .unwrap()
        .current();
    store
        .create(
            Kind::Job,
            Document {
                body: body.clone(),
                ..document("n", "", "")
            },
            None,
        )
        .await
        .unwrap();
    assert_eq!(
        store
            .get(Kind::Job, "n")
            .await
            .unwrap()
            .unwrap()
            .body
            .to_string(),
        body.to_string()
    );
}

pub async fn what_could_not_be_read_again_is_refused(backend: &impl Backend) {
    let store = backend.open().await;
    let body = (0..200).fold(json!(1), |inner, _| json!({ "inner": inner }));
    let refused = store
        .create(
            Kind::Job,
            Document {
                body,
                ..document("deep", "", "")
            },
            None,
        )
        .await;
    assert!(
        matches!(refused, Err(StoreError::Refused(ref why)) if why.contains("nested")),
        "{refused:?}"
    );
    assert_eq!(store.get(Kind::Job, "deep").await.unwrap(), None);
}
