//! The worker process: takes its order from the run folder, carries it out, says how it ended.

mod folder;
mod live;
mod monitor;
mod pipeline;
mod plane;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use domain::error::Failure;
use domain::spec::EngineKind;
use domain::units::Bytes;
use domain::worker::{ExitKind, RunFolder, WorkOrder, WorkerExit};
use tokio::signal::unix::{SignalKind, signal};

use crate::audit;
use crate::control::{Control, Ending};
use crate::files::{read_indices, write_json};
use crate::limits;
use crate::meter::{Meter, now_ms};
use crate::preview::preview;
use folder::Locked;
pub(crate) use folder::{manifest, order};
pub use live::Live;
use pipeline::Pipeline;
pub use pipeline::{compile, environment};
pub(crate) use pipeline::{compiled, max_record, under_way};
pub use plane::{Gauges, Plane, Shell};

/// What is under way has so much time to finish when the worker is to stop for a while.
const SUSPEND_GRACE: Duration = Duration::from_secs(5);
/// What a worker may use itself that has others move the records.
const CONDUCTOR_MEMORY: Bytes = Bytes::mib(512);
/// And when the run is called off: so long without any answer, as nobody will look up later what became of it.
const CANCEL_GRACE: Duration = Duration::from_secs(20);

/// A worker of one run. Started by the manager; by hand only to look at a run folder again.
#[derive(Debug, Parser)]
#[command(name = "ingestworker", version)]
struct Arguments {
    /// The run folder, with its work order.
    #[arg(long)]
    folder: PathBuf,
    /// Number of this launch, from 1.
    #[arg(long)]
    attempt: u32,
    /// Instead of working: print, as JSON, which documents of these files (by key) the core DMS does not hold, though the
    /// ledger says that they were created.
    #[arg(long, value_name = "FILE_KEY")]
    audit: Vec<String>,
    /// At most so many of each file.
    #[arg(long, default_value_t = 1000)]
    audit_limit: usize,
    /// Instead of working: print, as JSON, what becomes of the first records, in a folder that was laid out for it.
    #[arg(long)]
    preview: bool,
    /// Instead of working: remove what a worker that was killed has left, besides the run folder.
    #[arg(long)]
    clear: bool,
}

/// The process's entry: `args` begins with the program's name. `elastic` does the orders whose engine is the elastic one.
pub fn main(args: impl IntoIterator<Item = OsString>, elastic: &dyn Plane) -> ExitCode {
    let arguments = match Arguments::try_parse_from(args) {
        Ok(arguments) => arguments,
        Err(error) => {
            // its own text: usage to standard error, help to standard output
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let ended = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|e| crate::worker_defect(&format!("no runtime: {e}")))
        .and_then(|runtime| runtime.block_on(start(arguments, elastic)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tracing::error!(code = failure.code, "{failure}");
            ExitCode::FAILURE
        }
    }
}

async fn start(arguments: Arguments, elastic: &dyn Plane) -> Result<(), Failure> {
    let folder = RunFolder::new(arguments.folder);
    if !arguments.audit.is_empty() {
        let order = folder::order(&folder)?;
        return audit::print(&folder, &order, &arguments.audit, arguments.audit_limit).await;
    }
    if arguments.preview {
        return tell(&folder);
    }
    let _lock = Locked::take(&folder)?;
    if arguments.clear {
        return elastic.clear(&folder, &folder::order(&folder)?).await;
    }
    let ended = match folder::order(&folder) {
        Ok(order) => work(&folder, order, arguments.attempt, elastic).await,
        Err(failure) => Err(failure),
    };
    let exit = exit(&folder, arguments.attempt, ended)?;
    tracing::info!(attempt = arguments.attempt, ledger = ?exit.ledger, "ended: {:?}", exit.kind);
    write_json(&folder.exit(), &exit)
}

/// Prints a preview, within limits that are set here, or why there is none.
fn tell(folder: &RunFolder) -> Result<(), Failure> {
    limits::confine(order(folder)?.memory);
    let told = serde_json::to_string(&preview(folder));
    let told = told.map_err(|e| crate::worker_defect(&e.to_string()))?;
    println!("{told}");
    Ok(())
}

/// The last words: how it ended, and the sums as they are durably known.
fn exit(
    folder: &RunFolder,
    attempt: u32,
    ended: Result<ExitKind, Failure>,
) -> Result<WorkerExit, Failure> {
    let kind = ended.unwrap_or_else(|failure| ExitKind::Failed { failure });
    let ledger = crate::checkpoint::Checkpoint::load(folder)?.ledger();
    let indices = read_indices(folder)?.into_iter().collect();
    Ok(WorkerExit {
        attempt,
        kind,
        ledger,
        indices,
        at_ms: now_ms(),
    })
}

/// Carries the order out.
async fn work(
    folder: &RunFolder,
    order: WorkOrder,
    attempt: u32,
    elastic: &dyn Plane,
) -> Result<ExitKind, Failure> {
    limits::apply(&order);
    let control = Arc::new(Control::default());
    if order.hold {
        control.pause();
    }
    let memory = match order.spec.engine {
        EngineKind::Native => order.memory,
        // the order's is for what it has work for it
        EngineKind::Elastic => CONDUCTOR_MEMORY,
    };
    limits::watch(memory, Arc::clone(&control));
    let (meter, totals) = (Arc::<Meter>::default(), folder::totals(folder)?);
    let shown = |gauges| {
        let shared = (Arc::clone(&control), Arc::clone(&meter));
        Arc::new(Live::new(&order, attempt, totals, gauges, shared))
    };
    let desk = Desk {
        folder,
        attempt,
        orphan_after: order.orphan_after.duration(),
        control: &control,
    };
    match order.spec.engine {
        EngineKind::Native => {
            let (control, meter) = (Arc::clone(&control), Arc::clone(&meter));
            let pipeline = Pipeline::open(folder, &order, control, meter)?;
            let live = shown(pipeline.gauges());
            desk.attend(&live, pipeline.run(Arc::clone(&live))).await
        }
        EngineKind::Elastic => {
            let live = shown(elastic.gauges());
            let shell = Shell {
                folder: folder.clone(),
                order: Arc::new(order),
                control: Arc::clone(&control),
                live: Arc::clone(&live),
            };
            desk.attend(&live, elastic.run(shell)).await
        }
    }
}

/// Where the manager is listened to while the work is done.
struct Desk<'a> {
    folder: &'a RunFolder,
    attempt: u32,
    orphan_after: Duration,
    control: &'a Arc<Control>,
}

impl Desk<'_> {
    async fn attend(
        &self,
        live: &Arc<Live>,
        work: impl Future<Output = Result<bool, Failure>>,
    ) -> Result<ExitKind, Failure> {
        let monitor = monitor::start(self.folder, self.attempt, Arc::clone(live)).await?;
        let (control, watched) = (Arc::clone(self.control), Arc::clone(live));
        let watcher = tokio::spawn(wind_down(control, watched, self.orphan_after));
        let complete = work.await;
        watcher.abort();
        // the last status can still be asked for while the exit is written
        live.finish();
        let kind = how_it_ended(self.control, complete?);
        monitor.stop(false).await;
        Ok(kind)
    }
}

/// `complete`: every file stands in the book.
fn how_it_ended(control: &Control, complete: bool) -> ExitKind {
    let cut_short = control.abandoned().is_cancelled();
    match control.ending() {
        Some(Ending::Failed(failure)) => ExitKind::Failed { failure },
        _ if complete => ExitKind::Drained,
        Some(Ending::BudgetExceeded(message)) => ExitKind::BudgetExceeded { message },
        Some(Ending::Suspended | Ending::Cancelled) if cut_short => ExitKind::Failed {
            failure: cut_short_in_the_middle(),
        },
        Some(Ending::Suspended) => ExitKind::Suspended,
        Some(Ending::Cancelled) => ExitKind::Cancelled,
        None => ExitKind::Failed {
            failure: crate::worker_defect(
                "it stopped before every file was read, and nobody told it to",
            ),
        },
    }
}

fn cut_short_in_the_middle() -> Failure {
    let message = "the worker was told to stop while the core DMS did not answer: what was under way may have arrived or not";
    Failure::transient(
        "stopped_in_the_middle",
        domain::error::Culprit::CoreDms,
        message,
        "nothing has to be done: it is found out by the next worker, or the next run",
    )
}

/// Ends the worker when it is told to by a signal or nobody asks for it any more, and cuts short what does not finish.
async fn wind_down(control: Arc<Control>, live: Arc<Live>, orphan_after: Duration) {
    tokio::select! {
        () = control.stopping().cancelled() => {}
        () = terminated() => control.end(Ending::Suspended),
        () = live.orphaned(orphan_after) => {
            tracing::warn!("no manager has asked for {orphan_after:?}: saving and ending");
            control.end(Ending::Suspended);
        }
    }
    let grace = match control.ending() {
        Some(Ending::Suspended) => SUSPEND_GRACE,
        Some(Ending::Cancelled) => return live.cancelled_later(CANCEL_GRACE).await,
        // these have to know what became of everything; a cancellation may still follow
        Some(Ending::BudgetExceeded(_)) | None => return live.cancelled_later(CANCEL_GRACE).await,
        Some(Ending::Failed(_)) => return,
    };
    tokio::time::sleep(grace).await;
    control.abandon();
}

async fn terminated() {
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            terminate.recv().await;
        }
        Err(error) => {
            tracing::warn!(%error, "SIGTERM cannot be waited for");
            std::future::pending::<()>().await;
        }
    }
}
