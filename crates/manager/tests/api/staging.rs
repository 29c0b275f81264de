//! Uploads: as streams, with checksums, within the plan, broken off.

use std::io;

use api::PageQuery;
use bytes::Bytes;
use futures::stream;

use crate::support::{Server, code, job_ref};

fn pieces(count: usize) -> impl futures::Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::iter((0..count).map(|_| Ok(Bytes::from(vec![b'x'; 64 << 10]))))
}

#[tokio::test]
async fn files_are_staged_listed_and_removed() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    for name in ["b.csv", "a 100% #1?.csv", "ü.csv"] {
        let staged = own.stage(&job, name, pieces(10), None, None).await.unwrap();
        assert_eq!((staged.name.as_str(), staged.bytes), (name, 640 << 10));
    }
    let first = own.staged(&job, &PageQuery::first(2)).await.unwrap();
    assert_eq!(
        first
            .items
            .iter()
            .map(|file| file.name.as_str())
            .collect::<Vec<_>>(),
        ["a 100% #1?.csv", "b.csv"]
    );
    let rest = own
        .staged(&job, &PageQuery::after(first.next.unwrap()))
        .await
        .unwrap();
    assert_eq!((rest.items[0].name.as_str(), rest.next), ("ü.csv", None));
    own.unstage(&job, "a 100% #1?.csv").await.unwrap();
    assert_eq!(
        code(own.unstage(&job, "a 100% #1?.csv").await),
        "file_not_found"
    );
    let actions: Vec<_> = own
        .audit(&PageQuery::first(4))
        .await
        .unwrap()
        .items
        .into_iter()
        .map(|entry| entry.action)
        .collect();
    assert_eq!(
        actions,
        [
            "staging.delete",
            "staging.put",
            "staging.put",
            "staging.put"
        ]
    );
    server.stop().await;
}

#[tokio::test]
async fn a_refused_upload_is_told_why_however_long_it_is() {
    let server = Server::with("[plans.default]\nmax_file_bytes = \"1MiB\"").await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    for declared in [None, Some(64 << 20)] {
        let refused = own
            .stage(&job, "big.csv", pieces(1024), declared, None)
            .await
            .unwrap_err();
        let problem = refused
            .problem()
            .unwrap_or_else(|| panic!("{declared:?}: {refused:?}"));
        assert_eq!(
            (
                problem.code.as_str(),
                problem.refusals[0].constraint.as_str()
            ),
            ("refused_by_plan", "max_file_bytes")
        );
    }
    assert_eq!(
        own.staged(&job, &PageQuery::default()).await.unwrap().items,
        []
    );
    server.stop().await;
}

#[tokio::test]
async fn checksums_names_and_content_are_held_to() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    let wrong = format!("bad{}", "0".repeat(61));
    assert_eq!(
        code(
            own.stage(&job, "a.csv", pieces(1), None, Some(&wrong))
                .await
        ),
        "checksum_mismatch"
    );
    assert_eq!(
        code(
            own.stage(&job, "a.csv", pieces(1), None, Some("short"))
                .await
        ),
        "invalid_parameter"
    );
    for name in ["..", "a/b", "../../x"] {
        let refused = own.stage(&job, name, pieces(1), None, None).await;
        assert!(refused.is_err(), "{name}");
    }
    assert_eq!(
        code(own.stage(&job, "a/b", pieces(1), None, None).await),
        "invalid_file_name"
    );
    own.stage(&job, "a.csv", pieces(1), None, None)
        .await
        .unwrap();
    own.stage(&job, "a.csv", pieces(1), None, None)
        .await
        .unwrap();
    assert_eq!(
        code(own.stage(&job, "a.csv", pieces(2), None, None).await),
        "file_exists"
    );
    server.stop().await;
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    let broken = stream::iter([
        Ok(Bytes::from_static(b"half")),
        Err(io::Error::other("the cable was cut")),
    ]);
    own.stage(&job, "a.csv", broken, Some(100), None)
        .await
        .unwrap_err();
    assert_eq!(
        own.staged(&job, &PageQuery::default()).await.unwrap().items,
        []
    );
    server.stop().await;
}

#[tokio::test]
async fn an_upload_that_broke_off_says_where_to_go_on() {
    let server = Server::start().await;
    let own = server.with_job("acme/flights").await;
    let job = job_ref("acme/flights");
    let sum = "0".repeat(64);
    // what the staging area of these tests says of every file
    let kept = own.upload_progress(&job, "a.csv", &sum).await.unwrap();
    assert_eq!(kept.offset, 5);
    assert_eq!(
        code(own.upload_progress(&job, "a.csv", "short").await),
        "invalid_parameter"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, "0123456789").unwrap();
    let sent = own.stage_file(&job, "a.csv", &path, &sum, 5, |_| {}).await;
    assert_eq!(sent.unwrap().bytes, 5, "only the rest is sent");
    server.stop().await;
}
