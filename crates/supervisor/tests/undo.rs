//! Undoing a run, as its client sees it, and wherever its manager dies.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod common;

use std::time::Duration;

use common::{Platform, Working, job, now_ms};
use domain::audit::Actor;
use domain::client::Waiting;
use domain::ids::RunId;
use domain::run::{Event, Policy, Run, RunState, Undo, UndoneFile, next};

impl Platform {
    /// What the API does when a client wants a run undone.
    async fn undo(&self, working: &Working, id: &RunId, file: Option<UndoneFile>, restage: bool) {
        self.change(id.as_str(), |run: &mut Run| {
            let undo = Undo::asked(Actor::Platform, file.clone(), restage, now_ms());
            *run = next(
                run,
                Event::UndoAsked(Box::new(undo)),
                now_ms(),
                &Policy::default(),
            )
            .unwrap();
        })
        .await;
        working.supervisor.poke(id);
    }

    async fn completed(&self, number: u32) -> RunId {
        let id = self.start(number, job("acme", "flights")).await;
        assert_eq!(self.until_final(&id).await.state, RunState::Completed);
        id
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_run_wrote_is_gone_and_who_relies_on_it_is_told() {
    let platform = Platform::new().await;
    let working = platform.supervise();
    let first = platform.completed(1).await;
    platform.world.state().staged.insert("c.csv".into(), 5);
    let second = platform.completed(2).await;
    platform
        .change(second.as_str(), |run: &mut Run| {
            run.owners.insert(first.to_string(), 30);
        })
        .await;
    let run = platform.run(&first).await;
    let preview = working.supervisor.preview_undo(&run, None).await.unwrap();
    assert_eq!((preview.documents, preview.relying.len()), (35, 1));
    platform.undo(&working, &first, None, true).await;
    let run = platform.until_final(&first).await;
    assert_eq!(run.state, RunState::Undone);
    assert_eq!(run.undos[0].documents, Some(35));
    assert!(run.undos[0].finished_ms.is_some());
    assert_eq!(platform.slots("acme").await, 0);
    let report = platform.report(&run);
    assert_eq!((report.state, report.proven), (RunState::Undone, false));
    assert_eq!(report.undos, run.undos);
    let relying = platform.run(&second).await;
    assert_eq!(
        (
            &relying.proof_void_by[0].run,
            relying.proof_void_by[0].documents
        ),
        (&first, 30)
    );
    let report = platform.report(&relying);
    assert_eq!((report.state, report.proven), (RunState::Completed, false));
    let page = std::fs::read_to_string(platform.folder(&relying).report_html()).unwrap();
    assert!(
        page.contains("The proof does not hold any more: 30 documents"),
        "{page}"
    );
    {
        let state = platform.world.state();
        assert!(state.documents.iter().all(|(run, _, _)| *run == second));
        assert_eq!(state.documents.len(), 5);
        let staged: Vec<_> = state.staged.keys().cloned().collect();
        assert_eq!(staged, ["a.csv", "b.csv"]);
    }
    let third = platform.completed(3).await;
    assert_eq!(platform.run(&third).await.ledger.created, 35);
}

#[tokio::test(start_paused = true)]
async fn of_one_file_only_its_documents_go() {
    let platform = Platform::new().await;
    let working = platform.supervise();
    let id = platform.completed(1).await;
    let file = platform.files(&id).await.swap_remove(0).file;
    let (name, file_key) = (file.name, file.file_key);
    platform
        .undo(
            &working,
            &id,
            Some(UndoneFile {
                name,
                file_key: file_key.clone(),
            }),
            false,
        )
        .await;
    let run = platform.until_final(&id).await;
    assert_eq!(run.state, RunState::Completed);
    assert_eq!(run.undos[0].documents, Some(25));
    let state = platform.world.state();
    assert_eq!(state.documents.len(), 10);
    assert!(state.documents.iter().all(|(_, key, _)| *key != file_key));
    assert!(state.staged.is_empty() && state.done.len() == 2);
}

#[tokio::test(start_paused = true)]
async fn it_waits_for_the_job_and_lets_no_run_of_it_begin() {
    let platform = Platform::new().await;
    let working = platform.supervise();
    let first = platform.completed(1).await;
    platform.world.state().staged.insert("c.csv".into(), 50);
    let second = platform.start(2, job("acme", "flights")).await;
    platform.until_state(&second, RunState::Running).await;
    platform.undo(&working, &first, None, false).await;
    let busy = Some(Waiting::JobBusy {
        run: second.clone(),
    });
    platform.until(&first, |run| run.waiting == busy).await;
    let kept = |(run, _, _): &&(RunId, _, _)| *run == first;
    assert_eq!(
        platform.world.state().documents.iter().filter(kept).count(),
        35,
        "nothing goes before the job is its own"
    );
    assert_eq!(platform.until_final(&first).await.state, RunState::Undone);
    assert!(platform.run(&second).await.state.is_final());
    // while it cannot be done, the job is locked by it
    let third = platform.completed_with_dms_down(&working).await;
    assert_eq!(platform.until_final(&third).await.state, RunState::Failed);
}

impl Platform {
    /// Has the second run undone while the core DMS is down, and a third one wait for it; brings the core DMS back.
    async fn completed_with_dms_down(&self, working: &Working) -> RunId {
        let second = common::run_id(2);
        self.world.state().dms_is_down = true;
        self.undo(working, &second, None, false).await;
        self.until(&second, |run| run.stalled.is_some()).await;
        self.world.state().claim_fails = Some(common::world::failure(false, "nothing staged"));
        let third = self.start(3, job("acme", "flights")).await;
        working.supervisor.poke(&third);
        let busy = Some(Waiting::JobBusy {
            run: second.clone(),
        });
        self.until(&third, |run| run.waiting == busy).await;
        self.world.state().dms_is_down = false;
        assert_eq!(self.until_final(&second).await.state, RunState::Undone);
        third
    }
}

/// The manager dies at the n-th effect of an undo; false if there was none any more.
async fn crash_at(point: u64) -> bool {
    let platform = Platform::new().await;
    let working = platform.supervise();
    let id = platform.completed(1).await;
    // the task that brought it to its end is gone, so that what is counted below is the undo
    tokio::time::sleep(Duration::from_secs(1)).await;
    platform.faults.crash_at(point);
    let asked = async {
        platform.undo(&working, &id, None, true).await;
        platform.until_final(&id).await
    };
    let crashed = tokio::select! {
        () = platform.faults.crashed() => true,
        _ = asked => false,
    };
    working.kill().await;
    platform.faults.crash_at(0);
    let working = platform.supervise();
    if platform.run(&id).await.state == RunState::Completed {
        // it died before the wish was stored
        platform.undo(&working, &id, None, true).await;
    }
    let run = platform.until_final(&id).await;
    assert_eq!(run.state, RunState::Undone, "crash at {point}");
    assert_eq!(run.undos[0].documents, Some(35), "crash at {point}");
    assert_eq!(platform.slots("acme").await, 0, "crash at {point}");
    let report = platform.report(&run);
    assert_eq!((report.state, report.undos.len()), (RunState::Undone, 1));
    let state = platform.world.state();
    assert!(state.documents.is_empty(), "crash at {point}");
    assert_eq!((state.staged.len(), state.done.len()), (2, 0));
    crashed
}

#[tokio::test(start_paused = true)]
async fn it_is_carried_through_wherever_the_manager_dies() {
    let mut point = 1;
    while crash_at(point).await {
        point += 1;
    }
    assert!(point > 10, "only {point} points were tried");
}
