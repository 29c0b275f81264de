//! Clients' manifests: a delivery is taken as it is listed, or not at all.

use domain::file::{FileRecord, FileState, ManifestFile};
use domain::plan::Plan;
use domain::run::Outcome;
use serde_json::{Value, json};

use crate::archives::zip;
use crate::home::{Home, read};

const A: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

async fn home(manifest: &str) -> Home {
    let source = json!({ "include": ["*.csv", "*.zip"], "manifest": manifest });
    Home::with(Plan::default(), source).await
}

fn list(home: &Home, name: &str, listed: Value) {
    home.put(&format!("{name}.manifest.json"), listed.to_string());
}

fn taken(files: &[ManifestFile]) -> Vec<&str> {
    let to_read = files.iter().filter(|file| file.terms.decided.is_none());
    to_read.map(|file| file.name.as_str()).collect()
}

#[tokio::test]
async fn what_is_listed_is_taken_with_its_manifest_and_put_away_with_it() {
    let home = home("required").await;
    home.put("a.csv", "hello");
    home.put("b.csv", "hello");
    home.put("other.csv", "not listed");
    let a = json!({ "name": "a.csv", "bytes": 5, "sha256": A.to_uppercase(), "records": 7 });
    list(&home, "today", json!([a, { "name": "b.csv" }]));
    let states = home.states().await;
    assert_eq!(states["today.manifest.json"], "ready");
    assert_eq!(states["other.csv"], "not_listed");
    let run = home.run(1);
    let files = home.claim(&run).await.unwrap();
    assert_eq!(taken(&files), ["a.csv"]);
    assert_eq!(files[0].terms.records, Some(7));
    let decided: Vec<_> = files[1..].iter().map(|file| file.name.as_str()).collect();
    assert_eq!(decided, ["b.csv", "today.manifest.json"]);
    let mut records: Vec<_> = files.iter().map(|file| read(&run, file)).collect();
    for (record, file) in records.iter_mut().zip(&files) {
        record.state = file.terms.decided.clone().unwrap_or(FileState::Claimed);
    }
    // the run was called off: what is left of the delivery keeps its manifest
    home.settle(&run, &records, &Outcome::Cancelled).await;
    assert!(home.path("a.csv").exists() && home.path("today.manifest.json").exists());
    records[0].state = FileState::Read;
    home.settle(&run, &records, &Outcome::Completed).await;
    let left: Vec<_> = home.states().await.into_keys().collect();
    assert_eq!(left, ["other.csv"]);
}

#[tokio::test]
async fn a_delivery_that_is_not_as_listed_stays_whole_and_says_why() {
    let wrong = [
        (json!({ "name": "c.csv" }), "\"c.csv\": it is not there"),
        (
            json!({ "name": "b.csv", "bytes": 6 }),
            "it has 5 bytes, and 6 are listed",
        ),
        (
            json!({ "name": "b.csv", "sha256": "0".repeat(64) }),
            "its SHA-256 is 2cf24",
        ),
        (
            json!({ "name": "b.txt" }),
            "\"b.txt\": it is not there, or cannot be taken",
        ),
    ];
    for (listed, why) in wrong {
        let home = home("optional").await;
        home.put("a.csv", "1");
        if listed["name"] == "b.csv" {
            home.put("b.csv", "hello");
        }
        home.put("b.txt", "hello");
        list(&home, "x", json!([{ "name": "a.csv" }, listed]));
        let failure = home.claim(&home.run(1)).await.unwrap_err();
        assert_eq!(failure.code, "nothing_to_ingest", "{failure}");
        assert!(failure.message.contains(why), "{failure}");
        // from then on, the listing knows it as well
        let states = home.states().await;
        assert_eq!(states["a.csv"], "delivery_incomplete");
        assert_eq!(states["x.manifest.json"], "delivery_incomplete");
        // others are taken beside it
        home.put("d.csv", "other");
        let files = home.claim(&home.run(2)).await.unwrap();
        assert_eq!(taken(&files), ["d.csv"]);
    }
}

#[tokio::test]
async fn a_wrong_checksum_of_an_upload_is_known_before_any_run() {
    let home = home("optional").await;
    home.upload("a.csv", b"other").await.unwrap();
    list(&home, "x", json!([{ "name": "a.csv", "sha256": A }]));
    assert_eq!(home.states().await["a.csv"], "delivery_incomplete");
}

#[tokio::test]
async fn deliveries_that_share_a_file_fall_together() {
    let home = home("optional").await;
    for name in ["a.csv", "b.csv", "c.csv"] {
        home.put(name, name);
    }
    list(
        &home,
        "1",
        json!([{ "name": "a.csv" }, { "name": "b.csv" }]),
    );
    list(
        &home,
        "2",
        json!([{ "name": "b.csv" }, { "name": "missing.csv" }]),
    );
    list(&home, "3", json!([{ "name": "c.csv" }]));
    list(&home, "4", json!("no list"));
    let states = home.states().await;
    assert_eq!(states["a.csv"], "delivery_incomplete");
    assert_eq!(states["4.manifest.json"], "manifest_invalid");
    let files = home.claim(&home.run(1)).await.unwrap();
    assert_eq!(taken(&files), ["c.csv"]);
}

#[tokio::test]
async fn without_the_switch_a_manifest_is_a_file_as_others_are() {
    let home = Home::new().await;
    list(&home, "x", json!([{ "name": "missing" }]));
    assert_eq!(home.states().await["x.manifest.json"], "ready");
}

#[tokio::test]
async fn members_of_archives_are_listed_with_their_records() {
    let home = home("optional").await;
    home.put("a.zip", zip(&[("d/x.csv", b"x"), ("y.csv", b"y")]));
    home.put("b.zip", zip(&[("x.csv", b"b")]));
    list(
        &home,
        "x",
        json!([
            { "name": "a.zip" },
            { "name": "a.zip/d/x.csv", "records": 3 },
            { "name": "a.zip/z.csv", "records": 1 },
            { "name": "b.zip", "records": 1 },
        ]),
    );
    let run = home.run(1);
    let files = home.claim(&run).await.unwrap();
    assert_eq!(taken(&files), ["a.zip/d/x.csv", "a.zip/y.csv"]);
    let code = |name: &str| {
        let file = files.iter().find(|file| file.name == name).unwrap();
        match file.terms.decided.clone().unwrap() {
            FileState::Quarantined { failure } => failure.code,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code("a.zip/z.csv"), "member_missing");
    assert_eq!(code("b.zip"), "manifest_records");
    let x = files
        .iter()
        .find(|file| file.name == "a.zip/d/x.csv")
        .unwrap();
    let record = FileRecord {
        state: FileState::Read,
        ..read(&run, x)
    };
    assert_eq!((x.terms.records, record.proven()), (Some(3), false));
}
