//! Staged files: list, upload as a stream, remove.

use std::io::{self, SeekFrom};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::ids::JobRef;
use domain::staging::StagedFile;
use futures::{Stream, StreamExt};
use reqwest::header::CONTENT_LENGTH;
use reqwest::{Body, Method, RequestBuilder};
use tokio::io::AsyncSeekExt;
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_util::io::ReaderStream;

use super::jobs::job_path;
use super::{Client, ClientError};
use crate::{Page, PageQuery, UploadProgress, UploadQuery};

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

    /// How far an upload of this name and checksum has come, if one broke off.
    pub async fn upload_progress(
        &self,
        job: &JobRef,
        name: &str,
        sha256: &str,
    ) -> Result<UploadProgress, ClientError> {
        let request = self.of_job(Method::GET, job, &["staging", name, "upload"]);
        self.json(request.header(CHECKSUM_HEADER, sha256)).await
    }

    /// Stages a file of this machine under `name`, from the byte `offset` on: 0, or where an upload broke off. What comes
    /// of it is kept if it breaks off again. `progress` is told the size of each piece as it is sent.
    pub async fn stage_file(
        &self,
        job: &JobRef,
        name: &str,
        path: &Path,
        sha256: &str,
        offset: u64,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<StagedFile, ClientError> {
        let unreadable = |source| ClientError::File {
            path: path.to_owned(),
            source,
        };
        let mut file = tokio::fs::File::open(path).await.map_err(unreadable)?;
        let bytes = file.metadata().await.map_err(unreadable)?.len();
        file.seek(SeekFrom::Start(offset))
            .await
            .map_err(unreadable)?;
        let body = ReaderStream::with_capacity(file, READ_BYTES).inspect(move |piece| {
            if let Ok(piece) = piece {
                progress(piece.len() as u64);
            }
        });
        let request = self
            .unlimited(Method::PUT, &job_path(job, &["staging", name]))
            .query(&UploadQuery {
                offset: Some(offset),
            })
            .header(CONTENT_LENGTH, bytes.saturating_sub(offset))
            .header(CHECKSUM_HEADER, sha256);
        self.send_body(request, body).await
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
        let mut request = self.unlimited(Method::PUT, &job_path(job, &["staging", name]));
        if let Some(bytes) = bytes {
            request = request.header(CONTENT_LENGTH, bytes);
        }
        if let Some(sha256) = sha256 {
            request = request.header(CHECKSUM_HEADER, sha256);
        }
        self.send_body(request, body).await
    }

    /// Sends a body as a stream, for as long as it moves.
    async fn send_body<S>(
        &self,
        request: RequestBuilder,
        body: S,
    ) -> Result<StagedFile, ClientError>
    where
        S: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        let moved = Arc::new(Notify::new());
        let bell = moved.clone();
        let body = Body::wrap_stream(body.inspect(move |_| bell.notify_one()));
        tokio::select! {
            answer = self.json(request.body(body)) => answer,
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
