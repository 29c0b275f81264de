//! Uploads that break off are gone on with.

use std::time::{Duration, SystemTime};

use batchingestmanager::LocalStaging;
use domain::staging::{StagedFile, StagingArea, StagingError, Upload};
use sha2::{Digest, Sha256};

use crate::home::{Chunks, Home};

const CONTENT: &[u8] = b"something long that comes in parts";

fn sum(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// Sends a part; it breaks off behind it unless `whole`.
async fn send(
    home: &Home,
    offset: u64,
    part: &[u8],
    whole: bool,
) -> Result<StagedFile, StagingError> {
    let mut body = Chunks::of(part);
    if !whole {
        body.0.insert(0, Err("the line is cut".into()));
    }
    home.staging
        .put(Upload {
            job: &home.job,
            spec: &home.spec,
            name: "a",
            plan: &home.plan,
            offset: Some(offset),
            declared_bytes: Some(CONTENT.len() as u64),
            sha256: Some(&sum(CONTENT)),
            body: &mut body,
        })
        .await
}

async fn received(home: &Home) -> u64 {
    let sum = sum(CONTENT);
    home.staging.received(&home.job, "a", &sum).await.unwrap()
}

fn incoming(home: &Home) -> usize {
    std::fs::read_dir(home.path(".incoming")).unwrap().count()
}

#[tokio::test]
async fn what_broke_off_is_continued_and_checked_as_a_whole() {
    let mut home = Home::new().await;
    assert_eq!(received(&home).await, 0);
    let broke_off = send(&home, 0, &CONTENT[..10], false).await;
    assert!(matches!(broke_off, Err(StagingError::Interrupted(_))));
    assert_eq!(received(&home).await, 10);
    assert!(home.states().await.is_empty(), "nothing is visible yet");
    for offset in [0, 9, 11] {
        let wrong = send(&home, offset, CONTENT, true).await.unwrap_err();
        assert!(matches!(
            wrong,
            StagingError::WrongOffset { received: 10, .. }
        ));
    }
    send(&home, 10, &CONTENT[10..15], false).await.unwrap_err();
    // a new manager knows of it as well
    let root = home.folder.path().join("staging");
    home.staging = std::sync::Arc::new(LocalStaging::open(root).await.unwrap());
    assert_eq!(received(&home).await, 15);
    let staged = send(&home, 15, &CONTENT[15..], true).await.unwrap();
    assert_eq!(staged.bytes, CONTENT.len() as u64);
    assert_eq!(staged.sha256, Some(sum(CONTENT)));
    assert_eq!(home.content("a").unwrap().as_bytes(), CONTENT);
    assert_eq!((received(&home).await, incoming(&home)), (0, 0));
}

#[tokio::test]
async fn parts_that_do_not_make_the_file_are_thrown_away() {
    let home = Home::new().await;
    send(&home, 0, b"another beginning", false)
        .await
        .unwrap_err();
    let mismatch = send(&home, 17, &CONTENT[17..], true).await.unwrap_err();
    assert!(
        matches!(mismatch, StagingError::ChecksumMismatch { .. }),
        "{mismatch}"
    );
    assert_eq!((received(&home).await, incoming(&home)), (0, 0));
    assert!(send(&home, 0, CONTENT, true).await.is_ok());
}

#[tokio::test]
async fn parts_count_towards_the_quota_until_they_are_abandoned() {
    let home = Home::with(Home::plan(40, 45), serde_json::json!({})).await;
    send(&home, 0, &CONTENT[..10], false).await.unwrap_err();
    assert_eq!(home.staging.usage(&home.job.client).await.unwrap(), 10);
    let refused = home.upload("b", &[b'x'; 36]).await.unwrap_err();
    assert!(matches!(refused, StagingError::Refused(_)), "{refused}");
    // itself it goes on: its own bytes are not counted twice
    send(&home, 10, &CONTENT[10..20], false).await.unwrap_err();
    let part = std::fs::read_dir(home.path(".incoming"))
        .unwrap()
        .next()
        .unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(25 * 3600);
    std::fs::File::options()
        .write(true)
        .open(part.unwrap().path())
        .unwrap()
        .set_modified(long_ago)
        .unwrap();
    assert_eq!(home.staging.usage(&home.job.client).await.unwrap(), 0);
    assert_eq!((received(&home).await, incoming(&home)), (0, 0));
}

#[tokio::test]
async fn one_upload_of_a_file_is_under_way_at_a_time() {
    let home = Home::new().await;
    struct Waits(
        tokio::sync::oneshot::Receiver<()>,
        tokio::sync::mpsc::Sender<()>,
    );
    #[async_trait::async_trait]
    impl domain::staging::UploadBody for Waits {
        async fn chunk(&mut self) -> Result<Option<bytes::Bytes>, String> {
            self.1.send(()).await.unwrap();
            (&mut self.0).await.unwrap();
            Err("the line is cut".into())
        }
    }
    let (go, wait) = tokio::sync::oneshot::channel();
    let (reading, mut is_reading) = tokio::sync::mpsc::channel(1);
    let mut body = Waits(wait, reading);
    let digest = sum(CONTENT);
    let first = home.staging.put(Upload {
        job: &home.job,
        spec: &home.spec,
        name: "a",
        plan: &home.plan,
        offset: Some(0),
        declared_bytes: None,
        sha256: Some(&digest),
        body: &mut body,
    });
    let second = async {
        is_reading.recv().await.unwrap();
        let second = send(&home, 0, CONTENT, true).await;
        go.send(()).unwrap();
        second
    };
    let (first, second) = tokio::join!(first, second);
    assert!(matches!(first, Err(StagingError::Interrupted(_))));
    assert!(matches!(second, Err(StagingError::UnderWay(_))));
    assert!(send(&home, 0, CONTENT, true).await.is_ok());
}
