//! Settings of a run, from the command line.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Parser, ValueEnum};
use wrangling::EcsCompatibility;

use crate::dead_letters::Queue;

/// Runs a Logstash pipeline.
#[derive(Debug, Clone, Parser)]
#[command(
    args_override_self = true,
    name = "logstash",
    disable_version_flag = true
)]
pub struct Flags {
    /// Configuration: a file, a folder, or a pattern of files; several are put together in the order of their names.
    #[arg(short = 'f', long = "path.config", value_name = "PATH")]
    pub config: Option<String>,
    /// Configuration as text.
    #[arg(short = 'e', long = "config.string", value_name = "TEXT")]
    pub text: Option<String>,
    /// Check the configuration, say what is wrong with it, and exit.
    #[arg(short = 't', long = "config.test_and_exit")]
    pub test: bool,
    /// Whether field names follow the Elastic Common Schema.
    #[arg(long = "pipeline.ecs_compatibility", value_enum, default_value = "v8")]
    pub ecs: Ecs,
    /// Threads that run filters and outputs [default: as many as there are cores].
    #[arg(short = 'w', long = "pipeline.workers", value_name = "COUNT")]
    pub workers: Option<usize>,
    /// Most events that a worker takes at once.
    #[arg(
        short = 'b',
        long = "pipeline.batch.size",
        value_name = "COUNT",
        default_value_t = 125
    )]
    pub batch_size: usize,
    /// How long a worker waits for a batch to fill; it does not wait here.
    #[arg(
        short = 'u',
        long = "pipeline.batch.delay",
        value_name = "MILLISECONDS",
        hide = true
    )]
    pub batch_delay: Option<u64>,
    /// Whether events keep their order: `true` needs one worker, `auto` keeps it with one worker.
    #[arg(long = "pipeline.ordered", value_enum, default_value = "auto")]
    pub ordered: Ordered,
    /// The pipeline's id.
    #[arg(long = "pipeline.id", value_name = "ID", default_value = "main")]
    pub id: String,
    /// This node's name [default: the machine's].
    #[arg(short = 'n', long = "node.name", value_name = "NAME")]
    pub node: Option<String>,
    /// Folder of `logstash.yml`, with settings that the command line does not give.
    #[arg(long = "path.settings", value_name = "FOLDER")]
    pub settings: Option<PathBuf>,
    /// Folder for what must outlive the process.
    #[arg(long = "path.data", value_name = "FOLDER", default_value = "data")]
    pub data: PathBuf,
    /// Whether events that Elasticsearch refuses for good are kept in the dead letter queue; otherwise they are logged.
    #[arg(long = "dead_letter_queue.enable", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub dead_letters: bool,
    /// Folder of the dead letter queues, a folder a pipeline [default: `dead_letter_queue` in `path.data`].
    #[arg(long = "path.dead_letter_queue", value_name = "FOLDER")]
    pub dead_letters_folder: Option<PathBuf>,
    /// Most bytes of a dead letter queue; when it is full, newer events are dropped.
    #[arg(
        long = "dead_letter_queue.max_bytes",
        value_name = "SIZE",
        default_value = "1024mb",
        value_parser = bytes
    )]
    pub dead_letters_bytes: u64,
    /// Address that the API listens at.
    #[arg(
        long = "api.http.host",
        value_name = "ADDRESS",
        default_value = "127.0.0.1"
    )]
    pub api_host: String,
    /// Port of the API, or a range, of which the first free one is taken.
    #[arg(
        long = "api.http.port",
        value_name = "PORT",
        default_value = "9600-9700"
    )]
    pub api_port: String,
    /// Whether there is an API.
    #[arg(long = "api.enabled", value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    pub api: bool,
    /// What is logged, to standard error.
    #[arg(long = "log.level", value_enum, default_value = "warn")]
    pub log: Level,
    /// Show the version.
    #[arg(short = 'V', long = "version")]
    pub version: bool,
}

/// A number of bytes as Logstash's settings tell it: `1024mb`, in powers of 1024.
fn bytes(text: &str) -> Result<u64, String> {
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let power = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" => 1,
        "m" | "mb" => 2,
        "g" | "gb" => 3,
        "t" | "tb" => 4,
        "p" | "pb" => 5,
        _ => return Err("expected a size like `1024mb`".to_owned()),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| "expected a size like `1024mb`".to_owned())?;
    number
        .checked_mul(1024_u64.pow(power))
        .ok_or_else(|| "the size is too large".to_owned())
}

impl Flags {
    /// The pipeline's dead letter queue, if it has one.
    pub fn dead_letters(&self) -> Option<Arc<Queue>> {
        let folder = match &self.dead_letters_folder {
            Some(folder) => folder.clone(),
            None => self.data.join("dead_letter_queue"),
        };
        let queue = || Queue::new(folder.join(&self.id), self.dead_letters_bytes);
        self.dead_letters.then(|| Arc::new(queue()))
    }
}

/// Names of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Ecs {
    /// Those of the Elastic Common Schema, version 8.
    V8,
    /// The same here.
    V1,
    /// Those from before the schema.
    Disabled,
}

impl From<Ecs> for EcsCompatibility {
    fn from(ecs: Ecs) -> Self {
        match ecs {
            Ecs::V8 | Ecs::V1 => Self::V8,
            Ecs::Disabled => Self::Disabled,
        }
    }
}

/// Whether the order of events is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Ordered {
    /// With one worker.
    Auto,
    /// Yes; more than one worker is refused.
    True,
    /// No.
    False,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// What ends the run.
    Fatal,
    /// What goes wrong.
    Error,
    /// What may go wrong.
    Warn,
    /// What happens.
    Info,
    /// Details.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    /// The level of the log.
    pub fn filter(self) -> tracing_subscriber::filter::LevelFilter {
        use tracing_subscriber::filter::LevelFilter;
        match self {
            Self::Fatal | Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

/// Settings of a run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Threads that run filters and outputs.
    pub workers: usize,
    /// Most events a worker takes at once.
    pub batch_size: usize,
    /// The pipeline's id.
    pub pipeline_id: String,
    /// Digest of the configuration.
    pub hash: String,
    /// The node's name.
    pub node_name: String,
    /// Whether there is an API.
    pub api: bool,
    /// Where it listens.
    pub api_host: String,
    /// Ports that it may take, in order.
    pub api_ports: std::ops::RangeInclusive<u16>,
}

impl Settings {
    /// Settings from flags; `hash` is that of the configuration.
    ///
    /// # Errors
    /// Which flag is wrong, and why.
    pub fn new(flags: &Flags, hash: String) -> Result<Self, String> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = flags.workers.unwrap_or(match flags.ordered {
            Ordered::True => 1,
            _ => cores,
        });
        if workers == 0 || flags.batch_size == 0 {
            return Err("workers and batches must be at least 1".to_owned());
        }
        if flags.ordered == Ordered::True && workers > 1 {
            return Err("`--pipeline.ordered true` needs `--pipeline.workers 1`".to_owned());
        }
        let (first, last) = flags
            .api_port
            .split_once('-')
            .unwrap_or((&flags.api_port, &flags.api_port));
        let (Ok(first), Ok(last)) = (first.trim().parse(), last.trim().parse()) else {
            return Err(format!(
                "`{}` is neither a port nor a range of ports",
                flags.api_port
            ));
        };
        Ok(Self {
            workers,
            batch_size: flags.batch_size,
            pipeline_id: flags.id.clone(),
            hash,
            node_name: flags.node.clone().unwrap_or_else(crate::event::hostname),
            api: flags.api,
            api_host: flags.api_host.clone(),
            api_ports: first..=last,
        })
    }
}
