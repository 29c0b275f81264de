//! What is staged, and why some of it will not be taken.

use std::collections::BTreeMap;

use domain::staging::{StagedState, StagingArea};
use serde_json::json;

use crate::home::{Home, job};

fn states(expected: &[(&str, &str)]) -> BTreeMap<String, String> {
    expected
        .iter()
        .map(|(name, state)| (name.to_string(), state.to_string()))
        .collect()
}

#[tokio::test]
async fn every_file_has_a_state() {
    let home = Home::with(
        Home::plan(10, 1000),
        json!({ "include": ["*.csv", "*.gz"], "exclude": ["old*"] }),
    )
    .await;
    for (name, content) in [
        ("a.csv", "1"),
        ("b.gz", "1"),
        ("old.csv", "1"),
        ("c.txt", "1"),
        ("big.csv", "more than ten"),
        (".partial.csv", "1"),
        ("bad\nname.csv", "1"),
    ] {
        home.put(name, content);
    }
    std::fs::create_dir(home.path("folder.csv")).unwrap();
    let expected = states(&[
        ("a.csv", "ready"),
        ("b.gz", "ready"),
        ("old.csv", "excluded"),
        ("c.txt", "not_included"),
        ("big.csv", "max_file_bytes"),
        (".partial.csv", "hidden"),
        ("bad\nname.csv", "invalid_name"),
        ("folder.csv", "not_a_file"),
    ]);
    assert_eq!(home.states().await, expected);
}

#[tokio::test]
async fn a_refusal_in_a_listing_names_constraint_limit_and_actual_value() {
    let home = Home::with(Home::plan(10, 1000), json!({})).await;
    home.put("big.csv", "x".repeat(11));
    let listed = home
        .staging
        .list(&home.job, &home.spec, &home.plan, None, 10)
        .await
        .unwrap();
    let StagedState::Unclaimed { reason, .. } = &listed[0].state else {
        panic!("{listed:?}")
    };
    assert_eq!(
        reason,
        "the plan's max_file_bytes is 10 B, and this would make it 11 B"
    );
    assert_eq!(listed[0].bytes, 11);
    assert!(listed[0].modified_ms > 1_500_000_000_000);
}

fn touch(home: &Home, name: &str, seconds: u64) {
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    std::fs::File::options()
        .write(true)
        .open(home.path(name))
        .unwrap()
        .set_modified(at)
        .unwrap();
}

#[tokio::test]
async fn beyond_the_quota_who_came_first_keeps_its_place() {
    let home = Home::with(Home::plan(100, 100), json!({})).await;
    for (name, bytes, seconds) in [("c", 40, 1), ("b", 40, 2), ("a", 30, 3), ("d", 20, 4)] {
        home.put(name, "x".repeat(bytes));
        touch(&home, name, seconds);
    }
    assert_eq!(
        home.states().await,
        states(&[
            ("c", "ready"),
            ("b", "ready"),
            ("a", "max_staging_bytes"),
            ("d", "ready")
        ])
    );
}

#[tokio::test]
async fn the_quota_is_the_clients_over_all_its_jobs_and_nobody_elses() {
    let home = Home::with(Home::plan(100, 100), json!({})).await;
    for other in ["acme/other", "acme2/other"] {
        home.staging.create(&job(other)).await.unwrap();
        let path = home.folder.path().join("staging").join(other).join("x");
        std::fs::write(path, "x".repeat(70)).unwrap();
    }
    home.put("mine", "x".repeat(31));
    touch(&home, "mine", 4_000_000_000);
    assert_eq!(home.staging.usage(&home.job.client).await.unwrap(), 101);
    assert_eq!(
        home.states().await,
        states(&[("mine", "max_staging_bytes")])
    );
    let done = home.path("done");
    std::fs::write(done.join("old"), "x".repeat(500)).unwrap();
    assert_eq!(
        home.staging.usage(&home.job.client).await.unwrap(),
        101,
        "what is done does not count"
    );
    home.staging.remove(&job("acme/other")).await.unwrap();
    assert_eq!(home.states().await, states(&[("mine", "ready")]));
}

#[tokio::test]
async fn listings_are_paged_in_the_order_of_names() {
    let home = Home::new().await;
    for i in 0..10 {
        home.put(&format!("f{i}"), "x");
    }
    let page = async |after: Option<&str>, limit| -> Vec<String> {
        let listed = home
            .staging
            .list(&home.job, &home.spec, &home.plan, after, limit)
            .await
            .unwrap();
        listed.into_iter().map(|file| file.name).collect()
    };
    assert_eq!(page(None, 4).await, ["f0", "f1", "f2", "f3"]);
    assert_eq!(page(Some("f3"), 4).await, ["f4", "f5", "f6", "f7"]);
    assert_eq!(page(Some("f7"), 4).await, ["f8", "f9"]);
    assert_eq!(page(Some("f9"), 4).await, [""; 0]);
}

#[tokio::test]
async fn a_job_without_a_staging_directory_has_no_files() {
    let home = Home::new().await;
    home.staging.remove(&home.job).await.unwrap();
    home.staging.remove(&home.job).await.unwrap();
    assert!(home.states().await.is_empty());
    assert_eq!(
        home.claim(&home.run(1)).await.unwrap_err().code,
        "nothing_to_ingest"
    );
    home.staging.create(&home.job).await.unwrap();
    home.staging.create(&home.job).await.unwrap();
    assert!(
        home.path("done").is_dir()
            && home.path("quarantine").is_dir()
            && home.path(".incoming").is_dir()
    );
}
