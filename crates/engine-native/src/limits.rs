//! Limits that a worker sets itself (rule 22): resource limits of its process, a watchdog over its resident memory, and a
//! pace that holds it to its share of CPU time.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use domain::error::{Culprit, Failure};
use domain::units::Bytes;
use domain::worker::WorkOrder;
use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::time::TimeValLike;

use crate::control::Control;

/// How the limits are enforced, as the report names it.
pub const ENFORCED_BY: &str = "rlimit+watchdog";
/// Address space is cheap; this only stops a runaway before it hurts the host.
const ADDRESS_SPACE_FACTOR: u64 = 8;
const MIN_ADDRESS_SPACE: u64 = 8 << 30;
const OPEN_FILES: u64 = 4096;
/// Memory that a preview's pipeline may take, and what the process takes by itself.
const PREVIEW_MEMORY: u64 = 512 << 20;
const OWN_MEMORY: u64 = 128 << 20;
/// Above what the manager waits for a preview.
const PREVIEW_CPU_SECS: u64 = 20;
const WATCH_EVERY: Duration = Duration::from_millis(100);
/// CPU time that may be used at once after a time of little use.
const CPU_BURST: Duration = Duration::from_millis(500);

/// Sets the process's own resource limits, and makes it yield to others.
pub fn apply(order: &WorkOrder) {
    let address_space = (order.memory.0 * ADDRESS_SPACE_FACTOR).max(MIN_ADDRESS_SPACE);
    set(&[
        (Resource::RLIMIT_AS, address_space),
        (Resource::RLIMIT_NOFILE, OPEN_FILES),
        (Resource::RLIMIT_CORE, 0),
    ]);
}

/// Sets the limits of a process that previews: it writes no files, and ends when it takes more than a preview may.
pub fn confine(memory: Bytes) {
    set(&[
        (
            Resource::RLIMIT_DATA,
            memory.0.min(PREVIEW_MEMORY) + OWN_MEMORY,
        ),
        (Resource::RLIMIT_CPU, PREVIEW_CPU_SECS),
        (Resource::RLIMIT_FSIZE, 0),
        (Resource::RLIMIT_NOFILE, OPEN_FILES),
        (Resource::RLIMIT_CORE, 0),
    ]);
}

fn set(limits: &[(Resource, u64)]) {
    for &(resource, wanted) in limits {
        let limit = getrlimit(resource)
            .and_then(|(_, hard)| setrlimit(resource, wanted.min(hard), wanted.min(hard)));
        if let Err(error) = limit {
            tracing::warn!(?resource, %error, "a resource limit could not be set");
        }
    }
}

/// Resident memory of this process, in bytes; 0 if the system does not say.
pub fn resident_bytes() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|statm| statm.split(' ').nth(1)?.parse::<u64>().ok());
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE)
        .ok()
        .flatten();
    pages.unwrap_or(0)
        * page
            .and_then(|bytes| u64::try_from(bytes).ok())
            .unwrap_or(4096)
}

/// CPU time that this process has used, in milliseconds.
pub fn cpu_ms() -> u64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF);
    let ms = usage
        .map(|usage| usage.user_time().num_milliseconds() + usage.system_time().num_milliseconds());
    ms.ok().and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0)
}

/// Holds the process to its share of CPU time: reading asks before each block, and everything else follows from what is
/// read.
///
/// A token bucket: it fills with `millis` thousandths of a second a second, up to [`CPU_BURST`] in advance.
#[derive(Debug)]
pub struct CpuPace {
    millis: u32,
    /// When the bucket would have been full, had nothing been used since.
    full_at: Instant,
    /// CPU time of the process that has been taken out of it.
    used: Duration,
}

impl CpuPace {
    /// For `millis` thousandths of a core, from now on.
    pub fn new(millis: u32) -> Self {
        Self {
            millis: millis.max(1),
            full_at: Instant::now(),
            used: Duration::from_millis(cpu_ms()),
        }
    }

    /// How long reading has to wait now.
    pub fn wait(&mut self) -> Duration {
        self.wait_at(Instant::now(), Duration::from_millis(cpu_ms()))
    }

    fn wait_at(&mut self, now: Instant, used: Duration) -> Duration {
        let fill = |cpu: Duration| cpu * 1000 / self.millis;
        let spent = used.saturating_sub(self.used);
        self.full_at = self.full_at.max(now) + fill(spent);
        self.used = used;
        (self.full_at - now).saturating_sub(fill(CPU_BURST))
    }
}

/// Ends the worker when it uses more memory than its order allows. Watches until the worker ends.
pub fn watch(memory: Bytes, control: Arc<Control>) {
    thread::spawn(move || {
        while !control.abandoned().is_cancelled() {
            let used = resident_bytes();
            if used > memory.0 {
                let message = format!(
                    "the worker used {} of memory; the run may use {memory}",
                    Bytes(used)
                );
                let next_step = "raise limits.memory in the spec (up to what the plan allows), or lower format.max_record";
                control.fail(Failure::permanent(
                    "memory_exceeded",
                    Culprit::Client,
                    message,
                    next_step,
                ));
            }
            thread::sleep(WATCH_EVERY);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uses as much CPU as it may of `cores` for so many steps of 10 ms; gives the CPU time used and the time it took.
    fn work(millis: u32, cores: u32, steps: u32) -> (Duration, Duration) {
        let begin = Instant::now();
        let mut pace = CpuPace {
            millis,
            full_at: begin,
            used: Duration::ZERO,
        };
        let (mut now, mut used) = (begin, Duration::ZERO);
        for _ in 0..steps {
            now += pace.wait_at(now, used) + Duration::from_millis(10);
            used += Duration::from_millis(10) * cores;
        }
        (used, now - begin)
    }

    #[test]
    fn cpu_time_is_held_to_its_share_but_for_the_burst() {
        for (millis, cores) in [(250, 1), (500, 2), (1500, 4)] {
            let (used, took) = work(millis, cores, 2000);
            let allowed = took * millis / 1000 + CPU_BURST + Duration::from_millis(10) * cores;
            assert!(used <= allowed, "{millis}: {used:?} in {took:?}");
            assert!(
                used >= took * millis / 1000,
                "{millis}: no more waiting than is needed"
            );
        }
        let (_, took) = work(2000, 2, 100);
        assert_eq!(
            took,
            Duration::from_secs(1),
            "nothing waits within the share"
        );
    }
}
