//! What the platform costs around the data: prints rows of a Markdown table. `make bench` runs it.

#![allow(clippy::expect_used, clippy::unwrap_used)]

#[allow(
    dead_code,
    unused_imports,
    reason = "the harness of the end-to-end suites, of which this uses a part"
)]
#[path = "../tests/e2e/harness/mod.rs"]
mod harness;

use std::{fs, time::Instant};

use domain::run::RunState;
use harness::{Configuration, Fate, Input, Job, Options, Platform};
use serde_json::{Value, json};

/// Jobs that a manager of the memory measurement has.
const JOBS: u32 = 1000;
/// Runs that the latency is the median of.
const RUNS: usize = 21;
/// Records of the rate measurement.
const RECORDS: u64 = 300_000;

const MANY_JOBS: Options = Options {
    dms_proxy: false,
    store_proxy: false,
    config: "[plans.large]\nmax_jobs = 2000\n",
};

fn lines() -> Value {
    json!({ "mode": "batch", "format": { "type": "lines" }, "destination": { "index": "lines" } })
}

fn row(what: &str, value: impl std::fmt::Display) {
    println!("| {what} | {value} |");
}

/// Resident memory of a process, in MB.
fn resident_mb(process: u64) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1024.0 / 1e6
}

/// From the start call to the run's proven end, in milliseconds, over a file of one record: there is no data to speak of.
async fn latency_ms(job: &Job<'_, '_>, number: usize) -> f64 {
    let mut input = Input::new(&format!("{number}.log"));
    input.record(format!("record {number}"), Fate::Stored);
    job.stage(&input).await;
    let began = Instant::now();
    job.run_to(RunState::Completed).await;
    began.elapsed().as_secs_f64() * 1000.0
}

async fn overhead(platform: &Platform) {
    let tenant = platform.tenant("latency").await;
    let job = tenant.job("lines", &lines()).await;
    let mut times = Vec::new();
    for number in 0..RUNS {
        times.push(latency_ms(&job, number).await);
    }
    times.sort_by(f64::total_cmp);
    let (median, worst) = (times[RUNS / 2], times[RUNS - 1]);
    let value = format!("{median:.0} ms (median of {RUNS}), {worst:.0} ms at worst");
    row(
        "one-file job, from the start call to the verified end, without data to move",
        value,
    );
}

async fn memory(platform: &Platform) {
    let manager = platform.process_id();
    row(
        "manager RSS at rest",
        format!("{:.0} MB", resident_mb(manager)),
    );
    let tenant = platform.tenant_on("many", Some("large")).await;
    for number in 0..JOBS {
        tenant.job(&format!("job-{number}"), &lines()).await;
    }
    row(
        &format!("manager RSS with {JOBS} jobs"),
        format!("{:.0} MB", resident_mb(manager)),
    );
}

/// Records a second from the first worker's first answer to the end, as a whole job has them.
async fn rate(configuration: Configuration, name: &str) {
    let platform = Platform::start(configuration, Options::default()).await;
    let tenant = platform.tenant("rate").await;
    let job = tenant.job("lines", &lines()).await;
    let mut input = Input::new("rate.log");
    for number in 0..RECORDS {
        input.record(
            format!("{number} {}", "the quick brown fox ".repeat(8)),
            Fate::Stored,
        );
    }
    job.stage(&input).await;
    let run = job.run_to(RunState::Completed).await;
    let took_ms = run.finished_ms.unwrap() - run.running_ms.unwrap();
    let rate = RECORDS as f64 * 1000.0 / took_ms as f64;
    row(
        &format!("a whole job of {RECORDS} lines of 165 bytes into {name}"),
        format!("{rate:.0} records/s"),
    );
    platform.end().await;
}

#[tokio::main]
async fn main() {
    let platform = Platform::start(Configuration::Embedded, MANY_JOBS).await;
    overhead(&platform).await;
    memory(&platform).await;
    platform.end().await;
    rate(Configuration::Embedded, "the embedded core DMS").await;
    if std::env::var_os("ELASTICSEARCH_URL").is_some() && std::env::var_os("MONGODB_URI").is_some()
    {
        rate(Configuration::Servers, "Elasticsearch").await;
    }
}
