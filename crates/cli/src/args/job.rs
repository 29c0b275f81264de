//! `ingest job`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use domain::ids::{ClientId, JobId, JobRef, RunId};
use domain::units::Bytes;

use super::PageArgs;
use super::preview::{INFER_EXAMPLES, InferArgs, PREVIEW_EXAMPLES, PreviewArgs, TestArgs};
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
    /// Show what becomes of the first records of a file; nothing is stored
    #[command(after_help = PREVIEW_EXAMPLES)]
    Preview(PreviewArgs),
    /// Run the tests of a spec; exits with 1 if one fails
    Test(TestArgs),
    /// Make a first spec for a file by looking at its beginning; needs no manager
    #[command(after_help = INFER_EXAMPLES)]
    Infer(InferArgs),
    /// List a job's revisions, the newest first
    Revisions {
        /// Which job
        #[arg(value_name = "CLIENT/JOB", value_parser = names::job)]
        job: JobRef,
        /// Which part of the list
        #[command(flatten)]
        page: PageArgs,
    },
    /// Make a job spec of a Logstash configuration; what is not carried over as it is gets listed
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(ImportArgs),
    /// Write a job as a configuration for Logstash; what has no counterpart there gets listed
    #[command(after_help = EXPORT_EXAMPLES)]
    Export {
        /// Which job
        #[arg(value_name = "CLIENT/JOB", value_parser = names::job)]
        job: JobRef,
        /// Write the configuration to this file instead of standard output
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Write the configurations that Filebeat and Logstash are given for a job, whichever engine it uses
    #[command(after_help = RENDER_EXAMPLES)]
    Render(RenderArgs),
    /// Print the JSON Schema of job specs
    Schema,
}

const IMPORT_EXAMPLES: &str = "Examples:
  ingest job import pipeline.conf --to job.yaml
  ingest job import pipeline.conf --client acme --job access-log --put
  ingest job import - --force < pipeline.conf";

const EXPORT_EXAMPLES: &str = "Example:
  ingest job export acme/access-log --to pipeline.conf";

const RENDER_EXAMPLES: &str = "Example:
  ingest job render acme/flights --to flights/ --auth api-key
  ls flights/    # pipeline.conf  logstash.yml  filebeat.yml  docker-compose.yml  .env  frames/  …
  ingest job render acme/flights --to flights/ --url http://host.docker.internal:9200 flights.csv.gz
  docker compose --project-directory flights/ up";

/// What to render, and where to.
#[derive(Debug, Clone, Args)]
pub struct RenderArgs {
    /// Which job
    #[arg(value_name = "CLIENT/JOB", value_parser = names::job)]
    pub job: JobRef,
    /// Files whose records are put into the folder, as Filebeat is to send them
    #[arg(value_name = "FILE", requires = "to")]
    pub files: Vec<PathBuf>,
    /// Write everything that `docker compose up` needs into this folder, new or empty, instead of the
    /// configurations to standard output
    #[arg(long, value_name = "FOLDER")]
    pub to: Option<PathBuf>,
    /// How Logstash is let in by the core DMS; the secrets are variables of its environment
    #[arg(long, value_enum, default_value_t = Auth::None)]
    pub auth: Auth,
    /// The user's name, with `--auth basic`
    #[arg(long, value_name = "NAME", default_value = "elastic")]
    pub user: String,
    /// Address of the core DMS as Logstash reaches it; also in ELASTICSEARCH_URL when it runs
    #[arg(long, value_name = "URL", default_value = "https://localhost:9200")]
    pub url: String,
    /// Threads of Logstash
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    pub workers: u32,
    /// What documents name as their run [default: a new id]
    #[arg(long, value_name = "ID")]
    pub run: Option<RunId>,
    /// Memory of the containers together
    #[arg(long, value_name = "SIZE", default_value = "2GiB")]
    pub memory: Bytes,
}

/// How a core DMS lets Logstash in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    /// It asks for nothing
    None,
    /// User name and password, the latter in ELASTICSEARCH_PASSWORD
    Basic,
    /// An API key: `id:key` in ELASTICSEARCH_API_KEY_PAIR, or its encoded form in ELASTICSEARCH_API_KEY without TLS
    ApiKey,
}

/// What to make a job of.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// The Logstash configuration; `-` reads it from standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Whose job it will be; an index that begins with the client's prefix loses it
    #[arg(long)]
    pub client: Option<ClientId>,
    /// The job's name
    #[arg(long, requires = "client")]
    pub job: Option<JobId>,
    /// Write the spec to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// Put the spec, as `ingest job put` does
    #[arg(long, requires_all = ["client", "job"])]
    pub put: bool,
    /// Go on even if the job would not mean the same
    #[arg(long)]
    pub force: bool,
}
