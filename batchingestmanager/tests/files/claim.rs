//! Claims: what a run takes, and how it knows it again.

use std::io::Write;

use domain::file::{Compression, ManifestFile};
use domain::ids::FileKey;
use serde_json::json;

use crate::home::Home;

fn names(files: &[ManifestFile]) -> Vec<&str> {
    files.iter().map(|file| file.name.as_str()).collect()
}

#[tokio::test]
async fn files_are_copied_and_listed_in_the_order_of_names() {
    let home = Home::with(Default::default(), json!({ "exclude": ["*.tmp"] })).await;
    home.put("b.csv", "hello");
    home.put("a.csv.gz", [0x1f, 0x8b, 8, 0, 1]);
    home.put("c.gz", "not gzip at all");
    home.put("empty", "");
    home.put("x.tmp", "no");
    let run = home.run(1);
    let files = home.claim(&run).await.unwrap();
    assert_eq!(names(&files), ["a.csv.gz", "b.csv", "c.gz", "empty"]);
    let compressions: Vec<_> = files.iter().map(|file| file.compression).collect();
    assert_eq!(
        compressions,
        [
            Compression::Gzip,
            Compression::None,
            Compression::None,
            Compression::None
        ]
    );
    let hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let b = &files[1];
    assert_eq!((b.index, b.bytes, b.sha256.as_str()), (1, 5, hello));
    assert_eq!(
        b.file_key,
        FileKey::derive(&home.job.client, &home.job.job, hello, None)
    );
    let copy = std::fs::read_to_string(run.folder.claimed().join(&b.claimed_as)).unwrap();
    assert_eq!(copy, "hello");
    assert!(
        home.path("b.csv").exists(),
        "the original stays until the run has ended"
    );
    let manifest = std::fs::read_to_string(run.folder.manifest()).unwrap();
    let lines: Vec<ManifestFile> = manifest
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines, files);
}

#[tokio::test]
async fn what_is_written_to_the_original_does_not_reach_the_copy() {
    let home = Home::new().await;
    home.put("a", "old");
    let mut open = std::fs::File::options()
        .append(true)
        .open(home.path("a"))
        .unwrap();
    let run = home.run(1);
    let files = home.claim(&run).await.unwrap();
    open.write_all(b" and new").unwrap();
    assert_eq!(
        std::fs::read_to_string(run.folder.claimed().join(&files[0].claimed_as)).unwrap(),
        "old"
    );
}

#[tokio::test]
async fn a_complete_manifest_is_used_again_whatever_came_meanwhile() {
    let home = Home::new().await;
    home.put("a", "1");
    let run = home.run(1);
    let first = home.claim(&run).await.unwrap();
    home.put("b", "2");
    std::fs::remove_file(home.path("a")).unwrap();
    assert_eq!(home.claim(&run).await.unwrap(), first);
}

#[tokio::test]
async fn an_interrupted_claim_starts_over() {
    let home = Home::new().await;
    home.put("a", "1");
    home.put("b", "2");
    let run = home.run(1);
    std::fs::create_dir_all(run.folder.claimed().join("folder")).unwrap();
    std::fs::write(
        run.folder.claimed().join("0000000000"),
        "half of something els",
    )
    .unwrap();
    std::fs::write(run.folder.claimed().join("0000000007"), "left").unwrap();
    std::fs::write(
        run.folder.manifest().with_extension("incomplete"),
        "{\"index\":0,",
    )
    .unwrap();
    let files = home.claim(&run).await.unwrap();
    assert_eq!(names(&files), ["a", "b"]);
    let copies = home.tree(&run.folder.claimed());
    assert_eq!(copies.into_values().collect::<Vec<_>>(), ["1", "2"]);
    assert!(!run.folder.manifest().with_extension("incomplete").exists());
}

#[tokio::test]
async fn of_equal_content_one_is_taken_and_the_next_run_takes_the_next() {
    let home = Home::new().await;
    for name in ["a", "b", "c"] {
        home.put(name, "same");
    }
    home.put("d", "other");
    let run = home.run(1);
    let files = home.claim(&run).await.unwrap();
    assert_eq!(names(&files), ["a", "d"]);
    assert_eq!(
        files.iter().map(|file| file.index).collect::<Vec<_>>(),
        [0, 1]
    );
    assert_eq!(
        home.tree(&run.folder.claimed()).len(),
        2,
        "no copy is left of what was not taken"
    );
    std::fs::remove_file(home.path("a")).unwrap();
    let next = home.claim(&home.run(2)).await.unwrap();
    assert_eq!(names(&next), ["b", "d"]);
    assert_eq!(
        next[0].file_key, files[0].file_key,
        "all its records will be found to be duplicates"
    );
}

#[tokio::test]
async fn with_the_name_in_the_identity_equal_content_is_taken_several_times() {
    let home = Home::with(Default::default(), json!({ "identity": "name+content" })).await;
    home.put("a", "same");
    home.put("b", "same");
    let files = home.claim(&home.run(1)).await.unwrap();
    assert_eq!(names(&files), ["a", "b"]);
    assert_eq!(files[0].sha256, files[1].sha256);
    assert_ne!(files[0].file_key, files[1].file_key);
}

#[tokio::test]
async fn with_nothing_to_take_the_failure_says_why_of_the_first_few() {
    let home = Home::with(Home::plan(3, 100), json!({ "include": ["*.csv"] })).await;
    let empty = home.claim(&home.run(1)).await.unwrap_err();
    assert_eq!(empty.code, "nothing_to_ingest");
    home.put("a.csv", "too large");
    for i in 0..6 {
        home.put(&format!("b{i}.txt"), "1");
    }
    let run = home.run(2);
    let failure = home.claim(&run).await.unwrap_err();
    assert_eq!(failure.code, "nothing_to_ingest");
    for part in [
        "7 left out",
        "max_file_bytes is 3 B",
        "\"b0.txt\": its name matches no pattern",
        "and 2 more",
    ] {
        assert!(
            failure.message.contains(part),
            "{part}: {}",
            failure.message
        );
    }
    assert!(!run.folder.manifest().exists());
    home.put("c.csv", "1");
    assert_eq!(
        names(&home.claim(&run).await.unwrap()),
        ["c.csv"],
        "no manifest was taken that would hide it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_keeps_growing_is_left_for_the_next_run() {
    let home = Home::new().await;
    // far longer to copy than a thread waits for its turn to write
    home.put("grows", "x".repeat(32 << 20));
    home.put("still", "x");
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (path, stopped) = (home.path("grows"), stop.clone());
    let writer = std::thread::spawn(move || {
        let mut file = std::fs::File::options().append(true).open(path).unwrap();
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            file.write_all(b"y").unwrap();
        }
    });
    let files = home.claim(&home.run(1)).await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().unwrap();
    assert_eq!(names(&files.unwrap()), ["still"]);
    assert_eq!(
        names(&home.claim(&home.run(2)).await.unwrap()),
        ["grows", "still"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_small_files_are_all_taken() {
    let home = Home::new().await;
    for i in 0..5000 {
        home.put(&format!("f{i:05}"), i.to_string());
    }
    let run = home.run(1);
    let files = home.claim(&run).await.unwrap();
    assert_eq!(files.len(), 5000);
    assert!(
        files
            .iter()
            .enumerate()
            .all(|(i, file)| file.name == format!("f{i:05}") && file.index as usize == i)
    );
    assert_eq!(home.claim(&run).await.unwrap(), files);
}

/// Resident memory of this process at its highest, in bytes.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        << 10
}

/// A figure, not a check: `cargo test -p batchingestmanager --test files -- --ignored --nocapture claims_in_figures`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "writes 100,000 files"]
async fn claims_in_figures() {
    let home = Home::new().await;
    for i in 0..100_000 {
        home.put(&format!("f{i:06}"), i.to_string());
    }
    let (before, began) = (peak_bytes(), std::time::Instant::now());
    let files = home.claim(&home.run(1)).await.unwrap();
    assert_eq!(files.len(), 100_000);
    println!(
        "{} files claimed in {:?}; resident memory rose by {} MiB at most",
        files.len(),
        began.elapsed(),
        (peak_bytes() - before) >> 20
    );
}

#[tokio::test]
async fn a_file_that_is_gone_or_over_quota_does_not_hold_up_the_others() {
    let home = Home::with(Home::plan(4, 5), json!({})).await;
    home.put("a", "1234");
    home.put("b", "12345");
    home.put("c", "1");
    let run = home.run(1);
    let files = home.claim(&run).await.unwrap();
    assert_eq!(names(&files), ["a", "c"], "b is larger than a file may be");
    // the copies are the run's, whatever becomes of the originals
    std::fs::remove_file(home.path("a")).unwrap();
    home.put("c", "2");
    let content = |file: &ManifestFile| {
        std::fs::read_to_string(run.folder.claimed().join(&file.claimed_as)).unwrap()
    };
    let contents: Vec<_> = files.iter().map(content).collect();
    assert_eq!(contents, ["1234", "1"]);
    let records: Vec<_> = files
        .iter()
        .map(|file| crate::home::read(&run, file))
        .collect();
    home.settle(&run, &records, &domain::run::Outcome::Completed)
        .await;
    assert_eq!(
        home.content("c").as_deref(),
        Some("2"),
        "it is another file"
    );
    assert_eq!(home.states().await["c"], "ready");
}
