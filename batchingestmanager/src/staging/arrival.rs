//! The beginning of an upload: of a new one, or of one that is gone on with.

use std::io::{self, Seek};
use std::sync::Arc;

use domain::staging::StagingError;
use sha2::{Digest, Sha256};

use super::parts::UnderWay;
use crate::failure::{blocking, disk};
use crate::folder::Folder;

/// The folders that an upload goes through.
pub struct Place {
    /// The staging directory.
    pub job: Folder,
    /// What is on its way into it.
    pub incoming: Folder,
}

/// A temporary file; removed when it is dropped, whatever happened to it, unless it is to be kept.
pub struct Temporary {
    /// Where it is.
    pub place: Arc<Place>,
    /// Its name.
    pub name: String,
    /// Whether it stays when it is dropped.
    pub keep: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        if let Err(e) = self.place.incoming.remove_file(&self.name) {
            tracing::warn!(
                name = self.name,
                "an upload's temporary file stays until the next start: {e}"
            );
        }
    }
}

/// An upload on its way: what has come of it.
pub struct Arrival {
    /// Its file.
    pub temporary: Temporary,
    /// The same, open behind what has come.
    pub file: std::fs::File,
    /// How much has come.
    pub bytes: u64,
    /// The hash of it.
    pub hash: Sha256,
}

/// Begins an upload that is thrown away if it breaks off.
pub async fn begin(place: Arc<Place>, name: String) -> Result<Arrival, StagingError> {
    blocking(move || {
        let file = place
            .incoming
            .create_file(&name)
            .map_err(|e| disk("beginning an upload", &e))?;
        Ok(Arrival {
            temporary: Temporary {
                place,
                name,
                keep: false,
            },
            file,
            bytes: 0,
            hash: Sha256::new(),
        })
    })
    .await
}

/// Goes on with an upload that broke off, or begins one that can be gone on with.
pub async fn go_on(
    place: Arc<Place>,
    name: String,
    offset: u64,
    mut under_way: Option<UnderWay>,
) -> Result<(Arrival, Option<UnderWay>), StagingError> {
    blocking(move || {
        let failed = |e: io::Error| disk("going on with an upload", &e);
        let (mut file, stamp) = place.incoming.open_or_create_file(&name).map_err(failed)?;
        let received = stamp.bytes;
        if received != offset {
            return Err(StagingError::WrongOffset { offset, received });
        }
        let hash = match &mut under_way {
            Some(part) => part.hash(&mut file, received).map_err(failed)?,
            None => Sha256::new(),
        };
        file.seek(io::SeekFrom::Start(received)).map_err(failed)?;
        let temporary = Temporary {
            place,
            name,
            keep: true,
        };
        let arrival = Arrival {
            temporary,
            file,
            bytes: received,
            hash,
        };
        Ok((arrival, under_way))
    })
    .await
}
