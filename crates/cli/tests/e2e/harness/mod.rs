//! What the scenarios share: platforms of real processes, clients with jobs, input whose fate is known, the verdict.

mod documents;
mod input;
mod jobs;
mod logs;
mod platform;
mod process;
mod verdict;

pub use documents::CoreDms;
pub use input::{Fate, Input, checksum};
pub use jobs::{Job, PATIENCE, Tenant, WAY, has_come_to};
pub use platform::{Configuration, Options, Platform, unique};
pub use process::{Process, processes_naming, signal};
pub use verdict::end_of;
