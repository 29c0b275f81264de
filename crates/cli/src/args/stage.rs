//! `ingest stage`.

use std::path::PathBuf;

use clap::Subcommand;
use domain::ids::JobRef;

use super::PageArgs;
use crate::names;

/// What to do with staged files.
#[derive(Debug, Subcommand)]
pub enum StageCommand {
    /// Upload files; each becomes visible when it has come as a whole, and goes on where it was if it broke off
    Put {
        /// For which job
        #[arg(value_name = "CLIENT/JOB", value_parser = names::job)]
        job: JobRef,
        /// The files; `-` reads standard input
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The name that it shall have in the staging directory, if there is one file [default: its own]
        #[arg(long)]
        name: Option<String>,
    },
    /// List the files that wait
    List {
        /// Of which job
        #[arg(value_name = "CLIENT/JOB", value_parser = names::job)]
        job: JobRef,
        /// Which part of the list
        #[command(flatten)]
        page: PageArgs,
    },
    /// Remove files that wait
    Delete {
        /// Of which job
        #[arg(value_name = "CLIENT/JOB", value_parser = names::job)]
        job: JobRef,
        /// Which files, by their names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
}
