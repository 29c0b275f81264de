//! Claiming: the run folder, the manifest, and what the worker will need.

use domain::error::Failure;
use domain::file::FileRecord;
use domain::ids::RunId;
use domain::run::{Desired, Event, MAX_REPLAYS, Run};
use domain::store::{Kind, StoreError, Versioned};
use domain::worker::RunFolder;

use super::{Step, Task};
use crate::context::store_failure;
use crate::folder::{blocking, make_private_dir, unusable, write_atomic, write_json};
use crate::shared::Shared;

/// File records that are written at once.
pub(super) const FILES_AT_ONCE: usize = 1000;

impl Task {
    pub(super) async fn claim(&mut self, run: &Versioned<Run>) -> Result<Step, Failure> {
        if run.value.desired == Desired::Cancel {
            return Ok(Step::Happened(Event::CalledOff));
        }
        let context = self.context(&run.value).await?;
        let (folder, spec) = (context.folder.clone(), context.spec.clone());
        let prepared = blocking(move || {
            make_private_dir(folder.path())?;
            write_json(&folder.spec(), &spec)?;
            write_token(&folder)
        });
        prepared.await.map_err(|e| unusable(&context.folder, &e))?;
        let now_ms = self.shared.now_ms();
        let manifest = self.shared.intake.claim(&context, now_ms).await?;
        let bytes = manifest.iter().map(|file| file.bytes).sum();
        let files: Vec<_> = manifest
            .into_iter()
            .map(|file| FileRecord::claimed(run.value.id.clone(), file))
            .collect();
        // an earlier claim that a crash cut off may have left others
        self.shared
            .metadata
            .store()
            .remove_owned(Kind::File, self.id.as_str())
            .await
            .map_err(store_failure)?;
        self.put_files(&files).await?;
        if let Some(replay) = &run.value.replay_of {
            self.shared.note_replay(&replay.run, &self.id).await?;
        }
        let files = u32::try_from(files.len()).unwrap_or(u32::MAX);
        Ok(Step::Happened(Event::Claimed {
            at_ms: now_ms,
            files,
            bytes,
        }))
    }

    pub(super) async fn put_files(&self, files: &[FileRecord]) -> Result<(), Failure> {
        for files in files.chunks(FILES_AT_ONCE) {
            self.shared
                .metadata
                .put_all(files)
                .await
                .map_err(store_failure)?;
        }
        Ok(())
    }
}

impl Shared {
    /// Has a run name one of its replays.
    async fn note_replay(&self, of: &RunId, replay: &RunId) -> Result<(), Failure> {
        loop {
            let found = self.metadata.run(of).await.map_err(store_failure)?;
            let Some(original) = found.filter(|run| {
                let known = &run.value.replayed_by;
                known.len() < MAX_REPLAYS && !known.contains(replay)
            }) else {
                return Ok(());
            };
            let mut after = original.value.clone();
            after.replayed_by.push(replay.clone());
            match self.keep(&original, after).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Stale { .. }) => {}
                Err(error) => return Err(store_failure(error)),
            }
        }
    }
}

/// A fresh secret of 256 bits for the worker's socket.
fn write_token(folder: &RunFolder) -> std::io::Result<()> {
    let secret = hex::encode(rand::random::<[u8; 32]>());
    write_atomic(&folder.token(), |out| {
        std::io::Write::write_all(out, secret.as_bytes())
    })
}
