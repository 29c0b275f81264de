//! The manager, and the worker that conducts the containers, are killed at every stage of a run: in the end the ledgers are
//! closed, no document is missing or doubled, and nothing is left in Docker.

use std::fs;

use api::RunInfo;
use domain::{run::RunState, spec::EngineKind, worker::WorkerAddress};
use nix::sys::signal::Signal;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::bench::{assert_nothing_left, input, platform, spec};
use crate::harness::{Input, Job, Options, Tenant, WAY, end_of, has_come_to, signal};

/// Runs under way at once, each on a platform of its own.
const LANES: u64 = 2;

/// When somebody is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// The run has come to this state, or beyond it.
    State(RunState),
    /// The first containers of the run are there.
    ContainersUp,
    /// So many records went their way, as the counters say.
    Accounted(u64),
}

impl Moment {
    fn draw(chance: &mut StdRng, records: u64) -> Self {
        match chance.random_range(0..10) {
            0..4 => Self::State(WAY[chance.random_range(0..WAY.len())]),
            4..6 => Self::ContainersUp,
            _ => Self::Accounted(chance.random_range(0..records)),
        }
    }

    fn has_come(self, job: &Job<'_, '_>, run: &RunInfo) -> bool {
        let mark = job.folder(&run.id).path().join("containers.json");
        match self {
            Self::State(state) => has_come_to(state, run),
            Self::ContainersUp => run.ended || mark.exists(),
            Self::Accounted(records) => run.ended || run.ledger.accounted() > records,
        }
    }
}

async fn carry_out(seed: u64, tenant: &Tenant<'_>) -> u64 {
    let mut chance = StdRng::seed_from_u64(seed);
    let inputs = [
        input("a.csv", chance.random_range(1_000..4_000)),
        input("b.csv.gz", chance.random_range(1..2_000)),
    ];
    let inputs: Vec<&Input> = inputs.iter().collect();
    let records = inputs.iter().map(|it| it.records.len() as u64).sum();
    let moment = Moment::draw(&mut chance, records);
    let spares_worker = chance.random_bool(0.7);
    eprintln!(
        "seed {seed}: {moment:?}, the worker too: {}",
        !spares_worker
    );
    let job = tenant
        .job(&format!("s{seed}"), &spec(EngineKind::Elastic))
        .await;
    job.stage_all(inputs.iter().copied()).await;
    let run = job.start().await;
    let now = job
        .until(&format!("{moment:?}"), &run, |now| {
            moment.has_come(&job, now)
        })
        .await;
    let hit = !now.ended;
    if hit {
        let platform = job.tenant.platform;
        platform.kill_manager();
        if !spares_worker {
            kill_worker(&job, &now);
        }
        platform.start_again().await;
    }
    let end = job.ends(&run, end_of(&inputs)).await;
    job.assert_closed(&end, &inputs).await;
    job.forget().await;
    u64::from(hit)
}

fn kill_worker(job: &Job<'_, '_>, run: &RunInfo) {
    let address = fs::read(job.folder(&run.id).address()).ok();
    let worker = address.and_then(|json| serde_json::from_slice::<WorkerAddress>(&json).ok());
    // the process of this number may be another one by now
    let workers = job.tenant.platform.workers();
    if let Some(worker) = worker.filter(|it| workers.contains(&it.pid)) {
        signal(worker.pid, Signal::SIGKILL);
    }
}

async fn lane(seeds: impl Iterator<Item = u64>) -> u64 {
    let options = Options {
        config: "monitor_interval = \"100ms\"\n",
        ..Options::default()
    };
    let platform = platform(options).await;
    let tenant = platform.tenant("kills").await;
    let mut hits = 0;
    for seed in seeds {
        hits += carry_out(seed, &tenant).await;
        assert_nothing_left(&platform).await;
    }
    platform.end().await;
    hits
}

/// So many kills.
pub async fn schedules(count: u64) {
    let first = testkit::seed();
    let seeds = |lane| {
        let mine = (0..count).filter(move |n| n % LANES == lane);
        mine.map(move |n| first.wrapping_add(n))
    };
    let (one, two) = tokio::join!(lane(seeds(0)), lane(seeds(1)));
    eprintln!("{} kills hit a run in {count}", one + two);
    assert!(
        2 * (one + two) > count,
        "the runs were over before the kills"
    );
}
