//! Logstash's own face: runs a pipeline file as Logstash would.
//!
//! The language, its filters and what they do are those of [`wrangling`]. This crate adds what surrounds them: the
//! command line ([`main`]), codecs, inputs, outputs, the queue with its workers, and the HTTP API.
//!
//! An event goes: input, codec → queue → worker (the input's `add_field`, `tags` and `type`, the filters, the outputs'
//! conditionals, all one compiled program) → encoder → output. Events of an input whose senders wait for an answer carry a
//! receipt: with the last event of a window that was written, the outputs are made durable and the window is acknowledged.

mod api;
mod codec;
mod config;
pub mod dead_letters;
mod event;
mod input;
mod options;
mod output;
mod pipeline;
mod receipt;
mod runtime;
mod settings;
mod settings_file;
mod stats;
mod worker;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::Parser;
use sha2::{Digest, Sha256};
use wrangling::{Environment, Resources};

use config::{ConfigError, Source};
use input::InputContext;
use output::OutputContext;
use pipeline::Pipeline;
use settings::{Flags, Settings};

/// Runs with the arguments of a command line; the first one is the program's name.
pub fn main(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let arguments = arguments.into_iter().map(Into::into).collect();
    let arguments = match settings_file::with_file(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let flags = match Flags::try_parse_from(arguments) {
        Ok(flags) => flags,
        Err(error) => error.exit(),
    };
    if flags.version {
        println!("logstash {}", env!("CARGO_PKG_VERSION"));
        return ExitCode::SUCCESS;
    }
    let log = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(flags.log.filter());
    // a log that is set up already stays
    let _set = log.try_init();
    match run(&flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Why a run ended with an error.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Settings(String),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

fn run(flags: &Flags) -> Result<(), Error> {
    let source = Source::read(flags.config.as_deref(), flags.text.as_deref())?;
    let digest = Sha256::digest(&source.text);
    let hash = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut settings = Settings::new(flags, hash).map_err(Error::Settings)?;
    let requests = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let environment = Environment {
        clock_ms: event::now_ms(),
        ecs_compatibility: flags.ecs.into(),
        resources: Resources::Anywhere,
        variables: variables(),
        count_filters: true,
        ..Environment::default()
    };
    let input_context = InputContext {
        ecs: flags.ecs.into(),
        data: flags.data.clone(),
        runtime: requests.handle().clone(),
    };
    let output_context = OutputContext {
        ecs: flags.ecs.into(),
        dead_letters: flags.dead_letters(),
        runtime: requests.handle().clone(),
    };
    let (pipeline, inputs) =
        Pipeline::compile(&source, &environment, &input_context, &output_context)?;
    let filters = pipeline.filter_infos.iter();
    for own in filters.filter(|filter| wrangling::is_own_filter(&filter.name)) {
        tracing::warn!(
            id = own.id,
            "Logstash itself does not have the filter {}",
            own.name
        );
    }
    if flags.test {
        println!("Configuration OK");
        return Ok(());
    }
    if pipeline.program.is_ordered() && settings.workers > 1 {
        tracing::warn!("a filter remembers events: one worker runs the pipeline");
        settings.workers = 1;
    }
    let stop = Arc::new(AtomicBool::new(false));
    requests.spawn(runtime::stop_on_signals(Arc::clone(&stop)));
    Ok(runtime::run(&pipeline, inputs, &settings, &stop)?)
}

/// The process's environment; what is no text is left out.
fn variables() -> std::collections::BTreeMap<String, String> {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}
