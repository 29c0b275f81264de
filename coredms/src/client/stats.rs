//! How hard the server works: memory and processor, summed over its nodes.

use super::{Client, ClientError};
use elasticsearch::http::Method;
use serde::Deserialize;
use std::collections::BTreeMap;

/// `_nodes/stats` in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NodesStats {
    /// Nodes that answered.
    pub nodes: usize,
    /// Heap in use over all nodes, bytes. The embedded server has no heap of its own: its resident memory.
    pub heap_used_bytes: u64,
    /// Heap limit over all nodes, bytes; 0 when there is none.
    pub heap_max_bytes: u64,
    /// The busiest node's process CPU, percent of the host.
    pub cpu_percent: u8,
    /// Documents over all nodes.
    pub docs: u64,
}

#[derive(Deserialize)]
struct Answer {
    nodes: BTreeMap<String, Node>,
}

#[derive(Deserialize)]
struct Node {
    jvm: Jvm,
    process: Process,
    indices: Indices,
}

#[derive(Deserialize)]
struct Jvm {
    mem: Mem,
}

#[derive(Deserialize)]
struct Mem {
    heap_used_in_bytes: u64,
    heap_max_in_bytes: u64,
}

#[derive(Deserialize)]
struct Process {
    cpu: Cpu,
}

#[derive(Deserialize)]
struct Cpu {
    /// -1 when the node cannot tell.
    percent: i16,
}

#[derive(Deserialize)]
struct Indices {
    docs: Docs,
}

#[derive(Deserialize)]
struct Docs {
    count: u64,
}

impl Client {
    /// Memory, processor and documents of the nodes.
    ///
    /// # Errors
    /// As every call.
    pub async fn nodes_stats(&self) -> Result<NodesStats, ClientError> {
        let mut call = self.call(
            "nodes stats",
            Method::Get,
            "/_nodes/stats/jvm,process,indices",
        );
        call.query = &[(
            "filter_path",
            "nodes.*.jvm.mem.heap_used_in_bytes,nodes.*.jvm.mem.heap_max_in_bytes,\
             nodes.*.process.cpu.percent,nodes.*.indices.docs.count",
        )];
        let answer: Answer = self.json(call).await?;
        let start = NodesStats {
            nodes: answer.nodes.len(),
            ..NodesStats::default()
        };
        Ok(answer.nodes.values().fold(start, |sum, node| NodesStats {
            nodes: sum.nodes,
            heap_used_bytes: sum.heap_used_bytes + node.jvm.mem.heap_used_in_bytes,
            heap_max_bytes: sum.heap_max_bytes + node.jvm.mem.heap_max_in_bytes,
            cpu_percent: sum
                .cpu_percent
                .max(u8::try_from(node.process.cpu.percent).unwrap_or(0)),
            docs: sum.docs + node.indices.docs.count,
        }))
    }
}
