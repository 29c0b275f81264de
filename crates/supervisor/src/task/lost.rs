//! A worker that is gone without a word: what it left, and what can be said of why.

use std::fs;

use domain::error::{Culprit, Failure};
use domain::ports::RunContext;
use domain::run::{Event, Run};
use domain::worker::WorkOrder;

use super::{Step, Task};
use crate::folder::{blocking, read_json, tail};

/// As much of the worker's log goes into a failure.
const LOG_TAIL_BYTES: u64 = 2000;

/// A worker that used more than this share of its memory when it was last seen was probably killed for it.
const NEAR_LIMIT: f64 = 0.9;

impl Task {
    /// The event of a loss, with what is durably done.
    pub(super) async fn lost(
        &mut self,
        run: &Run,
        context: &RunContext,
        failure: Failure,
    ) -> Result<Step, Failure> {
        let progress = self.shared.engine.progress(context).await?;
        let indices = union(&run.indices, &progress.indices);
        tracing::warn!(run = %self.id, attempt = run.attempt, code = failure.code, %failure, "a worker was lost");
        self.watching.killed = None;
        Ok(Step::Happened(Event::WorkerLost {
            ledger: progress.ledger(),
            indices,
            failure,
        }))
    }

    /// Why the worker is gone, in words.
    pub(super) async fn explain_loss(&self, context: &RunContext) -> Failure {
        if let Some(killed) = &self.watching.killed {
            return killed.clone();
        }
        let (log, order) = (context.folder.log(), context.folder.order());
        let read =
            blocking(move || Ok((tail(&log, LOG_TAIL_BYTES)?, read_json::<WorkOrder>(&order)?)))
                .await;
        let (log, order) =
            read.unwrap_or_else(|error| (format!("(its log cannot be read: {error})"), None));
        let rss_bytes = self
            .monitor
            .as_ref()
            .and_then(|monitor| monitor.newest())
            .map_or(0, |sample| sample.rss_bytes);
        let host_ran_out = matches!((self.watching.oom_kills, oom_kills()), (Some(before), Some(now)) if now > before);
        let (why, next_step) = match order {
            Some(order) if rss_bytes as f64 > NEAR_LIMIT * order.memory.0 as f64 => (
                format!("it used {} MiB of the {} that it may use, and was probably killed for that", rss_bytes >> 20, order.memory),
                "raise limits.memory in the spec if this comes again",
            ),
            _ if host_ran_out => (
                "the host ran out of memory meanwhile and killed processes, this one probably among them".into(),
                "the operator has to give the host more memory, or allow fewer runs at once",
            ),
            _ => ("it crashed or was killed".into(), "it is started again and goes on from its checkpoint"),
        };
        let last_words = if log.is_empty() {
            "It logged nothing.".into()
        } else {
            format!("The end of its log:\n{log}")
        };
        let message = format!("the worker ended without a word: {why}. {last_words}");
        Failure::transient("worker_lost", Culprit::Platform, message, next_step)
    }
}

/// Both lists, without repetition, in order.
pub(super) fn union(some: &[String], others: &[String]) -> Vec<String> {
    let all: std::collections::BTreeSet<_> = some.iter().chain(others).cloned().collect();
    all.into_iter().collect()
}

/// Processes that the host has killed for want of memory since it was started; none if it does not tell.
pub(super) fn oom_kills() -> Option<u64> {
    let counters = fs::read_to_string("/proc/vmstat").ok()?;
    counters
        .lines()
        .find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}
