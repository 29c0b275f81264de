//! The client against a real Elasticsearch and the embedded server.

#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use coredms::client::{Client, ClientError, ClientOptions, Credentials};
use serde_json::json;
use std::time::Duration;

mod common;

#[tokio::test]
async fn the_platform_s_calls_work_on_real_elasticsearch() {
    let Some(url) = common::elasticsearch_url() else {
        return;
    };
    let client = Client::new(ClientOptions::new(url)).unwrap();
    calls_work(client.clone()).await;
    many_indices_work(client).await;
}

#[tokio::test]
async fn the_platform_s_calls_work_on_the_embedded_server() {
    let data = tempfile::tempdir().unwrap();
    let server = common::Embedded::start(data.path(), &[]);
    let client = Client::new(ClientOptions::new(&server.url)).unwrap();
    calls_work(client.clone()).await;
    many_indices_work(client).await;
}

async fn calls_work(client: Client) {
    assert!(!client.info().await.unwrap().version.is_empty());
    assert_ne!(client.health().await.unwrap().status, "red");
    let index = "client-calls.flights";
    client.delete_index(index).await.unwrap();
    let mapping = json!({ "index_patterns": ["client-calls.*"], "priority": 700, "template": {
        "settings": { "number_of_replicas": 0 },
        "mappings": { "properties": { "n": { "type": "integer" }, "provenance": { "properties": {
            "run": { "type": "keyword" }, "file": { "type": "keyword" } } } } } } });
    client
        .put_index_template("client-calls", &mapping)
        .await
        .unwrap();

    let mut body = String::new();
    for n in 0..2500 {
        let provenance = json!({ "client": "demo", "job": "j", "run": "r1", "revision": 1,
            "file": format!("f{:04}", n / 2), "position": n });
        body += &format!("{{\"create\":{{\"_index\":\"{index}\",\"_id\":\"{n}\"}}}}\n");
        body += &format!("{}\n", json!({ "n": n, "provenance": provenance }));
    }
    let body = Bytes::from(body);
    let first = client.bulk(body.clone(), true).await.unwrap();
    assert!(first.failures.is_empty() && first.statuses == vec![201; 2500]);
    let made = client.indices("client-calls.fli*").await.unwrap();
    let made: Vec<_> = made.into_iter().collect();
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].0, index);
    let since_epoch = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
    let age_ms = i128::try_from(since_epoch).unwrap() - i128::from(made[0].1);
    assert!((0..3_600_000).contains(&age_ms), "{age_ms}");
    assert!(
        client
            .indices("client-calls.none*")
            .await
            .unwrap()
            .is_empty()
    );
    let again = client.bulk(body, false).await.unwrap();
    assert_eq!(again.statuses, vec![409; 2500]);
    assert_eq!(again.failures[7].kind, "version_conflict_engine_exception");
    let bad = "{\"create\":{\"_id\":\"x\"}}\n{\"n\":\"no number\"}\n";
    let bad = client
        .bulk_into(Some(index), Bytes::from(bad), false)
        .await
        .unwrap();
    assert_eq!(
        (bad.statuses[0], bad.failures[0].kind.as_str()),
        (400, "document_parsing_exception")
    );

    client
        .refresh(&[index, "client-calls.absent"])
        .await
        .unwrap();
    assert_eq!(client.count(&[index], None).await.unwrap(), 2500);
    let query = json!({ "range": { "n": { "lt": 10 } } });
    assert_eq!(client.count(&[index], Some(&query)).await.unwrap(), 10);
    assert_eq!(
        client.count(&["client-calls.absent"], None).await.unwrap(),
        0
    );
    assert_eq!(client.count(&[], None).await.unwrap(), 0);
    let files = client.count_by_file(&[index], "r1").await.unwrap();
    assert_eq!((files.len(), files.values().sum::<u64>()), (1250, 2500));
    assert!(
        client
            .count_by_file(&[index], "r2")
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        client
            .count_by_file(&["client-calls.absent"], "r1")
            .await
            .unwrap()
            .is_empty()
    );

    let found = client
        .mget_provenance(index, &["7", "absent"])
        .await
        .unwrap();
    assert_eq!(found[0].as_ref().unwrap().file, "f0003");
    assert!(found[1].is_none());
    let missing = client
        .mget_provenance("client-calls.absent", &["7"])
        .await
        .unwrap_err();
    assert_eq!(missing.status(), Some(404));

    let hits = client.search(index, &json!({ "size": 3 })).await.unwrap();
    assert_eq!(hits["hits"]["hits"].as_array().unwrap().len(), 3);
    let refused = client
        .search(index, &json!({ "nonsense": 1 }))
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, ClientError::Status { status: 400, kind, .. } if kind == "parsing_exception")
    );
    assert!(!refused.is_retryable());

    let mut removed = Vec::new();
    for _ in 0..4 {
        let report = client.delete_by_query(&[index], &query, 4).await.unwrap();
        assert_eq!(report.conflicts, 0);
        removed.push(report.deleted);
    }
    assert_eq!(removed, [4, 4, 2, 0]);
    assert_eq!(client.count(&[index], None).await.unwrap(), 2490);
    let stats = client.nodes_stats().await.unwrap();
    assert!(stats.nodes == 1 && stats.heap_used_bytes > 0 && stats.docs >= 2490);
    client.delete_index(index).await.unwrap();
}

/// A run into an index a day has more names than fit into one request's first line.
async fn many_indices_work(client: Client) {
    let prefix = format!("client-many-{}", "long".repeat(40));
    let names: Vec<String> = (0..40).map(|day| format!("{prefix}.{day}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(names.join(",").len() > 4096);
    for name in &names {
        client.delete_index(name).await.unwrap();
    }
    let mapping = json!({ "index_patterns": [format!("{prefix}.*")], "priority": 701, "template": {
        "settings": { "number_of_replicas": 0 }, "mappings": { "properties": { "provenance": { "properties": {
            "run": { "type": "keyword" }, "file": { "type": "keyword" } } } } } } });
    client
        .put_index_template("client-many", &mapping)
        .await
        .unwrap();
    let body: String = names
        .iter()
        .map(|name| {
            let action = json!({ "create": { "_index": name, "_id": "1" } });
            let document = json!({ "provenance": { "run": "r1", "file": "f1" } });
            format!("{action}\n{document}\n")
        })
        .collect();
    let stored = client.bulk(Bytes::from(body), false).await.unwrap();
    assert!(stored.failures.is_empty(), "{:?}", stored.failures);
    client.refresh(&names).await.unwrap();
    assert_eq!(client.count(&names, None).await.unwrap(), 40);
    let by_file = client.count_by_file(&names, "r1").await.unwrap();
    assert_eq!(by_file, [("f1".to_owned(), 40)].into());
    let query = json!({ "term": { "provenance.file": "f1" } });
    assert_eq!(
        client
            .delete_by_query(&names, &query, 1000)
            .await
            .unwrap()
            .deleted,
        40
    );
    for name in &names {
        client.delete_index(name).await.unwrap();
    }
}

#[tokio::test]
async fn failures_are_told_apart() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let client = Client::new(ClientOptions::new(format!("http://{closed}"))).unwrap();
    let error = client.info().await.unwrap_err();
    assert!(
        matches!(error, ClientError::Unreachable { .. }) && error.is_retryable(),
        "{error}"
    );

    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = ClientOptions::new(format!("http://{}", silent.local_addr().unwrap()));
    options.timeout = Duration::from_millis(100);
    let error = Client::new(options).unwrap().info().await.unwrap_err();
    assert!(
        matches!(error, ClientError::TimedOut { .. }) && error.is_retryable(),
        "{error}"
    );

    for (answer, expected) in [
        ("429 Too Many Requests\r\nretry-after: 7", "busy 7"),
        ("503 Service Unavailable", "busy -"),
        ("401 Unauthorized", "denied"),
        ("403 Forbidden", "denied"),
        ("400 Bad Request", "status illegal_argument_exception no"),
        ("200 OK", "protocol"),
    ] {
        let body = r#"{"error":{"type":"illegal_argument_exception","reason":"no"},"status":400}"#;
        let url = common::answer_once(format!(
            "HTTP/1.1 {answer}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ));
        let mut options = ClientOptions::new(url);
        options.credentials = Some(Credentials::ApiKey("key".into()));
        let error = Client::new(options).unwrap().info().await.unwrap_err();
        let seen = match &error {
            ClientError::Busy {
                retry_after: Some(wait),
                ..
            } => format!("busy {}", wait.as_secs()),
            ClientError::Busy { .. } => "busy -".into(),
            ClientError::Denied { .. } => "denied".into(),
            ClientError::Status { kind, reason, .. } => format!("status {kind} {reason}"),
            ClientError::Protocol { .. } => "protocol".into(),
            other => format!("{other:?}"),
        };
        assert_eq!(seen, expected);
        assert_eq!(error.is_retryable(), expected.starts_with("busy"));
    }
}

#[test]
fn wrong_options_are_refused() {
    let mut no_file = ClientOptions::new("http://127.0.0.1:9200");
    no_file.ca_certificate = Some("/does/not/exist.pem".into());
    let mut no_slot = ClientOptions::new("http://127.0.0.1:9200");
    no_slot.max_connections = 0;
    for options in [ClientOptions::new("not a url"), no_file, no_slot] {
        assert!(matches!(
            Client::new(options),
            Err(ClientError::Options { .. })
        ));
    }
}
