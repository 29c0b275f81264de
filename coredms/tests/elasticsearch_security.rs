//! Keys and roles on a real Elasticsearch with security on: what they may, what they may not, and when they end.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use bytes::Bytes;
use coredms::client::{
    ApiKey, Client, ClientError, ClientOptions, Credentials, SecurityError, WriteKey,
};
use serde_json::{Value, json};

mod common;

/// A secured server, asked with different credentials.
struct Secured {
    url: String,
    operator: Client,
    http: reqwest::Client,
    login: (String, String),
}

impl Secured {
    fn find() -> Option<Self> {
        let (url, user, password) = common::secured_elasticsearch()?;
        let login = (user.clone(), password.clone());
        let operator = client(&url, Credentials::Basic { user, password });
        let http = reqwest::Client::new();
        Some(Self {
            url,
            operator,
            http,
            login,
        })
    }

    fn with(&self, key: &ApiKey) -> Client {
        client(&self.url, Credentials::ApiKey(key.encoded.clone()))
    }

    /// The status of a call with a key.
    async fn status(&self, key: &ApiKey, path: &str) -> u16 {
        let call = self.http.get(format!("{}{path}", self.url));
        let call = call.header("authorization", format!("ApiKey {}", key.encoded));
        call.send().await.unwrap().status().as_u16()
    }

    /// Makes a user of this role; gives a client with its credentials.
    async fn user(&self, name: &str, role: &Value) -> Client {
        self.put(&format!("/_security/role/{name}"), role).await;
        let user = json!({ "password": "of-this-test-only", "roles": [name] });
        self.put(&format!("/_security/user/{name}"), &user).await;
        let password = "of-this-test-only".into();
        let user = name.into();
        client(&self.url, Credentials::Basic { user, password })
    }

    async fn put(&self, path: &str, body: &Value) {
        let call = self.http.put(format!("{}{path}", self.url));
        let call = call.basic_auth(&self.login.0, Some(&self.login.1));
        let call = call.header("content-type", "application/json");
        let answer = call.body(body.to_string()).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    }
}

fn client(url: &str, credentials: Credentials) -> Client {
    let mut options = ClientOptions::new(url);
    options.credentials = Some(credentials);
    Client::new(options).unwrap()
}

fn key(name: &str, client: &str) -> WriteKey {
    WriteKey {
        name: name.into(),
        indices: format!("{client}.*"),
        lifetime: Duration::from_secs(600),
        metadata: json!({ "client": client }),
    }
}

/// Makes a key as the operator does.
async fn mint(server: &Secured, name: &str, client: &str) -> ApiKey {
    let made = server.operator.create_write_key(&key(name, client)).await;
    made.unwrap()
}

fn create(index: &str) -> Bytes {
    let action = json!({ "create": { "_index": index, "_id": "1" } });
    Bytes::from(format!("{action}\n{{\"n\":1}}\n"))
}

#[tokio::test]
async fn a_key_writes_to_its_client_s_indices_and_does_nothing_else() {
    let Some(server) = Secured::find() else {
        return;
    };
    for index in ["keyed.flights", "stranger.flights"] {
        server.operator.delete_index(index).await.unwrap();
    }
    let key = mint(&server, "ingest-scope", "keyed").await;
    assert!(!format!("{key:?}").contains(&key.encoded));
    let worker = server.with(&key);
    assert!(worker.info().await.unwrap().version.starts_with("8."));

    let done = worker.bulk(create("keyed.flights"), false).await.unwrap();
    assert_eq!(done.statuses, [201]);
    let again = worker.bulk(create("keyed.flights"), false).await.unwrap();
    assert_eq!(again.statuses, [409]);
    let found = worker.mget_provenance("keyed.flights", &["absent"]).await;
    assert_eq!(found.unwrap(), [None]);

    let foreign = worker.bulk(create("stranger.flights"), false).await;
    assert_eq!(foreign.unwrap().statuses, [403]);
    let overwrite = "{\"index\":{\"_index\":\"keyed.flights\",\"_id\":\"1\"}}\n{\"n\":2}\n\
                     {\"delete\":{\"_index\":\"keyed.flights\",\"_id\":\"1\"}}\n";
    let overwritten = worker.bulk(Bytes::from(overwrite), false).await.unwrap();
    assert_eq!(overwritten.statuses, [403, 403]);
    assert!(denied(worker.delete_index("keyed.flights").await));
    for path in [
        "/_security/user",
        "/_security/api_key",
        "/_cluster/state",
        "/_cluster/settings",
        "/_cat/indices",
        "/stranger.flights/_search",
    ] {
        assert_eq!(server.status(&key, path).await, 403, "{path}");
    }
    let derived = self::key("ingest-derived", "keyed");
    let derived = worker.create_write_key(&derived);
    assert!(matches!(
        derived.await,
        Err(SecurityError::NotPermitted { .. })
    ));
    server.operator.revoke_keys("ingest-scope").await.unwrap();
    server.operator.delete_index("keyed.flights").await.unwrap();
}

fn denied<T>(answer: Result<T, ClientError>) -> bool {
    matches!(answer, Err(ClientError::Denied { status: 403, .. }))
}

#[tokio::test]
async fn a_name_s_keys_end_together_and_once() {
    let Some(server) = Secured::find() else {
        return;
    };
    let mut keys = Vec::new();
    for _ in 0..2 {
        keys.push(mint(&server, "ingest-twice", "keyed").await);
    }
    let other = server.with(&mint(&server, "ingest-other", "keyed").await);
    assert_eq!(
        server.operator.revoke_keys("ingest-twice").await.unwrap(),
        2
    );
    assert_eq!(
        server.operator.revoke_keys("ingest-twice").await.unwrap(),
        0
    );
    assert_eq!(
        server.operator.revoke_keys("ingest-never").await.unwrap(),
        0
    );
    for key in &keys {
        let refused = server.with(key).info().await;
        assert!(matches!(
            refused,
            Err(ClientError::Denied { status: 401, .. })
        ));
    }
    other.info().await.unwrap();
    server.operator.revoke_keys("ingest-other").await.unwrap();
}

#[tokio::test]
async fn a_read_role_reads_and_does_nothing_else() {
    let Some(server) = Secured::find() else {
        return;
    };
    let put = server
        .operator
        .put_read_role("ingest-readable-read", "readable.*");
    put.await.unwrap();
    server
        .operator
        .delete_index("readable.flights")
        .await
        .unwrap();
    let stored = server
        .operator
        .bulk(create("readable.flights"), false)
        .await;
    assert_eq!(stored.unwrap().statuses, [201]);
    server
        .operator
        .refresh(&["readable.flights"])
        .await
        .unwrap();
    let stored = server
        .operator
        .bulk(create("unreadable.flights"), false)
        .await;
    assert!(matches!(stored.unwrap().statuses[..], [201 | 409]));
    server
        .operator
        .refresh(&["unreadable.flights"])
        .await
        .unwrap();
    // who has this role only
    let user = json!({ "password": "of-this-test-only", "roles": ["ingest-readable-read"] });
    server.put("/_security/user/reader", &user).await;
    let (user, password) = ("reader".into(), "of-this-test-only".into());
    let reader = client(&server.url, Credentials::Basic { user, password });
    assert_eq!(reader.count(&["readable.flights"], None).await.unwrap(), 1);
    let written = reader.bulk(create("readable.other"), false).await;
    assert!(denied(written));
    // indices that it may not see are as if they were not there
    for client in [&server.operator, &reader] {
        let found = client.count(&["unreadable.flights"], None).await.unwrap();
        assert_eq!(found, u64::from(std::ptr::eq(client, &server.operator)));
    }
    server
        .operator
        .delete_index("readable.flights")
        .await
        .unwrap();
}

#[tokio::test]
async fn who_may_not_make_keys_is_told_which_privilege_is_missing() {
    let Some(server) = Secured::find() else {
        return;
    };
    let role =
        json!({ "cluster": ["monitor"], "indices": [{ "names": ["*"], "privileges": ["all"] }] });
    let weak = server.user("ingest-weak", &role).await;
    let refused = weak.create_write_key(&key("ingest-weak", "keyed")).await;
    let told = refused.unwrap_err().to_string();
    assert!(told.contains("`manage_own_api_key`"), "{told}");
    let refused = weak.put_read_role("ingest-x-read", "x.*").await;
    let told = refused.unwrap_err().to_string();
    assert!(told.contains("`manage_security`"), "{told}");
}

#[tokio::test]
async fn a_server_without_security_says_so() {
    let Some(url) = common::elasticsearch_url() else {
        return;
    };
    let open = Client::new(ClientOptions::new(url)).unwrap();
    let made = open.create_write_key(&key("ingest-open", "keyed")).await;
    assert!(matches!(made, Err(SecurityError::Disabled { .. })));
    let revoked = open.revoke_keys("ingest-open").await;
    assert!(matches!(revoked, Err(SecurityError::Disabled { .. })));
    let role = open.put_read_role("ingest-open-read", "open.*").await;
    assert!(matches!(role, Err(SecurityError::Disabled { .. })));
}
