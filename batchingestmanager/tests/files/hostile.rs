//! Staging directories that somebody prepared on purpose: nothing outside is read, written or moved.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use domain::ports::Intake;
use domain::run::Outcome;
use domain::staging::{StagingArea, StagingError};

use crate::home::{Home, read};

fn fifo(path: &std::path::Path) {
    let made = std::process::Command::new("mkfifo")
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
}

#[tokio::test]
async fn links_folders_pipes_and_sockets_are_listed_and_never_read() {
    let home = Home::new().await;
    let secret = home.folder.path().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    symlink(&secret, home.path("link")).unwrap();
    symlink("/dev/zero", home.path("zero")).unwrap();
    symlink("nowhere", home.path("broken")).unwrap();
    std::fs::create_dir(home.path("folder")).unwrap();
    fifo(&home.path("pipe"));
    let _socket = std::os::unix::net::UnixListener::bind(home.path("socket")).unwrap();
    home.put("good", "1");
    for (name, state) in home.states().await {
        assert_eq!(
            state,
            if name == "good" {
                "ready"
            } else {
                "not_a_file"
            },
            "{name}"
        );
    }
    assert_eq!(home.states().await.len(), 7);
    let run = home.run(1);
    let files = home.claim(&run).await.unwrap();
    assert_eq!(
        files
            .iter()
            .map(|file| file.name.as_str())
            .collect::<Vec<_>>(),
        ["good"]
    );
    assert_eq!(
        home.tree(&run.folder.claimed())
            .into_values()
            .collect::<Vec<_>>(),
        ["1"]
    );
}

#[tokio::test]
async fn names_that_are_no_text_are_listed_and_left() {
    let home = Home::new().await;
    std::fs::write(
        home.path("")
            .join(std::ffi::OsStr::from_bytes(b"\xff\xfe.csv")),
        "1",
    )
    .unwrap();
    home.put("tab\there", "1");
    let states = home.states().await;
    assert_eq!(states.len(), 2);
    assert!(
        states.values().all(|state| state == "invalid_name"),
        "{states:?}"
    );
    assert_eq!(
        home.claim(&home.run(1)).await.unwrap_err().code,
        "nothing_to_ingest"
    );
}

#[tokio::test]
async fn a_link_in_the_place_of_done_moves_nothing_out() {
    let home = Home::new().await;
    home.put("a", "1");
    let run = home.run(1);
    let files: Vec<_> = home
        .claim(&run)
        .await
        .unwrap()
        .iter()
        .map(|file| read(&run, file))
        .collect();
    let outside = home.folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::remove_dir(home.path("done")).unwrap();
    symlink(&outside, home.path("done")).unwrap();
    let failure = home
        .intake
        .settle(&run, &files, &Outcome::Completed)
        .await
        .unwrap_err();
    assert_eq!(failure.code, "staging_damaged");
    assert!(home.tree(&outside).is_empty());
    assert_eq!(home.content("a").as_deref(), Some("1"));
    std::fs::remove_file(home.path("done")).unwrap();
    home.settle(&run, &files, &Outcome::Completed).await;
    assert_eq!(
        home.content(&format!("done/{}/a", run.run.id)).as_deref(),
        Some("1")
    );
}

#[tokio::test]
async fn a_link_in_the_place_of_a_staging_directory_leads_nowhere() {
    let home = Home::new().await;
    let outside = home.folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("secret"), "1").unwrap();
    home.staging.remove(&home.job).await.unwrap();
    symlink(
        &outside,
        home.path("").to_str().unwrap().trim_end_matches('/'),
    )
    .unwrap();
    assert!(
        matches!(home.upload("a", b"1").await, Err(StagingError::Failed(ref failure)) if failure.code == "staging_damaged")
    );
    assert_eq!(
        home.claim(&home.run(1)).await.unwrap_err().code,
        "staging_damaged"
    );
    assert_eq!(home.staging.usage(&home.job.client).await.unwrap(), 0);
    assert!(home.staging.remove(&home.job).await.is_err());
    assert_eq!(home.tree(&outside).len(), 1);
}

#[tokio::test]
async fn removing_a_staging_directory_follows_no_link() {
    let home = Home::new().await;
    let outside = home.folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("keep"), "1").unwrap();
    std::fs::create_dir_all(home.path("deep/deeper")).unwrap();
    symlink(&outside, home.path("deep/link")).unwrap();
    symlink(&outside, home.path("link")).unwrap();
    home.staging.remove(&home.job).await.unwrap();
    assert!(!home.path("").exists());
    assert_eq!(home.tree(&outside).len(), 1);
}
