//! Outputs: what encodes events and brings them to where they go.

mod action;
mod address;
mod bulk_stats;
mod elasticsearch;
mod file;
mod file_writer;
mod refusal;
mod ruby;
mod stdout;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use wrangling::ast::Plugin;
use wrangling::{EcsCompatibility, Violation};

pub use bulk_stats::BulkStats;

use crate::codec::Encoder;
use crate::dead_letters::Queue;
use crate::options::Options;

/// Options that every output has.
const COMMON: &[&str] = &[
    "codec",
    "ecs_compatibility",
    "enable_metric",
    "id",
    "workers",
];

/// So often outputs look what is due.
pub const TICK: Duration = Duration::from_millis(250);

/// What outputs are told about the pipeline.
#[derive(Debug, Clone)]
pub struct OutputContext {
    /// The pipeline's field names.
    pub ecs: EcsCompatibility,
    /// Where refused events go; `None` if they are only logged.
    pub dead_letters: Option<Arc<Queue>>,
    /// Carries out requests.
    pub runtime: Handle,
}

/// An event, encoded, with the texts that the output asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The encoded event.
    pub data: Vec<u8>,
    /// The texts, in the order asked for.
    pub texts: Vec<String>,
}

impl Item {
    /// The text of this number.
    fn text(&self, number: usize) -> &str {
        self.texts.get(number).map_or("", String::as_str)
    }
}

/// What became of some events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Whether an event is neither where it should be nor refused for good.
    pub lost: bool,
}

/// Where events go. Workers share it.
pub trait Output: Send + Sync {
    /// Brings events there; comes back when that is done or cannot be done.
    fn write(&self, items: Vec<Item>) -> Written;
    /// Makes all that was written outlive a crash; false if that cannot be done.
    fn persist(&self) -> bool {
        true
    }
    /// Does what is due at its time, whether events come or not; called every [`TICK`].
    fn tick(&self) {}
    /// No more events will come.
    fn close(&self) {}
}

/// A compiled output.
pub struct Outlet {
    /// Encodes events.
    pub encoder: Encoder,
    /// Texts wanted of each event; may hold sprintf references.
    pub texts: Vec<String>,
    /// Where the events go.
    pub output: Box<dyn Output>,
    /// What the elasticsearch output counts.
    pub bulk: Option<Arc<BulkStats>>,
}

/// Compiles the output of this id.
///
/// # Errors
/// For a plugin that is not known, and for its options.
pub fn compile(plugin: &Plugin, id: &str, context: &OutputContext) -> Result<Outlet, Violation> {
    let read = |own: &[&str]| Options::new(plugin, &[own, COMMON]);
    let encoder = |options: Options<'_>, default: &str, texts: &mut Vec<String>| {
        Encoder::compile(&options.codec(default)?, texts)
    };
    let mut texts = Vec::new();
    match plugin.name.as_str() {
        "stdout" => {
            let encoder = encoder(read(&[])?, "rubydebug", &mut texts)?;
            let output = Box::new(stdout::Stdout);
            Ok(Outlet {
                encoder,
                texts,
                output,
                bulk: None,
            })
        }
        "null" | "sink" => {
            let encoder = encoder(read(&[])?, "dots", &mut texts)?;
            let output = Box::new(Null);
            Ok(Outlet {
                encoder,
                texts,
                output,
                bulk: None,
            })
        }
        "file" => {
            let options = read(file::OPTIONS)?;
            let output = Box::new(file::File::compile(options, &mut texts)?);
            let encoder = encoder(options, "json_lines", &mut texts)?;
            Ok(Outlet {
                encoder,
                texts,
                output,
                bulk: None,
            })
        }
        "elasticsearch" => {
            let options = read(elasticsearch::OPTIONS)?;
            let output = elasticsearch::Elasticsearch::compile(options, id, &mut texts, context)?;
            let delimiter = String::new();
            Ok(Outlet {
                encoder: Encoder::Json { delimiter },
                texts,
                bulk: Some(output.stats()),
                output: Box::new(output),
            })
        }
        other => {
            let message = format!(
                "the output `{other}` does not run here; allowed: elasticsearch, file, null, sink, stdout"
            );
            Err(Violation::new(
                plugin.at.0.clone(),
                "unsupported_output",
                message,
            ))
        }
    }
}

/// Throws events away.
struct Null;

impl Output for Null {
    fn write(&self, _: Vec<Item>) -> Written {
        Written::default()
    }
}
