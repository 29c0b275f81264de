//! `ingest run`.

use clap::{Args, Subcommand};
use domain::ids::JobRef;

use super::PageArgs;
use crate::names::{self, RunName};

/// What to do with runs.
#[derive(Debug, Subcommand)]
pub enum RunCommand {
    /// Start a run of a job over the files that wait
    Start {
        /// Which job
        #[arg(value_name = "CLIENT/JOB", value_parser = names::job)]
        job: JobRef,
        /// Wait for its end and say how it ended
        #[arg(long, short)]
        wait: bool,
        /// The same key gives the same run for a day: a start can be asked for again
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
    },
    /// List a job's runs, the newest first
    List {
        /// Of which job
        #[arg(value_name = "CLIENT/JOB", value_parser = names::job)]
        job: JobRef,
        /// Which part of the list
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show a run with its ledger
    Show {
        /// Which run
        #[arg(value_name = "CLIENT/JOB/RUN")]
        run: RunName,
    },
    /// Watch a run to its end
    Watch {
        /// Which run
        #[arg(value_name = "CLIENT/JOB/RUN")]
        run: RunName,
    },
    /// Have a run hold
    Pause {
        /// Which run
        #[arg(value_name = "CLIENT/JOB/RUN")]
        run: RunName,
    },
    /// Have a run go on
    Resume {
        /// Which run
        #[arg(value_name = "CLIENT/JOB/RUN")]
        run: RunName,
    },
    /// Call a run off; what has arrived by then stays and is accounted for
    Cancel {
        /// Which run
        #[arg(value_name = "CLIENT/JOB/RUN")]
        run: RunName,
    },
    /// Have the documents of a run that has ended removed, so that its files can be ingested again
    Undo(UndoArgs),
    /// Start a run over the rejected records of another, under the job's newest spec
    Replay {
        /// Which run's
        #[arg(value_name = "CLIENT/JOB/RUN")]
        run: RunName,
        /// Wait for its end and say how it ended
        #[arg(long, short)]
        wait: bool,
    },
    /// List a run's files with their ledgers
    Files {
        /// Of which run
        #[arg(value_name = "CLIENT/JOB/RUN")]
        run: RunName,
        /// Which part of the list
        #[command(flatten)]
        page: PageArgs,
    },
    /// List rejected records with their places and reasons
    Rejects(RejectsArgs),
    /// Show the report of a run that has ended
    Report {
        /// Of which run
        #[arg(value_name = "CLIENT/JOB/RUN")]
        run: RunName,
        /// Print the self-contained HTML page
        #[arg(long)]
        html: bool,
    },
    /// Print the workers' log
    Logs {
        /// Of which run
        #[arg(value_name = "CLIENT/JOB/RUN")]
        run: RunName,
        /// Its last so many lines
        #[arg(long, default_value_t = 200, value_name = "LINES")]
        tail: u32,
    },
    /// Show the job monitor's samples over time
    Series {
        /// Of which run
        #[arg(value_name = "CLIENT/JOB/RUN")]
        run: RunName,
        /// At most so many, thinned out evenly
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..), value_name = "COUNT")]
        points: u32,
    },
}

/// What to undo.
#[derive(Debug, Args)]
pub struct UndoArgs {
    /// Which run
    #[arg(value_name = "CLIENT/JOB/RUN")]
    pub run: RunName,
    /// Only the documents of this file
    #[arg(long, value_name = "NAME")]
    pub file: Option<String>,
    /// Bring the files that were put away back to the staging directory
    #[arg(long)]
    pub restage: bool,
    /// Say how many documents would go and whose proof would be void, and change nothing
    #[arg(long, conflicts_with_all = ["restage", "wait"])]
    pub dry_run: bool,
    /// Wait until the core DMS holds none of them any more
    #[arg(long, short)]
    pub wait: bool,
}

/// Which rejects.
#[derive(Debug, Args)]
pub struct RejectsArgs {
    /// Of which run
    #[arg(value_name = "CLIENT/JOB/RUN")]
    pub run: RunName,
    /// Group them by cause, the commonest first
    #[arg(long, visible_alias = "summary", conflicts_with_all = ["limit", "after", "all"])]
    pub causes: bool,
    /// With --causes: show so many examples of each
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10), value_name = "COUNT")]
    pub samples: u32,
    /// Which part of the list
    #[command(flatten)]
    pub page: PageArgs,
}
