//! The server itself: who it is, how it is.

use super::{Answer, Call};
use crate::server::error::EsResult;
use serde_json::{Value, json};
use std::{sync::PoisonError, time::Instant};

/// The Elasticsearch version whose interface is served.
const VERSION: &str = "8.19.8";
const CLUSTER: &str = "embedded";

/// `GET /`.
pub fn root(call: &Call<'_>) -> EsResult<Answer> {
    call.allow(&[])?;
    Ok(Answer::ok(json!({
        "name": "coredms", "cluster_name": CLUSTER, "cluster_uuid": call.app.store.uuid,
        "version": { "number": VERSION, "build_flavor": "embedded", "build_type": "coredms", "build_hash": env!("CARGO_PKG_VERSION"),
            "build_date": "1970-01-01T00:00:00Z", "build_snapshot": false, "lucene_version": "9.12.2",
            "minimum_wire_compatibility_version": "7.17.0", "minimum_index_compatibility_version": "7.0.0" },
        "tagline": "You Know, for Search"
    })))
}

/// `_cluster/health`: one node, no replicas, so it is green as long as it answers.
pub fn health(call: &Call<'_>) -> EsResult<Answer> {
    call.allow(&[
        "wait_for_status",
        "timeout",
        "level",
        "wait_for_nodes",
        "wait_for_active_shards",
        "wait_for_no_relocating_shards",
        "wait_for_no_initializing_shards",
        "wait_for_events",
    ])?;
    let indices = match call.path.get(2) {
        Some(expression) => call.app.store.resolve(expression, call.scope())?.len(),
        None => call.app.store.indices().len(),
    };
    Ok(Answer::ok(json!({
        "cluster_name": CLUSTER, "status": "green", "timed_out": false, "number_of_nodes": 1, "number_of_data_nodes": 1,
        "active_primary_shards": indices, "active_shards": indices, "relocating_shards": 0, "initializing_shards": 0,
        "unassigned_shards": 0, "unassigned_primary_shards": 0, "delayed_unassigned_shards": 0,
        "number_of_pending_tasks": 0, "number_of_in_flight_fetch": 0,
        "task_max_waiting_in_queue_millis": 0, "active_shards_percent_as_number": 100.0
    })))
}

/// `_nodes/stats`. There is no heap apart from the process: its resident memory stands for it.
pub fn nodes_stats(call: &Call<'_>) -> EsResult<Answer> {
    call.allow(&["level", "timeout", "metric"])?;
    let indices = call.app.store.indices();
    let docs: u64 = indices.values().map(|index| index.count()).sum();
    let deleted: u64 = indices.values().map(|index| index.deleted()).sum();
    let bytes: u64 = indices.values().map(|index| index.disk_bytes()).sum();
    let resident = resident_bytes();
    let node = json!({
        "timestamp": call.now_ms, "name": "coredms", "roles": ["data", "ingest", "master"],
        "indices": { "docs": { "count": docs, "deleted": deleted }, "store": { "size_in_bytes": bytes } },
        "process": { "timestamp": call.now_ms, "cpu": { "percent": cpu_percent(call) }, "mem": { "resident_in_bytes": resident } },
        "jvm": { "uptime_in_millis": call.app.started.elapsed().as_millis() as u64,
            "mem": { "heap_used_in_bytes": resident, "heap_max_in_bytes": 0 } }
    });
    let uuid = &call.app.store.uuid;
    Ok(Answer::ok(
        json!({ "_nodes": { "total": 1, "successful": 1, "failed": 0 }, "cluster_name": CLUSTER, "nodes": { uuid: node } }),
    ))
}

/// The process's resident memory; 0 where the system does not tell.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}

/// Percent of all processors since the last look; -1 at the first.
fn cpu_percent(call: &Call<'_>) -> Value {
    use nix::sys::{
        resource::{UsageWho, getrusage},
        time::TimeValLike,
    };
    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else {
        return json!(-1);
    };
    let used = (usage.user_time().num_microseconds() + usage.system_time().num_microseconds())
        as f64
        / 1e6;
    let now = Instant::now();
    let mut last = call.app.cpu.lock().unwrap_or_else(PoisonError::into_inner);
    let processors = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let percent = match last.replace((now, used)) {
        Some((then, before)) if now > then => {
            (used - before) / (now - then).as_secs_f64() / processors * 100.0
        }
        _ => return json!(-1),
    };
    json!(percent.round().clamp(0.0, 100.0) as u8)
}
