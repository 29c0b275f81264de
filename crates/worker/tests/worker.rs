//! The worker as a process, on a run folder, into the embedded core DMS over a faulty line.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod common;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Child,
    time::Duration,
};

use common::{claim, exit, order, parse, worker};
use coredms::server::{Server, ServerOptions};
use domain::{
    file::ManifestFile,
    ids::FileKey,
    ledger::Ledger,
    worker::{ExitKind, RunFolder, WorkOrder},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use testkit::proxy::{
    FaultProxy,
    faults::{self, Fault},
};

/// Records of each file. Every tenth is dropped, every hundredth rejected.
const RECORDS: u64 = 30_000;
const FILES: u64 = 3;
const IDS_AT_ONCE: usize = 5000;

/// A core DMS, a folder of staged files, and a run over them.
struct Scene {
    home: tempfile::TempDir,
    dms: String,
    folder: RunFolder,
}

fn spec() -> Value {
    json!({
        "mode": "batch",
        "format": { "type": "csv" },
        "wrangling": [{ "if": "[kind] == \"noise\"", "then": [{ "drop": {} }] }],
        "schema": { "fields": { "amount": { "type": "integer" } } },
        "destination": { "index": "rows" },
    })
}

/// What becomes of the record at a position; the header is none.
fn fate(number: u64) -> &'static str {
    match number {
        n if n % 100 == 7 => "rejected",
        n if n % 10 == 3 => "filtered",
        _ => "created",
    }
}

const HEADER: &str = "id,kind,amount\n";

fn row(file: u64, number: u64) -> String {
    match fate(number) {
        "rejected" => format!("{file}-{number},some,no number\n"),
        "filtered" => format!("{file}-{number},noise,1\n"),
        // a quoted line end, now and then
        _ if number.is_multiple_of(1000) => format!("\"{file}\n{number}\",some,{number}\n"),
        _ => format!("{file}-{number},some,{number}\n"),
    }
}

/// Where the records of a file begin, in bytes: their positions.
fn positions(file: u64) -> Vec<u64> {
    let mut at = HEADER.len() as u64;
    let begin = |number| {
        let begin = at;
        at += row(file, number).len() as u64;
        begin
    };
    (0..RECORDS).map(begin).collect()
}

fn expected() -> Ledger {
    let count = |wanted| FILES * (0..RECORDS).filter(|n| fate(*n) == wanted).count() as u64;
    Ledger {
        read: FILES * RECORDS,
        created: count("created"),
        filtered: count("filtered"),
        rejected: count("rejected"),
        ..Ledger::default()
    }
}

impl Scene {
    async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let server = Server::start(ServerOptions {
            data: home.path().join("coredms"),
            listen: ([127, 0, 0, 1], 0).into(),
            api_key: None,
        })
        .await
        .unwrap();
        let dms = format!("http://{}", server.address());
        // for as long as the test's runtime lives
        tokio::spawn(server.run_until(std::future::pending()));
        let folder = RunFolder::new(home.path().join("run"));
        fs::create_dir(folder.path()).unwrap();
        Self { home, dms, folder }
    }

    fn stage(&self) -> Vec<PathBuf> {
        let staged = (0..FILES).map(|number| {
            let path = self.home.path().join(format!("{number}.csv"));
            let rows: String = (0..RECORDS).map(|n| row(number, n)).collect();
            fs::write(&path, format!("{HEADER}{rows}")).unwrap();
            path
        });
        staged.collect()
    }

    fn claim(&self, order: &WorkOrder) -> Vec<ManifestFile> {
        let staged = self.stage();
        let staged: Vec<&Path> = staged.iter().map(PathBuf::as_path).collect();
        claim(&self.folder, order, &staged)
    }

    async fn ask(&self, path: &str, body: &Value) -> Value {
        let answer = reqwest::Client::new()
            .post(format!("{}/{path}", self.dms))
            .json(body)
            .send()
            .await
            .unwrap();
        answer.error_for_status().unwrap().json().await.unwrap()
    }

    async fn count(&self) -> u64 {
        self.ask("demo.rows/_refresh", &json!({})).await;
        let answer = self.ask("demo.rows/_count", &json!({})).await;
        answer["count"].as_u64().unwrap()
    }

    /// Which of these ids there are not.
    async fn absent(&self, ids: &[String]) -> Vec<String> {
        let mut absent = Vec::new();
        for ids in ids.chunks(IDS_AT_ONCE) {
            let answer = self
                .ask("demo.rows/_mget?_source=false", &json!({ "ids": ids }))
                .await;
            let documents = answer["docs"].as_array().unwrap().iter();
            absent.extend(
                documents
                    .filter(|document| document["found"] != true)
                    .map(|document| document["_id"].as_str().unwrap().to_owned()),
            );
        }
        absent
    }
}

/// Ids of the documents that there must be.
fn ids(files: &[ManifestFile]) -> Vec<String> {
    let of_file = |file: &ManifestFile| {
        let key = file.file_key.clone();
        let positions = positions(file.index.into()).into_iter().enumerate();
        positions
            .filter(|(number, _)| fate(*number as u64) == "created")
            .map(move |(_, position)| format!("{key}-{position}"))
    };
    files.iter().flat_map(of_file).collect()
}

async fn ended(mut worker: Child) {
    let status = tokio::task::spawn_blocking(move || worker.wait())
        .await
        .unwrap()
        .unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_goes_on_where_it_was_over_a_line_that_loses_answers() {
    let seed = testkit::seed();
    let mut chance = StdRng::seed_from_u64(seed);
    let scene = Scene::new().await;
    let line = FaultProxy::http(&scene.dms, faults::none()).unwrap();
    let order = order(line.url(), parse(&spec()));
    let files = scene.claim(&order);
    let trouble = [
        Fault::LOSE_ANSWER,
        Fault::CutRequest(2000),
        Fault::Status(429),
        Fault::Status(503),
        Fault::Delay(Duration::from_millis(20)),
    ];
    line.set_schedule(faults::on("/_bulk", faults::seeded(seed, 40, trouble)));
    let mut attempt = 0;
    for _ in 0..6 {
        attempt += 1;
        let answered = line.exchanges() + chance.random_range(1..20);
        let mut worker = worker(&scene.folder, attempt).spawn().unwrap();
        while line.exchanges() < answered && worker.try_wait().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        worker.kill().unwrap();
        worker.wait().unwrap();
    }
    line.set_schedule(faults::none());
    ended(worker(&scene.folder, attempt + 1).spawn().unwrap()).await;

    let exit = exit(&scene.folder);
    assert_eq!(exit.kind, ExitKind::Drained);
    let found = Ledger {
        bytes: 0,
        ..exit.ledger
    };
    assert_eq!(found, expected());
    assert_eq!(scene.count().await, found.created);
    let absent = scene.absent(&ids(&files)).await;
    assert!(
        absent.is_empty(),
        "{} are missing, the first is {:?}",
        absent.len(),
        absent.first()
    );
    let rejects = fs::read_to_string(scene.folder.rejects()).unwrap();
    let positions: std::collections::BTreeSet<_> = rejects
        .lines()
        .map(|line| {
            let reject: Value = serde_json::from_str(line).unwrap();
            (
                reject["file"].to_string(),
                reject["position"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        (rejects.lines().count() as u64, positions.len() as u64),
        (found.rejected, found.rejected),
        "every reject once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audit_names_what_the_core_dms_has_lost() {
    let scene = Scene::new().await;
    let order = order(scene.dms.clone(), parse(&spec()));
    let files = scene.claim(&order);
    ended(worker(&scene.folder, 1).spawn().unwrap()).await;
    let lost: Vec<(usize, u64)> = [(0, 0), (0, 4711), (2, RECORDS - 1)]
        .map(|(file, number)| (file, positions(file as u64)[number as usize]))
        .into();
    let lost_ids: Vec<String> = lost
        .iter()
        .map(|(file, position)| format!("{}-{position}", files[*file].file_key))
        .collect();
    let query = json!({ "query": { "ids": { "values": lost_ids } } });
    let deleted = scene
        .ask("demo.rows/_delete_by_query?refresh=true", &query)
        .await;
    assert_eq!(deleted["deleted"], lost.len());

    let output = worker(&scene.folder, 1)
        .args(
            files
                .iter()
                .flat_map(|file| ["--audit", file.file_key.as_str()]),
        )
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let missing: BTreeMap<FileKey, Vec<u64>> = serde_json::from_slice(&output.stdout).unwrap();
    let mut found = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let positions = missing.get(&file.file_key).into_iter().flatten();
        found.extend(positions.map(|position| (number, *position)));
    }
    assert_eq!(found, lost);
}
