//! What a client finds in the page.

use domain::error::{Culprit, Failure};
use domain::file::FileState;
use domain::ids::FileKey;
use domain::ledger::Ledger;
use domain::monitor::Sample;
use domain::reject::{RawEncoding, Reject, RejectCause};
use domain::report::{DuplicatesOf, Report, ReportFile};
use domain::run::{Outcome, RunState, Transition};

use super::html;
use crate::monitor::tests::sample;

fn ledger(created: u64, rejected: u64) -> Ledger {
    Ledger {
        read: created + rejected,
        created,
        rejected,
        ..Ledger::default()
    }
}

fn file(name: &str, ledger: Ledger) -> ReportFile {
    ReportFile {
        name: name.into(),
        file_key: FileKey::derive(
            &"acme".parse().unwrap(),
            &"flights".parse().unwrap(),
            name,
            None,
        ),
        bytes: 1_234_567,
        sha256: "00".into(),
        state: FileState::Read,
        ledger,
        listed_records: None,
        counted: Some(ledger.created),
        proven: true,
        missing_positions: Vec::new(),
    }
}

fn cause(count: u64) -> RejectCause {
    let sample = Reject {
        file_index: 0,
        file: "flights.csv".into(),
        file_key: FileKey::derive(
            &"acme".parse().unwrap(),
            &"flights".parse().unwrap(),
            "",
            None,
        ),
        line: 1042,
        position: 93_422,
        ordinal: 0,
        code: "schema_mismatch".into(),
        step: "schema".into(),
        field: Some("dep_delay".into()),
        message: "\"late\" is no integer".into(),
        raw: "2013,1,3,late,<script>alert(1)</script>\0".into(),
        raw_encoding: RawEncoding::Utf8,
        raw_bytes: 40,
    };
    RejectCause {
        code: sample.code.clone(),
        step: sample.step.clone(),
        field: sample.field.clone(),
        count,
        sample,
        more: Vec::new(),
    }
}

fn report(outcome: Outcome, files: Vec<ReportFile>) -> Report {
    let begun = 1_763_700_000_000;
    let steps = [
        (0, RunState::Queued, "requested"),
        (12, RunState::Claiming, "admitted"),
        (240, RunState::Starting, "claimed"),
        (260, RunState::Starting, "launching"),
        (420, RunState::Running, "worker_reads"),
        (41_000, RunState::Draining, "worker_drains"),
        (41_200, RunState::Verifying, "worker_exited"),
        (41_290, RunState::TearingDown, "proven"),
        (41_400, outcome.state(), "torn_down"),
    ];
    let series = (1..=41).map(|i| {
        let rate = 20_000.0 + 9_000.0 * f64::from(i as i32 * 7 % 11) / 11.0
            - if i > 20 && i < 25 { 18_000.0 } else { 0.0 };
        Sample {
            records_per_s: rate,
            ..sample(begun + 260 + i * 1000, i as u64 * 20_000)
        }
    });
    Report {
        client: "acme".parse().unwrap(),
        job: "flights".parse().unwrap(),
        run: "01k9aaaaaaaaaaaaaaaaaaaaaa".parse().unwrap(),
        revision: 3,
        spec_digest: "5f3c0000000000000000000000000000000000000000000000000000000000aa".into(),
        state: outcome.state(),
        started_by: None,
        created_ms: begun,
        claimed_ms: Some(begun + 240),
        finished_ms: begun + 41_400,
        running_for_ms: Some(40_980),
        attempts: 1,
        ledger: files.iter().map(|file| file.ledger).sum(),
        proven: files.iter().all(|file| file.proven),
        dms: "Elasticsearch 8.19.8".into(),
        indices: vec!["acme.flights-2013.01".into()],
        limits_by: Some("cgroup".into()),
        undos: Vec::new(),
        proof_void_by: Vec::new(),
        duplicates: files
            .iter()
            .map(|file| file.ledger.duplicate)
            .filter(|&count| count > 0)
            .map(|count| DuplicatesOf {
                run: "01k8aaaaaaaaaaaaaaaaaaaaaa".into(),
                revision: Some(2),
                count,
            })
            .collect(),
        rejects: if files.iter().any(|file| file.ledger.rejected > 0) {
            vec![cause(12)]
        } else {
            Vec::new()
        },
        files,
        series: series.collect(),
        history: steps
            .iter()
            .map(|&(after, to, event)| Transition {
                at_ms: begun + after,
                to,
                event: event.into(),
            })
            .collect(),
        outcome,
    }
}

fn samples() -> Vec<(&'static str, Report)> {
    let suspect = Failure::permanent(
        "sums_differ",
        Culprit::CoreDms,
        "1 file(s) differ",
        "nothing was removed: run again",
    );
    let mut differs = file("feb.csv.gz", ledger(500, 0));
    (differs.counted, differs.proven, differs.missing_positions) =
        (Some(498), false, vec![1042, 99_120]);
    let failed = Failure::permanent(
        "error_budget_exceeded",
        Culprit::Client,
        "12 of 20 records were rejected",
        "mend the spec",
    );
    vec![
        (
            "completed",
            report(
                Outcome::Completed,
                vec![file("flights.csv", ledger(27_004, 0))],
            ),
        ),
        (
            "rejects",
            report(
                Outcome::CompletedWithRejects,
                vec![
                    file("flights-2013-01.csv.gz", ledger(812_992, 12)),
                    file(
                        "b.csv",
                        Ledger {
                            read: 9,
                            filtered: 4,
                            duplicate: 5,
                            ..Ledger::default()
                        },
                    ),
                ],
            ),
        ),
        (
            "suspect",
            report(
                Outcome::Suspect { failure: suspect },
                vec![file("jan.csv.gz", ledger(700, 0)), differs],
            ),
        ),
        (
            "failed",
            report(
                Outcome::Failed { failure: failed },
                vec![file("flights.csv", ledger(8, 12))],
            ),
        ),
        (
            "cancelled",
            Report {
                series: Vec::new(),
                history: Vec::new(),
                ..report(Outcome::Cancelled, Vec::new())
            },
        ),
    ]
}

#[test]
fn a_client_reads_the_verdict_the_sums_and_what_to_do() {
    let expected = [
        (
            "completed",
            vec![
                "All 27,004 records of your file are in.",
                "27,004</b><span>read",
                "equal file by file",
                "+41.4 s",
            ],
        ),
        (
            "rejects",
            vec![
                "813,013 records of your 2 files are accounted for: 812,992 stored, 5 stored before, 4 dropped by your pipeline, 12 rejected.",
                "What to do next",
                "5 by run <code>01k8aaaaaaaaaaaaaaaaaaaaaa</code> (revision 2 of the spec).",
                "12 × schema mismatch",
                "2013,1,3,late,&lt;script&gt;alert(1)&lt;/script&gt;␀",
                "line 1,042",
            ],
        ),
        (
            "suspect",
            vec![
                "1 file(s) differ",
                "Nothing was removed: run again.",
                "missing at byte 1042, 99120",
                "not equal file by file",
            ],
        ),
        (
            "failed",
            vec![
                "The run failed: 12 of 20 records were rejected",
                "Mend the spec.",
            ],
        ),
        ("cancelled", vec!["cancelled before anything was read"]),
    ];
    for ((name, report), (expected_name, texts)) in samples().into_iter().zip(expected) {
        assert_eq!(name, expected_name);
        let page = html(&report).unwrap();
        for text in texts {
            assert!(page.contains(text), "{name}: {text:?} is not in the page");
        }
    }
}

#[test]
fn nothing_from_outside_becomes_markup_and_nothing_is_fetched() {
    for (name, mut report) in samples() {
        for file in &mut report.files {
            file.name = "<img src=x onerror=alert(1)>\".csv".into();
        }
        report.indices = vec!["acme.<b>".into()];
        let page = html(&report).unwrap();
        for markup in [
            "<img", "<script", "<b>.csv", "acme.<b>", "\0", "http://", "src=\"", "url(",
        ] {
            let elsewhere = page.replace("http://www.w3.org/2000/svg", "");
            assert!(
                !elsewhere.contains(markup),
                "{name}: {markup:?} is in the page"
            );
        }
    }
}

#[test]
fn of_many_files_the_ones_to_look_at_have_a_row_and_the_rest_is_summed() {
    let mut files: Vec<_> = (0..1500)
        .map(|i| file(&format!("{i}.csv"), ledger(2, 0)))
        .collect();
    files[1400].proven = false;
    files[1400].name = "look-at-me.csv".into();
    let page = html(&report(Outcome::Completed, files)).unwrap();
    assert!(page.contains("look-at-me.csv"));
    assert!(page.contains("500 further files, summed") && page.contains("1,500"));
    assert_eq!(page.matches(".csv</td>").count(), 1000);
}
