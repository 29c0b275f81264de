//! What the scenarios share.

use std::time::Duration;

use domain::spec::EngineKind;
use engine_elastic::docker::{Docker, Patience};
use serde_json::{Value, json};
use testkit::{Fault, proxy::faults};

use crate::harness::{Configuration, Fate, Input, Options, Platform};

/// A job whose rejects, drops and types both engines must treat alike.
pub fn spec(engine: EngineKind) -> Value {
    json!({
        "mode": "batch",
        "engine": engine,
        "format": { "type": "csv" },
        "wrangling": [
            { "if": "[kind] == \"noise\"", "then": [{ "drop": {} }] },
            { "mutate": { "uppercase": ["kind"] } },
            { "translate": { "source": "kind", "target": "word", "dictionary_path": "words.json", "fallback": "none" } },
        ],
        "schema": { "fields": { "id": { "type": "long" }, "kind": { "type": "keyword" }, "amount": { "type": "integer" } } },
        "destination": { "index": "rows" },
        "error_budget": { "max_percent": 50.0 },
    })
}

/// A platform with what that needs.
pub async fn platform(options: Options) -> Platform {
    let platform = Platform::start(Configuration::Embedded, options).await;
    let resources = platform.home().join("resources");
    std::fs::create_dir_all(&resources).unwrap();
    std::fs::write(resources.join("words.json"), r#"{"SOME":"a few"}"#).unwrap();
    platform
}

/// A file for that: some of its records are rejected, some dropped.
pub fn input(name: &str, records: u32) -> Input {
    let mut input = Input::new(name);
    input.without_record(b"id,kind,amount\n");
    for id in 0..records {
        match id % 50 {
            7 => input.record(format!("{id},few"), Fate::Rejected("csv_columns")),
            11 => input.record(
                format!("{id},wrong,much"),
                Fate::Rejected("schema_mismatch"),
            ),
            13 | 14 => input.record(format!("{id},noise,1"), Fate::Filtered),
            17 => input.record(
                format!("{id},\"quoted \"\"%{{x}} ${{Y}}\",{id}"),
                Fate::Stored,
            ),
            _ => input.record(format!("{id},some,{}", id % 1000), Fate::Stored),
        };
    }
    input
}

/// Every `_bulk` takes so long that there is a middle of a run to do something in.
pub fn slow() -> faults::Schedule {
    let delay = Fault::Delay(Duration::from_millis(500));
    faults::on("/_bulk", faults::every(1, delay))
}

/// Nothing of the platform's runs is left in Docker.
pub async fn assert_nothing_left(platform: &Platform) {
    let docker = Docker::connect(None, Patience::default()).await.unwrap();
    let home = platform.home().display().to_string();
    let left = docker.runs(&home).await.unwrap();
    assert!(left.is_empty(), "Docker still has something of {left:?}");
}
