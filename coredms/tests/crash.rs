//! Killed at any moment, started again: everything acknowledged is there, exactly once.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use bytes::Bytes;
use coredms::client::{Client, ClientOptions};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::{Mutex, Semaphore};

const WRITERS: u64 = 4;
const INDICES: [&str; 2] = ["crash.a", "crash.b"];

/// What was acknowledged: the last value per (index, id), `None` when it was removed; and what was sent
/// without an answer, which may or may not have happened.
#[derive(Default)]
struct Model {
    acknowledged: BTreeMap<(String, String), Option<u64>>,
    unanswered: BTreeMap<(String, String), Vec<Option<u64>>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_doubled_by_a_kill() {
    for seed in 0..8 {
        schedule(seed).await;
    }
}

async fn schedule(seed: u64) {
    let data = tempfile::tempdir().unwrap();
    let model = Arc::new(Mutex::new(Model::default()));
    let mut random = StdRng::seed_from_u64(seed);
    for life in 0..3 {
        let server = common::Embedded::start(data.path(), &[]);
        check(&server, &model, seed, life).await;
        let started = Arc::new(Semaphore::new(0));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let random = StdRng::seed_from_u64(seed * 1000 + life * 10 + writer);
                tokio::spawn(write(
                    server.url.clone(),
                    writer,
                    random,
                    model.clone(),
                    started.clone(),
                ))
            })
            .collect();
        // Killed while the n-th bulk is under way, and those of the other writers with it.
        let bulks = random.random_range(1..100);
        started.acquire_many(bulks).await.unwrap().forget();
        server.kill();
        for writer in writers {
            writer.await.unwrap();
        }
    }
    let server = common::Embedded::start(data.path(), &[]);
    check(&server, &model, seed, 3).await;
    assert_eq!(server.terminate(), Some(0));
}

/// Sends bulks until the server is gone. Each writer has ids of its own, so their order is known.
async fn write(
    url: String,
    writer: u64,
    mut random: StdRng,
    model: Arc<Mutex<Model>>,
    started: Arc<Semaphore>,
) {
    let client = Client::new(ClientOptions::new(url)).unwrap();
    loop {
        let mut body = String::new();
        let mut sent = Vec::new();
        for _ in 0..random.random_range(1..60) {
            let index = INDICES[random.random_range(0..2)];
            let id = format!("{writer}-{}", random.random_range(0..400));
            let value = random.next_u64() >> 12;
            let verb = ["create", "index", "delete"][[0, 0, 0, 1, 1, 2][random.random_range(0..6)]];
            body += &format!("{}\n", json!({ verb: { "_index": index, "_id": id } }));
            if verb != "delete" {
                body += &format!(
                    "{}\n",
                    json!({ "value": value, "word": format!("w{}", value % 7), "writer": writer })
                );
            }
            sent.push((
                verb,
                (index.to_owned(), id),
                (verb != "delete").then_some(value),
            ));
        }
        started.add_permits(1);
        let answer = client.bulk(Bytes::from(body), random.random()).await;
        let refreshed = random.random_range(0..8) == 0;
        let mut model = model.lock().await;
        let Ok(answer) = answer else {
            for (_, key, value) in sent {
                model.unanswered.entry(key).or_default().push(value);
            }
            return;
        };
        for (status, (verb, key, value)) in answer.statuses.into_iter().zip(sent) {
            match (verb, status) {
                ("create", 409) | ("delete", 404) => {}
                ("create" | "index" | "delete", 200 | 201) => {
                    model.acknowledged.insert(key, value);
                }
                other => panic!("unexpected {other:?}"),
            }
        }
        drop(model);
        if refreshed && client.refresh(&INDICES).await.is_err() {
            return;
        }
    }
}

/// Compares the server's documents with the model, and takes over what turned out to have happened.
async fn check(server: &common::Embedded, model: &Mutex<Model>, seed: u64, life: u64) {
    let mut model = model.lock().await;
    let client = Client::new(ClientOptions::new(&server.url)).unwrap();
    client.refresh(&INDICES).await.unwrap();
    let mut found = BTreeMap::new();
    for index in INDICES {
        let query = json!({ "size": 10_000, "track_total_hits": true });
        if client.count(&[index], None).await.unwrap() == 0 {
            continue;
        }
        let answer = client.search(index, &query).await.unwrap();
        for hit in answer["hits"]["hits"].as_array().unwrap() {
            let key = (index.to_owned(), hit["_id"].as_str().unwrap().to_owned());
            let value = hit["_source"]["value"].as_u64();
            assert!(
                found.insert(key.clone(), value).is_none(),
                "seed {seed} life {life}: {key:?} is there twice"
            );
        }
        let count = client.count(&[index], None).await.unwrap();
        assert_eq!(answer["hits"]["total"]["value"], Value::from(count));
    }
    let keys: Vec<_> = model
        .acknowledged
        .keys()
        .chain(model.unanswered.keys())
        .chain(found.keys())
        .cloned()
        .collect();
    for key in keys {
        let now = found.get(&key).copied().flatten();
        let acknowledged = model.acknowledged.get(&key).copied().flatten();
        let possible = model.unanswered.get(&key).cloned().unwrap_or_default();
        assert!(
            now == acknowledged || possible.contains(&now),
            "seed {seed} life {life}: {key:?} is {now:?}, acknowledged {acknowledged:?}, unanswered {possible:?}"
        );
        model.acknowledged.insert(key, now);
    }
    model.unanswered.clear();
}

#[tokio::test]
async fn a_directory_belongs_to_one_process() {
    let data = tempfile::tempdir().unwrap();
    let first = common::Embedded::start(data.path(), &[]);
    let second = common::command(data.path())
        .stderr(std::process::Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let message = String::from_utf8(second.stderr).unwrap();
    assert!(message.contains("in use by another process"), "{message}");
    assert!(
        Client::new(ClientOptions::new(&first.url))
            .unwrap()
            .info()
            .await
            .is_ok()
    );
    assert_eq!(first.terminate(), Some(0));
}

/// A server that was killed has its directory until the system has taken it apart: the next one waits.
#[test]
fn a_directory_is_taken_over_from_a_process_that_ends() {
    let data = tempfile::tempdir().unwrap();
    let lock = std::fs::File::create(data.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let mut second = common::command(data.path()).spawn().unwrap();
    // it has come to the lock when the system has it waiting there or it has ended
    let opened = format!("/proc/{}/fd", second.id());
    let lock_is_open = || {
        let files = std::fs::read_dir(&opened).unwrap();
        files.flatten().any(|file| {
            std::fs::read_link(file.path()).is_ok_and(|path| path == data.path().join("lock"))
        })
    };
    while !lock_is_open() {
        assert!(second.try_wait().unwrap().is_none(), "it did not wait");
    }
    drop(lock);
    while !data.path().join("http.address").exists() {
        assert!(second.try_wait().unwrap().is_none(), "it did not wait");
    }
    second.kill().unwrap();
    second.wait().unwrap();
}

#[tokio::test]
async fn a_key_is_required_when_one_is_set() {
    use coredms::client::Credentials;
    let data = tempfile::tempdir().unwrap();
    let key = data.path().join("key");
    std::fs::write(&key, "s3cret\n").unwrap();
    let home = data.path().join("home");
    let server = common::Embedded::start(&home, &["--api-key-file", key.to_str().unwrap()]);
    for (credentials, expected) in [
        (None, Some(401)),
        (Some("wrong"), Some(401)),
        (Some("s3cret"), None),
    ] {
        let mut options = ClientOptions::new(&server.url);
        options.credentials = credentials.map(|key| Credentials::ApiKey(key.into()));
        let outcome = Client::new(options).unwrap().info().await;
        assert_eq!(outcome.err().and_then(|error| error.status()), expected);
    }
}
