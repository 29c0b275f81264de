//! The disk's errors as failures that people can act on.

use std::io;

use domain::error::{Culprit, Failure};

/// What went wrong on the disk while `doing` something, in words like `listing the staging directory`.
pub fn disk(doing: &str, error: &io::Error) -> Failure {
    let message = format!("{doing}: {error}");
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Failure::transient(
            "storage_full",
            Culprit::Platform,
            message,
            "free space on the platform's disk",
        ),
        // somebody has put something else where a folder of the platform's belongs
        io::ErrorKind::NotADirectory => Failure::permanent(
            "staging_damaged",
            Culprit::Client,
            message,
            "remove what stands in the place of the staging directory's own folders",
        ),
        _ => Failure::transient(
            "staging_unavailable",
            Culprit::Platform,
            message,
            "look at the platform's disk and permissions",
        ),
    }
}

/// Does blocking work on a thread that may block.
pub async fn blocking<T, E, F>(work: F) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Failure> + Send + 'static,
    F: FnOnce() -> Result<T, E> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(ended) => Err(disk("waiting for the disk", &ended.into()).into()),
    }
}
