//! The command line's grammar: one file a resource.

mod client;
mod coredms;
mod job;
mod preview;
mod run;
mod serve;
mod stage;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use domain::ids::JobRef;

pub use client::{ClientCommand, InvitationCommand, TokenCommand};
pub use coredms::{CoreDmsArgs, CoreDmsCommand, CoreDmsDownArgs, CoreDmsPlace, CoreDmsUpArgs};
pub use job::{Auth, ImportArgs, JobCommand, RenderArgs};
pub use preview::{InferArgs, PreviewArgs, TestArgs};
pub use run::{RejectsArgs, RunCommand, UndoArgs};
pub use serve::UpArgs;
pub use stage::StageCommand;

use crate::{exit, names};

/// Ingestion with proof: every record of your files accounted for in the core DMS.
#[derive(Debug, Parser)]
#[command(name = "ingest", version, about, after_long_help = exit::help(), max_term_width = 110)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// Address of the manager [default: the one of the home, else http://127.0.0.1:8640]
    #[arg(
        long,
        global = true,
        env = "INGEST_SERVER",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub server: Option<String>,
    /// PEM file of the manager's certificate or its authority, if the web's authorities do not vouch for it
    #[arg(
        long,
        global = true,
        env = "INGEST_CA_FILE",
        hide_env_values = true,
        value_name = "FILE"
    )]
    pub ca_file: Option<PathBuf>,
    /// File that holds the bearer token
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Home folder of the installation [default: ~/.local/share/ingest]
    #[arg(
        long,
        global = true,
        env = "INGEST_HOME",
        hide_env_values = true,
        value_name = "DIR"
    )]
    pub home: Option<PathBuf>,
    /// For whom to write: people, or programs (the API's own JSON)
    #[arg(
        long,
        short,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub output: Format,
}

/// For whom output is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables and sentences, for people.
    #[default]
    Text,
    /// The API's JSON, for programs.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the platform: the managers, and unless others are named, SQLite and the embedded core DMS
    Up(Box<UpArgs>),
    /// A call of the API, or something that needs nobody
    #[command(flatten)]
    Call(Box<Call>),
    /// A worker of one run; started by the manager
    #[command(hide = true, disable_help_flag = true)]
    Worker {
        /// The worker's own arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
    /// The core DMS as real servers: Elasticsearch and Kibana in Docker on this machine
    #[command(subcommand, name = "coredms")]
    CoreDms(CoreDmsCommand),
}

/// What to ask of a manager, or of this program alone.
#[derive(Debug, Subcommand)]
pub enum Call {
    /// Say whether the platform is ready, part by part
    Status,
    /// Clients of the platform and their profiles
    #[command(subcommand)]
    Client(ClientCommand),
    /// Bearer tokens of a client
    #[command(subcommand)]
    Token(TokenCommand),
    /// Invitations: each registers one client, once
    #[command(subcommand)]
    Invitation(InvitationCommand),
    /// Jobs: what is ingested, how, and to where
    #[command(subcommand)]
    Job(JobCommand),
    /// Files that wait to be ingested
    #[command(subcommand)]
    Stage(StageCommand),
    /// Runs of jobs: start, watch, steer, and what they leave
    #[command(subcommand)]
    Run(RunCommand),
    /// Search the documents of a job
    Search(SearchArgs),
    /// Who changed what, and when; the newest first
    Audit(PageArgs),
    /// The operator's plans with their constraints
    Plans,
    /// Print the default configuration file
    Config,
    /// Print the API's description (OpenAPI 3.1)
    Openapi,
    /// Print a shell's completions
    Completions {
        /// Which shell's
        shell: Shell,
    },
}

/// Which part of a list.
#[derive(Debug, Clone, Args)]
pub struct PageArgs {
    /// At most so many entries
    #[arg(long, short = 'n', default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..), value_name = "COUNT")]
    pub limit: u32,
    /// Begin behind this entry: the `next` of the part before
    #[arg(long, value_name = "CURSOR")]
    pub after: Option<String>,
    /// The whole list
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
}

/// What to search for.
#[derive(Debug, Clone, Args)]
pub struct SearchArgs {
    /// Whose documents
    #[arg(value_name = "CLIENT/JOB", value_parser = names::job)]
    pub job: JobRef,
    /// Count the documents by the values of this field, the commonest first
    #[arg(long, value_name = "FIELD")]
    pub by: Option<String>,
    /// Which documents: a query of Elasticsearch's query language, or a whole search body; `-` reads it from standard input
    #[arg(long, short, value_name = "JSON")]
    pub query: Option<String>,
    /// Show at most so many documents, or values with --by
    #[arg(long, short = 'n', default_value_t = 10, value_name = "COUNT")]
    pub limit: u32,
}
