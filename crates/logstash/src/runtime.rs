//! Runs a pipeline from its first event to its last.

use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::signal::unix::{SignalKind, signal};

use crate::api::{self, Api};
use crate::event::Event;
use crate::input::{Feed, Input};
use crate::output::TICK;
use crate::pipeline::Pipeline;
use crate::settings::Settings;
use crate::stats::{PipelineStats, PluginStats};
use crate::worker;

/// Batches that may wait for each worker.
const WAITING: usize = 2;

/// Runs until all inputs have ended, or `stop` is set; then everything that was read has been written.
///
/// # Errors
/// When the API's address cannot be had.
pub fn run(
    pipeline: &Pipeline,
    inputs: Vec<Box<dyn Input>>,
    settings: &Settings,
    stop: &Arc<AtomicBool>,
) -> std::io::Result<()> {
    let listener = settings.api.then(|| api::listen(settings)).transpose()?;
    let stats = Arc::new(stats(pipeline, settings, listener.as_ref()));
    let api = listener.map(|listener| Api::start(listener, Arc::clone(&stats)));
    if let Some(api) = &api {
        tracing::info!(
            address = stats.address,
            running = api.is_running(),
            "the API listens"
        );
    }
    let (queue, events) = sync_channel::<Vec<Event>>(settings.workers * WAITING);
    let events = Mutex::new(events);
    let (running, ended) = channel::<()>();
    std::thread::scope(|clock| {
        clock.spawn(|| tick(pipeline, ended));
        std::thread::scope(|scope| {
            for _ in 0..settings.workers {
                scope.spawn(|| worker::work(pipeline, &events, &stats));
            }
            for (number, input) in inputs.into_iter().enumerate() {
                let counts: Option<Arc<PluginStats>> = stats
                    .inputs
                    .get(number)
                    .map(|(info, _)| Arc::clone(&info.stats));
                let feed = Feed {
                    source: number as u32,
                    queue: queue.clone(),
                    stop: Arc::clone(stop),
                    stats: counts.unwrap_or_default(),
                    batch: settings.batch_size,
                };
                scope.spawn(move || input.run(feed));
            }
            // the queue ends with the last input
            drop(queue);
        });
        drop(running);
    });
    for outlet in &pipeline.outlets {
        outlet.output.close();
    }
    if let Some(api) = api {
        api.stop();
    }
    Ok(())
}

/// Lets the outputs do what is due, until the run has ended.
fn tick(pipeline: &Pipeline, ended: Receiver<()>) {
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(TICK) {
        for outlet in &pipeline.outlets {
            outlet.output.tick();
        }
    }
}

/// Sets `stop` at the first SIGTERM or SIGINT; ends the process at the second.
///
/// # Errors
/// When the signals cannot be had.
pub async fn stop_on_signals(stop: Arc<AtomicBool>) -> std::io::Result<()> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    loop {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if stop.swap(true, Ordering::Relaxed) {
            tracing::error!("ended before everything was written");
            std::process::exit(1);
        }
        tracing::info!("the inputs end; what was read is written first");
    }
}

fn stats(
    pipeline: &Pipeline,
    settings: &Settings,
    listener: Option<&TcpListener>,
) -> PipelineStats {
    let address = listener.and_then(|listener| listener.local_addr().ok());
    PipelineStats {
        id: settings.pipeline_id.clone(),
        hash: settings.hash.clone(),
        ephemeral_id: random_uuid(),
        node: settings.node_name.clone(),
        node_id: random_uuid(),
        address: address
            .map(|address| address.to_string())
            .unwrap_or_default(),
        workers: settings.workers,
        batch_size: settings.batch_size,
        started: Instant::now(),
        inputs: pipeline.input_infos.clone(),
        filters: pipeline.filter_infos.clone(),
        outputs: pipeline.outlet_infos.clone(),
        filtered: PluginStats::default(),
        done: PluginStats::default(),
        dead_letters: pipeline.dead_letters.clone(),
    }
}

/// A version 4 UUID.
fn random_uuid() -> String {
    let bits = rand::random::<u128>() & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let text = format!("{bits:032x}");
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    [
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ]
    .join("-")
}
