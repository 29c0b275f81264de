//! After a run was undone, or its spec was mended: its files come back, or the rejected records of them are claimed again.

use domain::file::FileRecord;
use domain::ports::{Intake, RunContext};
use domain::replay::{Replay, Slice};
use domain::run::{Outcome, Run};

use crate::archives::zip;
use crate::home::{Home, read};

/// A home with two files that were put away after a run.
async fn put_away() -> (Home, RunContext, Vec<FileRecord>) {
    let home = Home::new().await;
    home.put("a", "id\n1\n2\n");
    home.put("b", "id\n3\n44\n");
    let run = home.run(1);
    let files: Vec<_> = home
        .claim(&run)
        .await
        .unwrap()
        .iter()
        .map(|file| read(&run, file))
        .collect();
    home.settle(&run, &files, &Outcome::Completed).await;
    (home, run, files)
}

/// The second run, a replay of the first one.
fn replay(home: &Home, of: &RunContext) -> RunContext {
    let context = home.run(2);
    let replay_of = Some(Replay {
        run: of.run.id.clone(),
        clock_ms: 7,
    });
    RunContext {
        run: Run {
            replay_of,
            ..context.run
        },
        ..context
    }
}

/// Writes a reject log of (place of the file, position, line, bytes).
fn log(run: &RunContext, rejects: &[(u32, u64, u64, u64)]) {
    let lines: String = rejects
        .iter()
        .map(|(file_index, position, line, raw_bytes)| {
            serde_json::json!({ "file_index": file_index, "position": position, "line": line, "raw_bytes": raw_bytes, "code": "x" })
                .to_string()
                + "\n"
        })
        .collect();
    std::fs::write(run.folder.rejects(), lines).unwrap();
}

#[tokio::test]
async fn files_come_back_but_not_over_newer_ones() {
    let (home, run, _) = put_away().await;
    home.put("b", "newer");
    for _ in 0..2 {
        home.intake.restage(&run.run, None).await.unwrap();
        assert_eq!(home.content("a").unwrap(), "id\n1\n2\n");
        assert_eq!(home.content("b").unwrap(), "newer");
    }
    let next: Vec<_> = home.claim(&home.run(2)).await.unwrap();
    assert_eq!(next.len(), 2);
}

#[tokio::test]
async fn one_file_comes_back_alone() {
    let (home, run, _) = put_away().await;
    home.intake.restage(&run.run, Some("b")).await.unwrap();
    assert_eq!(
        (home.content("a"), home.content("b").is_some()),
        (None, true)
    );
}

#[tokio::test]
async fn a_replay_takes_the_files_with_rejects_and_the_places_of_these() {
    let (home, run, files) = put_away().await;
    // two documents of one record, and not in order
    log(&run, &[(1, 5, 3, 2), (1, 3, 2, 1), (1, 5, 3, 2)]);
    let replay = replay(&home, &run);
    for _ in 0..2 {
        let taken = home.claim(&replay).await.unwrap();
        assert_eq!(taken.len(), 1);
        assert_eq!(
            (taken[0].index, &taken[0].name, &taken[0].file_key),
            (0, &files[1].file.name, &files[1].file.file_key)
        );
        let copy = replay.folder.claimed().join(&taken[0].claimed_as);
        assert_eq!(std::fs::read_to_string(copy).unwrap(), "id\n3\n44\n");
    }
    let list = std::fs::read_to_string(replay.folder.replay()).unwrap();
    let places: Vec<_> = list
        .lines()
        .map(|line| serde_json::from_str::<Slice>(line).unwrap())
        .map(|slice| (slice.file_index, slice.position, slice.bytes, slice.line))
        .collect();
    assert_eq!(places, [(0, 3, 1, 2), (0, 5, 2, 3)]);
    // the file is put away already, and stays there
    let taken = home.claim(&replay).await.unwrap();
    let records: Vec<_> = taken.iter().map(|file| read(&replay, file)).collect();
    home.settle(&replay, &records, &Outcome::Completed).await;
    let done = home.path("done").join(run.run.id.as_str());
    assert!(done.join("a").exists() && done.join("b").exists());
}

#[tokio::test]
async fn a_replay_of_what_is_not_there_says_so() {
    let (home, run, _) = put_away().await;
    let failure = home.claim(&replay(&home, &run)).await.unwrap_err();
    assert_eq!(failure.code, "nothing_to_replay");
    log(&run, &[(0, 3, 2, 1)]);
    let done = home.path("done").join(run.run.id.as_str());
    std::fs::write(done.join("a"), "other content").unwrap();
    let failure = home.claim(&replay(&home, &run)).await.unwrap_err();
    assert_eq!(failure.code, "replay_file_gone");
    assert!(failure.message.contains("\"a\""), "{}", failure.message);
}

#[tokio::test]
async fn a_replay_of_an_archives_member_is_refused_with_what_to_do_instead() {
    let home = Home::new().await;
    home.put("a.zip", zip(&[("x.csv", b"id\n1\n2\n")]));
    let run = home.run(1);
    let files = home.claim(&run).await.unwrap();
    let files: Vec<_> = files.iter().map(|file| read(&run, file)).collect();
    home.settle(&run, &files, &Outcome::Completed).await;
    log(&run, &[(0, 3, 2, 1)]);
    let refused = home.claim(&replay(&home, &run)).await.unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.retryable),
        ("replay_of_archive", false)
    );
}
