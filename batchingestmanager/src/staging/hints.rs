//! Hints of the system that something happened in staging directories. They only make a look come earlier: nothing depends
//! on them, so what they say is not even read.

use std::io;
use std::path::{Path, PathBuf};

use domain::ids::JobRef;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::net::unix::pipe::Receiver;

/// What makes a file complete: it is closed after it was written, renamed into place, or linked.
const EVENTS: WatchFlags = WatchFlags::CLOSE_WRITE
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::CREATE)
    .union(WatchFlags::ONLYDIR);

/// Watches staging directories.
pub struct Hints {
    root: PathBuf,
    queue: Option<Receiver>,
}

impl Hints {
    /// Under a staging area. A system that gives no hints is done without.
    pub fn new(root: PathBuf) -> Self {
        // no pipe, but what is read from it is waited for and taken in the same way
        let open = || -> io::Result<Receiver> {
            let queue = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
            Receiver::from_owned_fd_unchecked(queue)
        };
        let queue = open()
            .inspect_err(|error| {
                tracing::warn!(%error, "the system gives no hints of files that arrive; they are found by looking");
            })
            .ok();
        Self { root, queue }
    }

    /// Waits until something has happened in the staging directory of one of these jobs, or of one that was watched before.
    pub async fn arrival(&self, jobs: &[JobRef]) {
        let Some(queue) = self.queue.as_ref().filter(|_| !jobs.is_empty()) else {
            return std::future::pending().await;
        };
        for job in jobs {
            self.watch(queue, job);
        }
        if drain(queue).await.is_err() {
            std::future::pending().await
        }
    }

    /// A directory that is watched already stays so; one that was made anew is watched again.
    fn watch(&self, queue: &Receiver, job: &JobRef) {
        let path: &Path = &self.root.join(job.client.as_str()).join(job.job.as_str());
        if let Err(error) = inotify::add_watch(queue, path, EVENTS) {
            tracing::debug!(%job, %error, "no hints of files that arrive for this job");
        }
    }
}

/// Waits for events and takes them all.
async fn drain(queue: &Receiver) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        queue.readable().await?;
        let mut taken = false;
        loop {
            match queue.try_read(&mut buffer) {
                Ok(1..) => taken = true,
                Ok(0) => break,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if taken {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_file_that_comes_is_hinted_at() {
        let root = tempfile::tempdir().unwrap();
        let job = JobRef {
            client: "acme".parse().unwrap(),
            job: "flights".parse().unwrap(),
        };
        let folder = root.path().join("acme/flights");
        std::fs::create_dir_all(&folder).unwrap();
        let hints = Hints::new(root.path().to_owned());
        let jobs = [job];
        let mut waiting = std::pin::pin!(hints.arrival(&jobs));
        let none = timeout(Duration::from_millis(1), &mut waiting).await;
        assert!(none.is_err(), "nothing has come");
        std::fs::write(folder.join("a.csv"), "a").unwrap();
        timeout(LONG, &mut waiting).await.unwrap();
        // what was seen is seen once
        let again = timeout(Duration::from_millis(1), hints.arrival(&jobs)).await;
        assert!(again.is_err());
    }
}
