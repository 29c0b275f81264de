//! Taking back and mending: a run is undone, rejected records are replayed.

use api::NewUndo;
use domain::{ledger::Ledger, run::RunState};
use serde_json::{Value, json};

use crate::harness::{Configuration, Fate, Input, Options, Platform};
use crate::steering::{input, lines};

/// What a run wrote goes, also when the manager is killed meanwhile; who relied on it is told; the files can come again.
pub async fn undo(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let tenant = platform.tenant("undo").await;
    let job = tenant.job("lines", &lines()).await;
    let inputs = [input("a.log", 20_000), input("b.log.gz", 5_000)];
    job.stage_all(&inputs).await;
    let first = job.run_to(RunState::Completed).await;
    let mut again = input("a.log", 20_000);
    again.name = "again.log".into();
    job.stage(&again).await;
    let second = job.run_to(RunState::Completed).await;
    assert_eq!(second.ledger.duplicate, 20_000);

    let api = job.api();
    let preview = api.preview_undo(&job.id, &first.id, None).await.unwrap();
    assert_eq!(preview.documents, 25_000);
    let relying: Vec<_> = preview
        .relying
        .iter()
        .map(|run| (&run.run, run.documents))
        .collect();
    assert_eq!(relying, [(&second.id, 20_000)]);
    let preview = api
        .preview_undo(&job.id, &first.id, Some("b.log.gz"))
        .await
        .unwrap();
    assert_eq!((preview.documents, preview.relying.len()), (5_000, 0));

    let wish = NewUndo {
        file: Some("b.log.gz".into()),
        restage: false,
    };
    api.undo(&job.id, &first.id, &wish).await.unwrap();
    let end = job.ends(&first.id, RunState::Completed).await;
    assert_eq!(end.undos[0].documents, Some(5_000));
    assert_eq!(platform.dms().count(&job.index, None).await, 20_000);

    let wish = NewUndo {
        file: None,
        restage: true,
    };
    api.undo(&job.id, &first.id, &wish).await.unwrap();
    platform.kill_manager();
    platform.start_again().await;
    let undone = job.ends(&first.id, RunState::Undone).await;
    assert_eq!(undone.undos.len(), 2, "{undone:#?}");
    assert_eq!(undone.undos[1].documents, Some(20_000));
    assert_eq!(platform.dms().count(&job.index, None).await, 0);
    let relying = job.run(&second.id).await;
    assert_eq!(relying.proof_void_by[0].run, first.id);
    let report = job.api().report(&job.id, &second.id).await.unwrap();
    assert!(!report.proven && report.proof_void_by == relying.proof_void_by);

    let third = job.run_to(RunState::Completed).await;
    assert_eq!((third.ledger.created, third.files_total), (25_000, 2));
    job.assert_documents(&inputs.iter().collect::<Vec<_>>())
        .await;
    platform.end().await;
}

/// Amounts like `n17` are no numbers before the spec is mended.
fn amounts(mended: bool) -> Value {
    let steps = match mended {
        true => json!([{ "mutate": { "gsub": ["amount", "n", ""] } }]),
        false => json!([]),
    };
    json!({
        "mode": "batch",
        "format": { "type": "csv" },
        "wrangling": steps,
        "schema": { "fields": { "amount": { "type": "integer" } } },
        "destination": { "index": "rows" },
        "error_budget": { "max_percent": 50.0 },
    })
}

/// Only what was rejected is read again, under the mended spec, and has the ids that it would have had.
pub async fn replay(configuration: Configuration) {
    let platform = Platform::start(configuration, Options::default()).await;
    let tenant = platform.tenant("replay").await;
    let job = tenant.job("rows", &amounts(false)).await;
    let mut inputs = [
        Input::new("a.csv"),
        Input::new("b.csv.gz"),
        Input::new("c.csv"),
    ];
    for (number, input) in inputs.iter_mut().enumerate() {
        input.without_record(b"id,amount\n");
        for row in 0..3_000 {
            let wrong = number < 2 && row % 10 == 3;
            let amount = if wrong { "n17" } else { "17" };
            // what is to be there in the end
            input.record(format!("{number}-{row},{amount}"), Fate::Stored);
        }
    }
    job.stage_all(&inputs).await;
    let first = job.run_to(RunState::CompletedWithRejects).await;
    assert_eq!((first.ledger.created, first.ledger.rejected), (8_400, 600));

    let job = tenant.job("rows", &amounts(true)).await;
    let expected = [(600, 0), (0, 600)];
    let mut replays = Vec::new();
    for (created, duplicate) in expected {
        let replay = job.api().replay(&job.id, &first.id).await.unwrap();
        let end = job.ends(&replay.id, RunState::Completed).await;
        let ledger = Ledger {
            read: 600,
            created,
            duplicate,
            bytes: end.ledger.bytes,
            ..Ledger::default()
        };
        assert_eq!((end.ledger, end.files_total, end.revision), (ledger, 2, 2));
        assert_eq!(end.replay_of.unwrap().run, first.id);
        assert!(job.api().report(&job.id, &end.id).await.unwrap().proven);
        replays.push(end.id);
    }
    assert_eq!(job.run(&first.id).await.replayed_by, replays);
    job.assert_documents(&inputs.iter().collect::<Vec<_>>())
        .await;
    platform.end().await;
}
