//! Where previews are made: a folder for each, for as long as it takes, and only so many at a time.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use domain::error::{Culprit, Failure};
use domain::preview::{Previewer, SampledFile, Take};
use domain::worker::{RunFolder, WorkOrder};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::home::make_private_dir;
use crate::ids;

/// Previews under way at a time.
const AT_A_TIME: usize = 2;
/// How long one waits for its turn.
const WAIT: Duration = Duration::from_secs(10);

/// Makes previews.
pub(crate) struct Previews {
    previewer: Arc<dyn Previewer>,
    root: PathBuf,
    turns: Arc<Semaphore>,
}

/// The folder of a preview, which goes with it, and its turn.
pub(crate) struct Bench {
    folder: RunFolder,
    _turn: OwnedSemaphorePermit,
}

impl Bench {
    /// The folder.
    pub(crate) fn folder(&self) -> &RunFolder {
        &self.folder
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(self.folder.path()) {
            tracing::warn!(%error, folder = %self.folder.path().display(), "the folder of a preview stays until the next start");
        }
    }
}

impl Previews {
    /// In this folder, which is emptied of what a crash has left.
    pub(crate) fn open(previewer: Arc<dyn Previewer>, root: PathBuf) -> io::Result<Self> {
        match std::fs::remove_dir_all(&root) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Ok(Self {
            previewer,
            root,
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
        })
    }

    /// A folder for one preview; its files are to be put where [`engine_native::preview::sample_path`] says. None: too many
    /// others are under way.
    pub(crate) async fn bench(&self) -> Result<Option<Bench>, Failure> {
        let turn = timeout(WAIT, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Ok(None);
        };
        let bench = Bench {
            folder: RunFolder::new(self.root.join(ids::ulid())),
            _turn: turn,
        };
        let claimed = bench.folder().claimed();
        blocking(move || make_private_dir(&claimed).map_err(|e| unusable(&claimed, &e))).await?;
        Ok(Some(bench))
    }

    /// What becomes of the bench's files, which have these names.
    pub(crate) async fn preview(
        &self,
        bench: &Bench,
        order: WorkOrder,
        names: Vec<String>,
        take: Take,
    ) -> Result<Vec<SampledFile>, Failure> {
        let folder = bench.folder().clone();
        blocking(move || engine_native::preview::lay_out(&folder, &order, &names, take)).await?;
        self.previewer.preview(bench.folder()).await
    }
}

/// Runs file work off the runtime's threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
        let message = format!("work on the folder of a preview broke: {e}");
        Err(Failure::permanent(
            "preview_folder",
            Culprit::Platform,
            message,
            "report this with the manager's log",
        ))
    })
}

/// The failure of a folder that cannot be used.
pub(crate) fn unusable(path: &Path, error: &io::Error) -> Failure {
    let message = format!("{} cannot be used: {error}", path.display());
    Failure::transient(
        "preview_folder",
        Culprit::Platform,
        message,
        "the operator has to make the home writable, or make room on its disk",
    )
}
