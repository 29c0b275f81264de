//! `ingest job preview` and `ingest job test`.

use std::path::PathBuf;

use clap::Args;
use domain::ids::JobRef;

use crate::names;

/// What to preview.
#[derive(Debug, Clone, Args)]
pub struct PreviewArgs {
    /// Which job; without one, --spec and --file are previewed here, without a manager
    #[arg(value_name = "CLIENT/JOB", value_parser = names::job, required_unless_present_all = ["spec", "file"])]
    pub job: Option<JobRef>,
    /// Another spec than the stored one, YAML or JSON; `-` reads it from standard input
    #[arg(long, value_name = "FILE")]
    pub spec: Option<PathBuf>,
    /// A file of this machine; its beginning is enough
    #[arg(long, value_name = "FILE", conflicts_with = "staged")]
    pub file: Option<PathBuf>,
    /// A staged file [default: the first that a run would take]
    #[arg(long, value_name = "NAME", requires = "job")]
    pub staged: Option<String>,
    /// At most so many records
    #[arg(long, short = 'n', default_value_t = api::DEFAULT_PREVIEW_RECORDS, value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(api::MAX_PREVIEW_RECORDS)))]
    pub records: u32,
    /// Compare with the indices that are in the core DMS
    #[arg(long, requires = "job")]
    pub check_core_dms: bool,
    /// Print the documents as they would be stored
    #[arg(long)]
    pub full: bool,
    /// Folder of the files that steps name, for a preview without a manager
    #[arg(long, value_name = "FOLDER", conflicts_with = "job")]
    pub resources: Option<PathBuf>,
}

/// What to test.
#[derive(Debug, Clone, Args)]
pub struct TestArgs {
    /// A spec's file, YAML or JSON, whose tests are run here, without a manager (`-`: standard input); or a stored job
    #[arg(value_name = "FILE|CLIENT/JOB")]
    pub target: String,
    /// Folder of the files that steps name, for tests without a manager
    #[arg(long, value_name = "FOLDER")]
    pub resources: Option<PathBuf>,
}

/// What to make a first spec for.
#[derive(Debug, Clone, Args)]
pub struct InferArgs {
    /// The file; its beginning is looked at
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The job's name, which becomes its index [default: the file's name up to its first dot]
    #[arg(long, value_name = "JOB")]
    pub name: Option<String>,
    /// Write the spec to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
}

/// Examples of first specs.
pub const INFER_EXAMPLES: &str = "Examples:
  ingest job infer january.csv.gz --name flights --to job.yaml
  ingest job infer access.log | ingest job put acme/access -f -";

/// Examples of previews.
pub const PREVIEW_EXAMPLES: &str = "Examples:
  ingest job preview acme/flights
  ingest job preview acme/flights --spec job.yaml --staged january.csv -n 100 --check-core-dms
  ingest job preview --spec job.yaml --file january.csv.gz --full";
