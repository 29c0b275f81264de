//! The answers of the API.

use serde_json::{Map, Value, json};

use crate::dead_letters::QueueStatus;
use crate::stats::{PipelineStats, PluginInfo};

/// The version of Logstash whose configurations run here.
const LOGSTASH: &str = "9.3.8";

/// What every answer begins with: the node.
pub fn root(stats: &PipelineStats) -> Value {
    json!({
        "host": crate::event::hostname(),
        "version": LOGSTASH,
        "http_address": stats.address,
        "id": stats.node_id,
        "name": stats.node,
        "ephemeral_id": stats.ephemeral_id,
        "snapshot": false,
        "status": "green",
        "pipeline": {
            "workers": stats.workers,
            "batch_size": stats.batch_size,
            "batch_delay": 50,
        },
    })
}

/// The node's part and one more member.
pub fn with(stats: &PipelineStats, name: &str, value: Value) -> Value {
    let mut all = root(stats);
    if let Value::Object(members) = &mut all {
        members.insert(name.to_owned(), value);
    }
    all
}

/// Everything about the node and its pipeline.
pub fn node_stats(stats: &PipelineStats) -> Value {
    let mut all = root(stats);
    if let Value::Object(members) = &mut all {
        members.insert("jvm".to_owned(), json!({"uptime_in_millis": uptime(stats)}));
        members.insert("process".to_owned(), json!({"pid": std::process::id()}));
        members.insert("events".to_owned(), events(stats));
        members.insert("pipelines".to_owned(), by_id(stats));
        members.insert("reloads".to_owned(), json!({"successes": 0, "failures": 0}));
        members.insert("queue".to_owned(), json!({"events_count": stats.queued()}));
    }
    all
}

fn uptime(stats: &PipelineStats) -> u64 {
    u64::try_from(stats.started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// How the pipeline is set up, by its id.
pub fn pipelines(stats: &PipelineStats) -> Value {
    let pipeline = json!({
        "ephemeral_id": stats.ephemeral_id,
        "hash": stats.hash,
        "workers": stats.workers,
        "batch_size": stats.batch_size,
        "batch_delay": 50,
        "config_reload_automatic": false,
        "config_reload_interval": 3_000_000_000_u64,
        "dead_letter_queue_enabled": stats.dead_letters.is_some(),
    });
    Value::Object(Map::from_iter([(stats.id.clone(), pipeline)]))
}

/// Events of the pipeline. As in Logstash, `filtered` are those that filters and outputs are done with, dropped or not, and
/// `out` are those that were not dropped.
pub fn events(stats: &PipelineStats) -> Value {
    json!({
        "in": stats.events_in(),
        "filtered": stats.done.events_in(),
        "out": stats.done.events_out(),
        "duration_in_millis": stats.done.millis(),
        "queue_push_duration_in_millis": stats.queue_push_millis(),
    })
}

/// Events a second, and how busy workers are, since the start.
fn flow(stats: &PipelineStats) -> Value {
    let millis = uptime(stats).max(1) as f64;
    let rate = |count: u64| {
        let rate = count as f64 / millis;
        json!({"lifetime": (rate * 1000.0).round() / 1000.0})
    };
    let worked = stats.done.millis();
    json!({
        "input_throughput": rate(stats.events_in() * 1000),
        "filter_throughput": rate(stats.done.events_in() * 1000),
        "output_throughput": rate(stats.done.events_out() * 1000),
        "queue_backpressure": rate(stats.queue_push_millis()),
        "worker_concurrency": rate(worked),
        "worker_utilization": rate(worked * 100 / stats.workers as u64),
    })
}

/// What the pipeline and its plugins did, by its id.
pub fn by_id(stats: &PipelineStats) -> Value {
    let inputs: Vec<Value> = stats
        .inputs
        .iter()
        .map(|(input, _)| input_stats(input))
        .collect();
    let outputs: Vec<Value> = stats
        .outputs
        .iter()
        .map(|(output, _)| output_stats(output))
        .collect();
    let filters: Vec<Value> = stats.filters.iter().map(worked).collect();
    let decoded = stats
        .inputs
        .iter()
        .map(|(input, codec)| codec_stats(input, codec, "decode"));
    let encoded = stats
        .outputs
        .iter()
        .map(|(output, codec)| codec_stats(output, codec, "encode"));
    let mut pipeline = json!({
        "events": events(stats),
        "flow": flow(stats),
        "plugins": {
            "inputs": inputs,
            "codecs": decoded.chain(encoded).collect::<Vec<_>>(),
            "filters": filters,
            "outputs": outputs,
        },
        "reloads": {
            "successes": 0,
            "failures": 0,
            "last_success_timestamp": null,
            "last_failure_timestamp": null,
            "last_error": null,
        },
        "queue": {
            "type": "memory",
            "events_count": stats.queued(),
            "events": stats.queued(),
            "queue_size_in_bytes": 0,
            "max_queue_size_in_bytes": 0,
        },
        "hash": stats.hash,
        "ephemeral_id": stats.ephemeral_id,
    });
    if let (Value::Object(members), Some(queue)) = (&mut pipeline, &stats.dead_letters) {
        members.insert(
            "dead_letter_queue".to_owned(),
            dead_letters(&queue.status()),
        );
    }
    Value::Object(Map::from_iter([(stats.id.clone(), pipeline)]))
}

fn dead_letters(queue: &QueueStatus) -> Value {
    json!({
        "queue_size_in_bytes": queue.bytes,
        "max_queue_size_in_bytes": queue.max_bytes,
        "dropped_events": queue.dropped,
        "expired_events": 0,
        "last_error": queue.last_error.as_deref().unwrap_or("no errors"),
        "storage_policy": "drop_newer",
    })
}

fn input_stats(input: &PluginInfo) -> Value {
    json!({
        "id": input.id,
        "name": input.name,
        "events": {
            "out": input.stats.events_out(),
            "queue_push_duration_in_millis": input.stats.millis(),
        },
    })
}

fn worked(plugin: &PluginInfo) -> Value {
    json!({
        "id": plugin.id,
        "name": plugin.name,
        "events": {
            "in": plugin.stats.events_in(),
            "out": plugin.stats.events_out(),
            "duration_in_millis": plugin.stats.millis(),
        },
    })
}

fn output_stats(output: &PluginInfo) -> Value {
    let mut all = worked(output);
    if let (Value::Object(members), Some(bulk)) = (&mut all, &output.bulk) {
        members.extend(bulk.shape().map(|(name, value)| (name.to_owned(), value)));
    }
    all
}

fn codec_stats(owner: &PluginInfo, codec: &str, work: &str) -> Value {
    let (used, unused) = match work {
        "decode" => (
            json!({"out": owner.stats.events_out(), "writes_in": owner.stats.events_in(), "duration_in_millis": 0}),
            "encode",
        ),
        _ => (
            json!({"writes_in": owner.stats.events_in(), "duration_in_millis": 0}),
            "decode",
        ),
    };
    let mut all = Map::new();
    all.insert("id".to_owned(), format!("{}_{codec}", owner.id).into());
    all.insert("name".to_owned(), codec.into());
    all.insert(work.to_owned(), used);
    all.insert(
        unused.to_owned(),
        json!({"writes_in": 0, "duration_in_millis": 0}),
    );
    Value::Object(all)
}

/// Whether all is well.
pub fn health(stats: &PipelineStats) -> Value {
    let state = json!({"status": "green", "symptom": "The pipeline is healthy", "details": {"status": {"state": "RUNNING"}}});
    let indicators = Value::Object(Map::from_iter([(stats.id.clone(), state)]));
    with(
        stats,
        "indicators",
        json!({
            "pipelines": {"status": "green", "symptom": "1 indicator is healthy (`pipelines`)", "indicators": indicators},
        }),
    )
}
