//! Inputs: what reads, decodes and hands events to the queue.

mod beats;
mod beats_event;
mod discover;
mod file;
mod file_reader;
mod generator;
mod sincedb;
mod stdin;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use wrangling::ast::{Branch, Expr, If, Literal, Operand, Plugin, Statement};
use wrangling::{EcsCompatibility, Field, Violation, field_ref::FieldRef};

use crate::codec::{Decoder, Fields};
use crate::event::{Event, now_ms};
use crate::options::Options;
use crate::receipt::Receipt;
use crate::stats::PluginStats;

/// Options that every input has.
const COMMON: &[&str] = &[
    "add_field",
    "codec",
    "ecs_compatibility",
    "enable_metric",
    "id",
    "tags",
    "type",
];

/// What inputs are told about the pipeline.
#[derive(Debug, Clone)]
pub struct InputContext {
    /// The pipeline's field names.
    pub ecs: EcsCompatibility,
    /// Folder for what must outlive the process.
    pub data: PathBuf,
    /// Serves connections.
    pub runtime: Handle,
}

/// An input that runs until its data ends or it is stopped.
pub trait Input: Send {
    /// Reads to the end, in a thread of its own.
    fn run(self: Box<Self>, feed: Feed);
}

/// Compiles an input.
///
/// # Errors
/// For a plugin that is not known, and for its options.
pub fn compile(plugin: &Plugin, context: &InputContext) -> Result<Box<dyn Input>, Violation> {
    let read = |own: &[&str]| Options::new(plugin, &[own, COMMON]);
    match plugin.name.as_str() {
        "beats" => Ok(Box::new(beats::Beats::compile(
            read(beats::OPTIONS)?,
            context,
        )?)),
        "stdin" => Ok(Box::new(stdin::Stdin::compile(read(&[])?, context)?)),
        "generator" => {
            let options = read(generator::OPTIONS)?;
            Ok(Box::new(generator::Generator::compile(options, context)?))
        }
        "file" => {
            let options = read(file::OPTIONS)?;
            Ok(Box::new(file::File::compile(options, context)?))
        }
        other => {
            let allowed = "beats, file, generator, stdin";
            let message = match other {
                "kafka" => format!(
                    "the input `kafka` is not offered yet by `ingestworker logstash`; allowed: {allowed}"
                ),
                _ => format!("the input `{other}` does not run here; allowed: {allowed}"),
            };
            Err(Violation::new(
                plugin.at.0.clone(),
                "unsupported_input",
                message,
            ))
        }
    }
}

/// The codec of an input.
fn codec(
    options: Options<'_>,
    default: &str,
    streaming: bool,
    context: &InputContext,
) -> Result<Decoder, Violation> {
    let codec = options.codec(default)?;
    Decoder::compile(&codec, streaming, context.ecs)
}

/// Statements for what all inputs can do to their events: `type`, `add_field`, `tags`.
pub fn decorations(plugin: &Plugin) -> Vec<Statement> {
    let option = |name: &str| plugin.options.iter().find(|(known, _)| known == name);
    let mutate = |options: Vec<(String, Literal)>| {
        Statement::Plugin(Plugin {
            name: "mutate".to_owned(),
            options,
            at: plugin.at.clone(),
        })
    };
    let mut statements = Vec::new();
    if let (Some((name, kind)), Ok(field)) = (option("type"), FieldRef::parse("type")) {
        let members = vec![(name.clone(), kind.clone())];
        let set = mutate(vec![("add_field".to_owned(), Literal::Hash(members))]);
        statements.push(Statement::If(If {
            branches: vec![Branch {
                condition: Expr::Not(Box::new(Expr::Truthy(Operand::Field(field)))),
                body: vec![set],
                at: plugin.at.clone(),
            }],
            otherwise: Vec::new(),
        }));
    }
    let added = [("add_field", "add_field"), ("tags", "add_tag")];
    let options: Vec<(String, Literal)> = added
        .iter()
        .filter_map(|(from, to)| Some(((*to).to_owned(), option(from)?.1.clone())))
        .collect();
    if !options.is_empty() {
        statements.push(mutate(options));
    }
    if plugin.name == "beats" {
        statements.extend(beats_event::tagging(&plugin.at));
    }
    statements
}

/// Where an input puts its events, and learns that it must end.
#[derive(Debug, Clone)]
pub struct Feed {
    /// The input's number.
    pub source: u32,
    /// The queue.
    pub queue: SyncSender<Vec<Event>>,
    /// Set when the pipeline must end.
    pub stop: Arc<AtomicBool>,
    /// Counts the events.
    pub stats: Arc<PluginStats>,
    /// Most events at once.
    pub batch: usize,
}

impl Feed {
    /// Whether the input must end.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Hands over events, in order; waits while the queue is full. What cannot be handed over because all workers are
    /// gone is lost with them.
    pub fn send(&self, events: &mut Vec<Fields>, defaults: &Arc<[(String, Field)]>) {
        self.send_receipted(events, defaults, None);
    }

    /// As [`Self::send`], for events whose sender wants to know when they are written.
    pub fn send_receipted(
        &self,
        events: &mut Vec<Fields>,
        defaults: &Arc<[(String, Field)]>,
        receipt: Option<Arc<Receipt>>,
    ) {
        if events.is_empty() {
            return;
        }
        let at_ms = now_ms();
        let began = Instant::now();
        let count = events.len() as u64;
        // before the workers can be done with them
        self.stats.add(count, count, Duration::ZERO);
        let mut events = events.drain(..).map(|fields| Event {
            source: self.source,
            at_ms,
            fields,
            defaults: Arc::clone(defaults),
            receipt: receipt.clone(),
        });
        loop {
            let batch: Vec<Event> = events.by_ref().take(self.batch).collect();
            if batch.is_empty() || self.queue.send(batch).is_err() {
                break;
            }
        }
        self.stats.add(0, 0, began.elapsed());
    }
}
