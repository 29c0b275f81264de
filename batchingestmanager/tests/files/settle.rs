//! After a run: every file has its place, however often one tries.

use domain::error::{Culprit, Failure};
use domain::file::{FileRecord, FileState, ManifestFile};
use domain::ledger::Ledger;
use domain::ports::{Intake, RunContext};
use domain::run::Outcome;

use crate::home::{Home, read, run_id};

fn failure() -> Failure {
    Failure::permanent(
        "error_budget_exceeded",
        Culprit::Client,
        "too many rejects",
        "mend the spec",
    )
}

fn records(run: &RunContext, files: &[ManifestFile]) -> Vec<FileRecord> {
    files.iter().map(|file| read(run, file)).collect()
}

/// A home with three claimed files.
async fn claimed() -> (Home, RunContext, Vec<FileRecord>) {
    let home = Home::new().await;
    for name in ["a", "b", "c"] {
        home.put(name, name);
    }
    let run = home.run(1);
    let files = home.claim(&run).await.unwrap();
    let records = records(&run, &files);
    (home, run, records)
}

fn at(place: &str, name: &str) -> String {
    format!("{place}/{}/{name}", run_id(1))
}

fn names(home: &Home) -> Vec<String> {
    home.tree(&home.path("")).into_keys().collect()
}

#[tokio::test]
async fn files_of_a_completed_run_are_done() {
    for outcome in [Outcome::Completed, Outcome::CompletedWithRejects] {
        let (home, run, mut files) = claimed().await;
        files[0].ledger = Ledger {
            read: 2,
            created: 1,
            rejected: 1,
            ..Ledger::default()
        };
        for _ in 0..2 {
            home.settle(&run, &files, &outcome).await;
            assert_eq!(
                names(&home),
                [at("done", "a"), at("done", "b"), at("done", "c")]
            );
            assert!(!run.folder.claimed().exists());
        }
    }
}

#[tokio::test]
async fn after_a_failure_only_files_with_nothing_left_to_do_are_done() {
    for outcome in [Outcome::Failed { failure: failure() }, Outcome::Cancelled] {
        let home = Home::new().await;
        let all = ["proven", "rejects", "unproven", "unread", "broken"];
        for name in all {
            home.put(name, name);
        }
        let run = home.run(1);
        let claimed = home.claim(&run).await.unwrap();
        let change = |mut record: FileRecord| {
            match record.file.name.as_str() {
                "rejects" => {
                    record.ledger = Ledger {
                        read: 3,
                        created: 2,
                        rejected: 1,
                        ..Ledger::default()
                    }
                }
                "unproven" => record.counted = Some(1),
                "unread" => record.state = FileState::Claimed,
                "broken" => record.state = FileState::Quarantined { failure: failure() },
                _ => {}
            }
            record
        };
        let files: Vec<_> = records(&run, &claimed).into_iter().map(change).collect();
        home.settle(&run, &files, &outcome).await;
        assert_eq!(
            names(&home),
            [
                at("done", "proven"),
                at("quarantine", "broken"),
                "rejects".into(),
                "unproven".into(),
                "unread".into()
            ]
        );
        let next: Vec<_> = home
            .claim(&home.run(2))
            .await
            .unwrap()
            .into_iter()
            .map(|file| file.name)
            .collect();
        assert_eq!(
            next,
            ["rejects", "unproven", "unread"],
            "the next run takes what is left"
        );
    }
}

#[tokio::test]
async fn of_a_suspect_run_nothing_is_touched() {
    let (home, run, files) = claimed().await;
    home.settle(&run, &files, &Outcome::Suspect { failure: failure() })
        .await;
    assert_eq!(names(&home), ["a", "b", "c"]);
    assert_eq!(home.tree(&run.folder.claimed()).len(), 3);
}

#[tokio::test]
async fn a_file_that_was_changed_or_replaced_after_the_claim_stays() {
    let (home, run, files) = claimed().await;
    // other content in the same file; another file of the same size; the same file, touched
    home.put("a", "longer");
    std::fs::remove_file(home.path("b")).unwrap();
    home.put("b", "B");
    std::fs::remove_file(home.path("c")).unwrap();
    home.settle(&run, &files, &Outcome::Completed).await;
    assert_eq!(names(&home), ["a", "b"]);
    assert_eq!(
        (home.content("a").unwrap(), home.content("b").unwrap()),
        ("longer".into(), "B".into())
    );
    assert!(!run.folder.claimed().exists());
}

#[tokio::test]
async fn a_crash_at_any_step_is_made_good_by_calling_again() {
    for moved in 0..=3 {
        let (home, run, files) = claimed().await;
        let done = home.path("done").join(run.run.id.as_str());
        std::fs::create_dir_all(&done).unwrap();
        for name in ["a", "b", "c"].iter().take(moved) {
            std::fs::rename(home.path(name), done.join(name)).unwrap();
        }
        if moved == 3 {
            std::fs::remove_file(run.folder.claimed().join("0000000000")).unwrap();
        }
        home.settle(&run, &files, &Outcome::Completed).await;
        assert_eq!(
            names(&home),
            [at("done", "a"), at("done", "b"), at("done", "c")]
        );
        assert!(!run.folder.claimed().exists());
    }
}

/// A crash between a move and the look at what was moved: the file was replaced at the very last moment.
#[tokio::test]
async fn a_file_moved_by_mistake_is_given_back() {
    let (home, run, files) = claimed().await;
    let done = home.path("done").join(run.run.id.as_str());
    std::fs::create_dir_all(&done).unwrap();
    std::fs::remove_file(home.path("b")).unwrap();
    std::fs::write(done.join("b"), "new, never ingested").unwrap();
    home.settle(&run, &files, &Outcome::Completed).await;
    assert_eq!(
        names(&home),
        ["b".to_owned(), at("done", "a"), at("done", "c")]
    );
    assert_eq!(home.content("b").unwrap(), "new, never ingested");
}

#[tokio::test]
async fn a_run_that_never_claimed_is_settled_too() {
    let home = Home::new().await;
    home.put("a", "1");
    let run = home.run(1);
    home.settle(&run, &[], &Outcome::Cancelled).await;
    assert_eq!(names(&home), ["a"]);
}

#[tokio::test]
async fn what_was_put_away_goes_with_the_retention_of_its_run_alone() {
    let (home, run, files) = claimed().await;
    home.settle(&run, &files, &Outcome::Completed).await;
    home.put("next", "still waits");
    for _ in 0..2 {
        home.intake.expire(&run.run).await.unwrap();
        assert_eq!(names(&home), ["next"]);
    }
}
