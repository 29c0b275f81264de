//! Uploads: whole or not at all.

use std::sync::Arc;

use batchingestmanager::LocalStaging;
use domain::staging::{StagedState, StagingArea, StagingError, UploadBody};
use serde_json::json;

use crate::home::{Chunks, Home};

const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/// Nothing of a refused upload may be left.
fn untouched(home: &Home) {
    let tree = home.tree(&home.path(""));
    assert!(tree.is_empty(), "{tree:?}");
}

#[tokio::test]
async fn a_file_is_visible_when_it_is_whole() {
    let home = Home::with(Home::plan(100, 100), json!({ "include": ["*.csv"] })).await;
    let staged = home
        .upload_as(
            "a.csv",
            Some(5),
            Some(&HELLO.to_uppercase()),
            &mut Chunks::of(b"hello"),
        )
        .await
        .unwrap();
    assert_eq!(
        (staged.name.as_str(), staged.bytes, staged.state),
        ("a.csv", 5, StagedState::Ready)
    );
    assert_eq!(staged.sha256.as_deref(), Some(HELLO));
    assert_eq!(
        home.tree(&home.path("")),
        [("a.csv".to_owned(), "hello".to_owned())].into()
    );
    let other = home.upload("notes.txt", b"").await.unwrap();
    assert!(
        matches!(other.state, StagedState::Unclaimed { ref code, .. } if code == "not_included")
    );
}

#[tokio::test]
async fn what_is_not_as_announced_leaves_nothing() {
    let home = Home::new().await;
    let wrong = home
        .upload_as("a", None, Some(HELLO), &mut Chunks::of(b"hellO"))
        .await;
    assert!(
        matches!(wrong, Err(StagingError::ChecksumMismatch { ref expected, .. }) if expected == HELLO),
        "{wrong:?}"
    );
    let short = home
        .upload_as("a", Some(6), None, &mut Chunks::of(b"hello"))
        .await;
    assert!(
        matches!(short, Err(StagingError::Interrupted(_))),
        "{short:?}"
    );
    let mut broken = Chunks(vec![Err("the line was cut".into()), Ok("hel".into())]);
    let cut = home.upload_as("a", None, None, &mut broken).await;
    assert!(
        matches!(cut, Err(StagingError::Interrupted(ref why)) if why.contains("cut")),
        "{cut:?}"
    );
    untouched(&home);
}

#[tokio::test]
async fn names_that_mean_something_else_are_refused() {
    let home = Home::new().await;
    for name in [
        "",
        "..",
        "../x",
        "/etc/passwd",
        ".hidden",
        "a\0b",
        "a\nb",
        &"x".repeat(256),
    ] {
        let refused = home.upload(name, b"x").await;
        assert!(
            matches!(refused, Err(StagingError::InvalidName { .. })),
            "{name:?}: {refused:?}"
        );
    }
    untouched(&home);
}

#[tokio::test]
async fn the_plan_holds_before_and_while_bytes_come() {
    let home = Home::with(Home::plan(20, 30), json!({})).await;
    let refusal = |result: Result<_, StagingError>| match result {
        Err(StagingError::Refused(refusal)) => refusal.to_string(),
        other => panic!("{other:?}"),
    };
    let declared = home
        .upload_as(
            "a",
            Some(21),
            None,
            &mut Chunks(vec![Err("it was read".into())]),
        )
        .await;
    assert_eq!(
        refusal(declared),
        "the plan's max_file_bytes is 20 B, and this would make it 21 B"
    );
    // says less than it is
    let lied = home
        .upload_as("a", Some(5), None, &mut Chunks::of(&[b'x'; 21]))
        .await;
    assert!(refusal(lied).contains("max_file_bytes is 20 B"));
    untouched(&home);
    home.upload("a", &[b'x'; 20]).await.unwrap();
    let full = refusal(home.upload("b", &[b'x'; 11]).await);
    assert!(full.contains("max_staging_bytes is 30 B"), "{full}");
    home.upload("b", &[b'x'; 10]).await.unwrap();
    assert!(refusal(home.upload("c", b"x").await).contains("max_staging_bytes"));
    home.staging.delete(&home.job, "b").await.unwrap();
    home.upload("c", b"x").await.unwrap();
}

#[tokio::test]
async fn a_refused_upload_gives_its_bytes_back() {
    let home = Home::with(Home::plan(20, 20), json!({})).await;
    for _ in 0..3 {
        home.upload_as("a", None, Some(HELLO), &mut Chunks::of(&[b'x'; 20]))
            .await
            .unwrap_err();
        home.upload("a", &[b'x'; 21]).await.unwrap_err();
    }
    home.upload("a", &[b'x'; 20]).await.unwrap();
}

/// A body that waits for a permit before its last chunk.
struct Held(Vec<bytes::Bytes>, Arc<tokio::sync::Semaphore>);

#[async_trait::async_trait]
impl UploadBody for Held {
    async fn chunk(&mut self) -> Result<Option<bytes::Bytes>, String> {
        if self.0.len() == 1 {
            self.1.acquire().await.map_err(|e| e.to_string())?.forget();
        }
        Ok(self.0.pop())
    }
}

#[tokio::test]
async fn uploads_under_way_count_against_the_quota_and_are_not_visible() {
    let home = Home::with(Home::plan(20, 20), json!({})).await;
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let mut held = Held(vec!["last".into(), "0123456789".into()], gate.clone());
    let first = home.upload_as("first", None, None, &mut held);
    let second = async {
        // its bytes are taken before they are written
        while !home
            .tree(&home.path(".incoming"))
            .into_values()
            .any(|content| content == "0123456789")
        {
            tokio::task::yield_now().await;
        }
        assert!(home.states().await.is_empty());
        let refused = home.upload("second", &[b'x'; 20]).await;
        gate.add_permits(1);
        refused
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.unwrap().bytes, 14);
    assert!(
        matches!(second, Err(StagingError::Refused(_))),
        "{second:?}"
    );
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_unless_the_content_is_equal() {
    let home = Home::new().await;
    home.upload("a", b"hello").await.unwrap();
    let again = home.upload("a", b"hello").await.unwrap();
    assert_eq!(again.sha256.as_deref(), Some(HELLO));
    let other = home.upload("a", b"other").await;
    assert!(
        matches!(other, Err(StagingError::Exists(ref name)) if name == "a"),
        "{other:?}"
    );
    assert_eq!(
        home.tree(&home.path("")),
        [("a".to_owned(), "hello".to_owned())].into()
    );
    std::fs::create_dir(home.path("folder")).unwrap();
    assert!(matches!(
        home.upload("folder", b"x").await,
        Err(StagingError::Exists(_))
    ));
    std::os::unix::fs::symlink("a", home.path("link")).unwrap();
    assert!(
        matches!(
            home.upload("link", b"hello").await,
            Err(StagingError::Exists(_))
        ),
        "a link is no file"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_uploads_of_one_name_exactly_one_content_wins() {
    let home = Arc::new(Home::new().await);
    let uploads: Vec<_> = (0..16)
        .map(|i| {
            let home = home.clone();
            tokio::spawn(async move {
                let content = format!("content {}", i % 4).repeat(1000);
                let result = home.upload("same", content.as_bytes()).await;
                (content, result)
            })
        })
        .collect();
    let mut winners = Vec::new();
    for upload in uploads {
        match upload.await.unwrap() {
            (content, Ok(_)) => winners.push(content),
            (_, Err(StagingError::Exists(_))) => {}
            (_, Err(e)) => panic!("{e}"),
        }
    }
    assert_eq!(
        winners.len(),
        4,
        "all uploads of the winning content succeed, and no other"
    );
    let content = home.content("same").unwrap();
    assert!(winners.iter().all(|winner| *winner == content));
    assert_eq!(home.tree(&home.path("")).len(), 1);
}

#[tokio::test]
async fn a_cancelled_upload_leaves_nothing() {
    let home = Home::new().await;
    let mut held = Held(
        vec!["last".into(), "0123456789".into()],
        Arc::new(tokio::sync::Semaphore::new(0)),
    );
    {
        let mut upload = Box::pin(home.upload_as("a", None, None, &mut held));
        let begun = async {
            while home.tree(&home.path(".incoming")).is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            result = &mut upload => panic!("{result:?}"),
            () = begun => {}
        }
    }
    untouched(&home);
}

#[tokio::test]
async fn what_a_crash_left_of_uploads_is_removed_at_start() {
    let home = Home::new().await;
    home.put(".incoming/1-1", "half");
    home.put("a", "whole");
    LocalStaging::open(home.folder.path().join("staging"))
        .await
        .unwrap();
    assert_eq!(
        home.tree(&home.path("")),
        [("a".to_owned(), "whole".to_owned())].into()
    );
}

#[tokio::test]
async fn deleting_removes_one_file_and_nothing_else() {
    let home = Home::new().await;
    home.put("a", "1");
    home.put("b", "2");
    home.put("done/c", "3");
    home.staging.delete(&home.job, "a").await.unwrap();
    for name in ["a", "", ".", "..", "done", "done/c", "../flights/b", "x\0"] {
        let result = home.staging.delete(&home.job, name).await;
        assert!(
            matches!(result, Err(StagingError::NotFound(_))),
            "{name:?}: {result:?}"
        );
    }
    assert_eq!(home.tree(&home.path("")).len(), 2);
}
