//! `ingest job`.

use std::path::PathBuf;

use clap::Subcommand;
use domain::ids::{ClientId, JobRef};

use super::PageArgs;
use crate::names;

/// What to do with jobs.
#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// Put a job's spec: makes the job, or a new revision of it, or nothing if it says the same
    Put {
        /// The job's name
        #[arg(value_name = "CLIENT/JOB", value_parser = names::job)]
        job: JobRef,
        /// The spec, YAML or JSON; `-` reads it from standard input
        #[arg(long, short, value_name = "FILE")]
        file: PathBuf,
    },
    /// Print a job's spec, as it can be put again
    Get {
        /// Which job
        #[arg(value_name = "CLIENT/JOB", value_parser = names::job)]
        job: JobRef,
        /// Which revision [default: the newest]
        #[arg(long, value_name = "NUMBER")]
        revision: Option<u32>,
    },
    /// List a client's jobs
    List {
        /// Whose
        client: ClientId,
        /// Which part of the list
        #[command(flatten)]
        page: PageArgs,
    },
    /// Remove a job with its staged files and its runs (its documents stay)
    Delete {
        /// Which job
        #[arg(value_name = "CLIENT/JOB", value_parser = names::job)]
        job: JobRef,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Say everything that is wrong with a spec; nothing is stored
    Validate {
        /// The job that it is for
        #[arg(value_name = "CLIENT/JOB", value_parser = names::job)]
        job: JobRef,
        /// The spec, YAML or JSON; `-` reads it from standard input [default: the stored one]
        #[arg(long, short, value_name = "FILE")]
        file: Option<PathBuf>,
        /// Print the index template that follows from it
        #[arg(long)]
        template: bool,
    },
    /// List a job's revisions, the newest first
    Revisions {
        /// Which job
        #[arg(value_name = "CLIENT/JOB", value_parser = names::job)]
        job: JobRef,
        /// Which part of the list
        #[command(flatten)]
        page: PageArgs,
    },
    /// Print the JSON Schema of job specs
    Schema,
}
