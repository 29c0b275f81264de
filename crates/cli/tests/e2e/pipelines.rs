//! Pipelines in which records become several documents, use what the operator provides, or remember records before them.

use std::fs;

use api::SpecText;
use domain::{ledger::Ledger, run::RunState};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use testkit::proxy::faults;

use crate::harness::{Configuration, Fate, Input, Options, Platform, signal};
use crate::steering::slow;

use Fate::{Filtered, Stored};

fn spec(wrangling: Value) -> Value {
    json!({
        "mode": "batch",
        "source": { "include": ["*"] },
        "format": { "type": "lines" },
        "wrangling": wrangling,
        "destination": { "index": "records" },
    })
}

/// One record, several documents, each counted; with a dictionary and a variable of the operator's.
pub async fn provisions(configuration: Configuration) {
    let options = Options {
        config: "[variables]\nMARK = \"from the operator\"\n",
        ..Options::default()
    };
    let platform = Platform::start(configuration, options).await;
    let tenant = platform.tenant("pipelines").await;
    let steps = spec(json!([
        { "split": { "terminator": "," } },
        { "if": "[message] == \"none\"", "then": [{ "drop": {} }] },
        { "translate": { "source": "message", "target": "name", "dictionary_path": "codes.yml", "fallback": "?" } },
        { "mutate": { "add_field": { "mark": "${MARK}", "other": "${OTHER:as written}" } } },
    ]));
    let refused = tenant
        .api()
        .put_job(&tenant.named("parts"), SpecText::Json(&steps.to_string()))
        .await
        .expect_err("the dictionary is not there yet");
    let problem = refused.problem().unwrap();
    assert_eq!(
        problem.violations[0].code, "unknown_resource",
        "{problem:?}"
    );
    fs::create_dir_all(platform.home().join("resources")).unwrap();
    fs::write(
        platform.home().join("resources/codes.yml"),
        "a: Alpha\nb: 2\n",
    )
    .unwrap();

    let job = tenant.job("parts", &steps).await;
    let mut input = Input::new("parts.log");
    for record in ["a,b,none", "none", "c"] {
        input.record(record, Stored);
    }
    job.stage(&input).await;
    let run = job.run_to(RunState::Completed).await;
    let expected = Ledger {
        read: 3,
        added: 1,
        filtered: 1,
        created: 3,
        bytes: run.ledger.bytes,
        ..Ledger::default()
    };
    assert_eq!(run.ledger, expected);
    let found = platform
        .dms()
        .documents(&job.index, &input.key(&job.id), true)
        .await;
    let mut shown: Vec<String> = found
        .values()
        .map(|source| {
            let field = |name: &str| source[name].to_string();
            [
                field("message"),
                field("name"),
                field("mark"),
                field("other"),
            ]
            .join(" ")
        })
        .collect();
    shown.sort();
    let rest = "\"from the operator\" \"as written\"";
    assert_eq!(
        shown,
        [
            format!("\"a\" \"Alpha\" {rest}"),
            format!("\"b\" 2 {rest}"),
            format!("\"c\" \"?\" {rest}"),
        ]
    );
    platform.end().await;
}

/// Filters that remember records begin anew with a worker that replaces a lost one: every number is as if none had been lost.
pub async fn remembering(configuration: Configuration) {
    const FREE: u64 = 12_000;
    let options = Options {
        dms_proxy: true,
        store_proxy: false,
        config: "",
    };
    let platform = Platform::start(configuration, options).await;
    let tenant = platform.tenant("remembering").await;
    let steps = spec(json!([
        { "throttle": { "key": "all", "after_count": FREE, "period": "86400", "max_age": 172_800, "add_tag": "late" } },
        { "if": "\"late\" in [tags]", "then": [{ "drop": {} }] },
    ]));
    let job = tenant.job("lines", &steps).await;
    let mut inputs = [Input::new("a.log"), Input::new("b.log")];
    for number in 0..20_000 {
        let fate = if number < FREE { Stored } else { Filtered };
        let file = usize::from(number >= 9_000);
        inputs[file].record(format!("record {number} {}", "x".repeat(200)), fate);
    }
    job.stage_all(&inputs).await;
    platform.dms_proxy().set_schedule(slow(200));
    let run = job.start().await;
    job.until_accounted(&run, 1).await;
    for worker in platform.workers() {
        signal(worker, Signal::SIGKILL);
    }
    job.until("there is another worker", &run, |now| now.attempts == 2)
        .await;
    platform.dms_proxy().set_schedule(faults::none());
    let end = job.ends(&run, RunState::Completed).await;
    job.assert_closed(&end, &inputs.each_ref()).await;
    platform.end().await;
}
