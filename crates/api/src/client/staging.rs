//! Staged files: list, upload as a stream, remove.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::ids::JobRef;
use domain::staging::StagedFile;
use futures::{Stream, StreamExt};
use reqwest::header::CONTENT_LENGTH;
use reqwest::{Body, Method};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::io::ReaderStream;

use super::jobs::job_path;
use super::{Client, ClientError};
use crate::{Page, PageQuery};

/// Header that announces an upload's SHA-256, hexadecimal.
pub const CHECKSUM_HEADER: &str = "X-Checksum-Sha256";

/// Read from a file at once.
const READ_BYTES: usize = 256 << 10;

impl Client {
    /// The files in a job's staging directory.
    pub async fn staged(
        &self,
        job: &JobRef,
        page: &PageQuery,
    ) -> Result<Page<StagedFile>, ClientError> {
        self.json(self.of_job(Method::GET, job, &["staging"]).query(page))
            .await
    }

    /// Stages a file of this machine under `name`. `progress` is told the size of each piece as it is sent.
    pub async fn stage_file(
        &self,
        job: &JobRef,
        name: &str,
        path: &Path,
        sha256: Option<&str>,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<StagedFile, ClientError> {
        let unreadable = |source| ClientError::File {
            path: path.to_owned(),
            source,
        };
        let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
        let bytes = file.metadata().await.map_err(unreadable)?.len();
        let body = ReaderStream::with_capacity(file, READ_BYTES).inspect(move |piece| {
            if let Ok(piece) = piece {
                progress(piece.len() as u64);
            }
        });
        self.stage(job, name, body, Some(bytes), sha256).await
    }

    /// Stages what a stream gives under `name`: visible only when it has come as a whole.
    pub async fn stage<S>(
        &self,
        job: &JobRef,
        name: &str,
        body: S,
        bytes: Option<u64>,
        sha256: Option<&str>,
    ) -> Result<StagedFile, ClientError>
    where
        S: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        let moved = Arc::new(Notify::new());
        let bell = moved.clone();
        let body = Body::wrap_stream(body.inspect(move |_| bell.notify_one()));
        let mut request = self
            .unlimited(Method::PUT, &job_path(job, &["staging", name]))
            .body(body);
        if let Some(bytes) = bytes {
            request = request.header(CONTENT_LENGTH, bytes);
        }
        if let Some(sha256) = sha256 {
            request = request.header(CHECKSUM_HEADER, sha256);
        }
        tokio::select! {
            answer = self.json(request) => answer,
            limit = stands_still(&moved, self.options.idle_timeout) => {
                Err(ClientError::TimedOut { url: self.options.url.clone(), limit })
            }
        }
    }

    /// Removes a staged file.
    pub async fn unstage(&self, job: &JobRef, name: &str) -> Result<(), ClientError> {
        self.done(self.of_job(Method::DELETE, job, &["staging", name]))
            .await
    }
}

/// Returns when nothing has moved for `limit`.
async fn stands_still(moved: &Notify, limit: Duration) -> Duration {
    while timeout(limit, moved.notified()).await.is_ok() {}
    limit
}
