//! Kill schedules: what runs is killed at random moments of a run, on a line to the core DMS that may be faulty, and in the
//! end every ledger is closed, with no document missing and none twice.
//!
//! A schedule is drawn from its seed: the files, who is killed, when, as progress that the run must have made, and what the
//! line does. So a failed one can be repeated: `TEST_SEED` is the seed of the first. `KILL_SCHEDULES` says how many.

use std::fs;

use api::RunInfo;
use domain::{run::RunState, worker::WorkerAddress};
use nix::sys::signal::Signal;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use testkit::{Fault, proxy::faults};

use crate::harness::{
    Configuration, Fate, Input, Job, Options, PATIENCE, Platform, Tenant, WAY, end_of, has_come_to,
    signal,
};

/// Schedules under way at once, each on a platform of its own.
const LANES: u64 = 2;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Worker,
    Manager,
    /// The embedded one; of another, every connection.
    CoreDms,
    /// Every connection to it, where it is a server; else the manager, whose part it is.
    MetadataStore,
}

/// When.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// So many records are accounted for.
    Accounted(u64),
    /// The run has come to this state, or beyond it.
    State(RunState),
}

impl Moment {
    fn has_come(self, run: &RunInfo) -> bool {
        match self {
            Self::Accounted(records) => run.ended || run.ledger.accounted() >= records,
            Self::State(state) => has_come_to(state, run),
        }
    }
}

/// What happens in one run.
#[derive(Debug)]
struct Schedule {
    seed: u64,
    inputs: Vec<Input>,
    kills: Vec<(Moment, Victim)>,
    /// How many of a hundred bulk requests go wrong, where there is a line for them to go wrong on.
    faulty_percent: u32,
}

impl Schedule {
    fn draw(seed: u64) -> Self {
        let mut chance = StdRng::seed_from_u64(seed);
        let inputs: Vec<Input> = (0..3)
            .map(|number| draw_input(seed, number, &mut chance))
            .collect();
        let records = inputs.iter().map(|input| input.records.len() as u64).sum();
        let mut kills: Vec<_> = (0..chance.random_range(2..=5))
            .map(|_| draw_kill(records, &mut chance))
            .collect();
        // in the order in which their moments come, so that each one has its own
        kills.sort_by_key(|(moment, _)| match moment {
            Moment::State(RunState::Claiming | RunState::Starting) => 0,
            Moment::State(RunState::Running) | Moment::Accounted(0) => 1,
            Moment::Accounted(records) => *records,
            Moment::State(_) => u64::MAX,
        });
        Self {
            seed,
            inputs,
            kills,
            faulty_percent: [0, 10, 30][chance.random_range(0..3)],
        }
    }

    fn faults(&self) -> faults::Schedule {
        let wrong = [
            Fault::Status(429),
            Fault::Status(503),
            Fault::LOSE_ANSWER,
            Fault::CutAnswer(100),
            Fault::CutRequest(1000),
        ];
        faults::on(
            "/_bulk",
            faults::seeded(self.seed, self.faulty_percent, wrong),
        )
    }
}

/// A file of records, packed or not; in one of two there are some that are rejected or dropped.
fn draw_input(seed: u64, number: u32, chance: &mut StdRng) -> Input {
    let packed = if chance.random_bool(0.4) { ".gz" } else { "" };
    let mut input = Input::new(&format!("{number}.csv{packed}"));
    input.without_record(b"id,kind,amount\n");
    let mixed = chance.random_bool(0.5);
    for id in 0..chance.random_range(6_000..25_000) {
        match if mixed {
            chance.random_range(0..200)
        } else {
            200
        } {
            0 => input.record(format!("{id},few"), Fate::Rejected("csv_columns")),
            1 => input.record(
                format!("{id},wrong,{seed} is no number"),
                Fate::Rejected("schema_mismatch"),
            ),
            2..5 => input.record(format!("{id},noise,{number}"), Fate::Filtered),
            _ => input.record(format!("{id},some,{}", id % 1000), Fate::Stored),
        };
    }
    input
}

fn draw_kill(records: u64, chance: &mut StdRng) -> (Moment, Victim) {
    let moment = if chance.random_bool(0.75) {
        Moment::Accounted(chance.random_range(0..records))
    } else {
        Moment::State(WAY[chance.random_range(0..WAY.len())])
    };
    let victim = [
        Victim::Worker,
        Victim::Manager,
        Victim::CoreDms,
        Victim::MetadataStore,
    ][chance.random_range(0..4)];
    (moment, victim)
}

fn spec() -> Value {
    json!({
        "mode": "batch",
        "format": { "type": "csv" },
        "wrangling": [{ "if": "[kind] == \"noise\"", "then": [{ "drop": {} }] }],
        "schema": { "fields": { "id": { "type": "long" }, "kind": { "type": "keyword" }, "amount": { "type": "integer" } } },
        "destination": { "index": "rows" },
    })
}

/// Kills a run's worker, known by its run folder; whether there was one.
fn kill_worker(job: &Job<'_, '_>, run: &RunInfo) -> bool {
    let address = fs::read(job.folder(&run.id).address());
    let Some(worker) = address
        .ok()
        .and_then(|json| serde_json::from_slice::<WorkerAddress>(&json).ok())
    else {
        return false;
    };
    // the process of this number may be another one by now
    let is_there = job.tenant.platform.workers().contains(&worker.pid);
    if is_there {
        signal(worker.pid, Signal::SIGKILL);
    }
    is_there
}

/// Kills; starts again what does not come back by itself. Whether there was anything to kill.
async fn strike(victim: Victim, job: &Job<'_, '_>, run: &RunInfo) -> bool {
    let platform = job.tenant.platform;
    match victim {
        Victim::Worker => kill_worker(job, run),
        Victim::CoreDms => platform.break_core_dms(),
        Victim::MetadataStore if platform.break_metadata_store() => true,
        Victim::Manager | Victim::MetadataStore => {
            platform.kill_manager();
            platform.start_again().await;
            true
        }
    }
}

/// Carries a schedule out; how many of its kills hit somebody.
async fn carry_out(schedule: &Schedule, tenant: &Tenant<'_>) -> u64 {
    let (seed, faulty) = (schedule.seed, schedule.faulty_percent);
    eprintln!("schedule {seed}: {faulty} % faulty, {:?}", schedule.kills);
    tenant.platform.set_dms_faults(schedule.faults());
    let job = tenant.job(&format!("s{}", schedule.seed), &spec()).await;
    job.stage_all(&schedule.inputs).await;
    let run = job.start().await;
    let mut hits = 0;
    for (moment, victim) in &schedule.kills {
        let now = job
            .until(&format!("{moment:?}"), &run, |now| moment.has_come(now))
            .await;
        if now.ended {
            break;
        }
        hits += u64::from(strike(*victim, &job, &now).await);
    }
    let inputs: Vec<&Input> = schedule.inputs.iter().collect();
    let end = job.ends(&run, end_of(&inputs)).await;
    tenant.platform.set_dms_faults(faults::none());
    // a kill while the run was torn down does not hold the run up
    let dms = tenant.platform.dms();
    testkit::wait_until("the core DMS answers", PATIENCE, async || {
        dms.answers().await
    })
    .await;
    job.assert_closed(&end, &inputs).await;
    job.forget().await;
    hits
}

async fn lane(
    configuration: Configuration,
    is_faulty: bool,
    seeds: impl Iterator<Item = u64>,
) -> u64 {
    let options = Options {
        dms_proxy: is_faulty,
        store_proxy: configuration == Configuration::Servers,
        config: "monitor_interval = \"100ms\"\n",
    };
    let platform = Platform::start(configuration, options).await;
    let tenant = platform.tenant("kills").await;
    let mut hits = 0;
    for seed in seeds {
        hits += carry_out(&Schedule::draw(seed), &tenant).await;
    }
    platform.end().await;
    hits
}

/// So many schedules. The embedded core DMS is killed in one lane, and behind a faulty line in the other.
pub async fn schedules(configuration: Configuration, count: u64) {
    let count = std::env::var("KILL_SCHEDULES").map_or(count, |text| text.parse().unwrap());
    let behind_line = configuration == Configuration::Servers;
    let first = testkit::seed();
    let seeds = |lane| {
        (0..count)
            .filter(move |n| n % LANES == lane)
            .map(move |n| first.wrapping_add(n))
    };
    let (one, two) = tokio::join!(
        lane(configuration, behind_line, seeds(0)),
        lane(configuration, true, seeds(1))
    );
    eprintln!("{} kills hit somebody in {count} schedules", one + two);
    assert!(one + two > count, "the runs were over before the kills");
}
