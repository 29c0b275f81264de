//! What can go wrong beside Docker, in words.

use std::io;
use std::path::Path;

use domain::error::{Culprit, Failure};

/// Something that cannot be.
pub fn defect(what: &str) -> Failure {
    let next_step = "it is tried again; report this with the run's log if it comes again";
    let message = format!("a defect of the elastic engine: {what}");
    Failure::transient("worker_defect", Culprit::Platform, message, next_step)
}

/// A file of the run's folder that cannot be used.
pub fn unusable(path: &Path, error: &io::Error) -> Failure {
    let message = format!("{} cannot be used: {error}", path.display());
    let next_step =
        "make the run folder writable, or make room on its disk; the run goes on by itself then";
    Failure::transient("run_folder_unusable", Culprit::Platform, message, next_step)
}

/// The containers and what they have written do not agree.
pub fn unaccounted(message: String) -> Failure {
    let next_step = "all records are sent again, which doubles nothing";
    Failure::transient("records_unaccounted", Culprit::Platform, message, next_step)
}
