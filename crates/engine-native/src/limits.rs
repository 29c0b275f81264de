//! Limits that a worker sets itself (rule 22): resource limits of its process, and a watchdog over its resident memory.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

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
const WATCH_EVERY: Duration = Duration::from_millis(100);

/// Sets the process's own resource limits, and makes it yield to others.
pub fn apply(order: &WorkOrder) {
    let address_space = (order.memory.0 * ADDRESS_SPACE_FACTOR).max(MIN_ADDRESS_SPACE);
    for (resource, wanted) in [
        (Resource::RLIMIT_AS, address_space),
        (Resource::RLIMIT_NOFILE, OPEN_FILES),
        (Resource::RLIMIT_CORE, 0),
    ] {
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
