//! An upload's bytes on their way from the connection, which stays on its thread, to the staging area, which may not.

use std::time::Duration;

use actix_web::web;
use async_trait::async_trait;
use bytes::Bytes;
use domain::staging::UploadBody;
use futures::StreamExt;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Pieces that may wait between the two.
const WAITING: usize = 8;
/// How long an upload may stand still.
const IDLE: Duration = Duration::from_secs(60);
/// Of a refused upload at most so much is read and thrown away, so that its sender gets to read why.
const DRAINED_BYTES: usize = 256 << 20;

/// The staging area's end.
pub(crate) struct Incoming(mpsc::Receiver<Result<Bytes, String>>);

#[async_trait]
impl UploadBody for Incoming {
    async fn chunk(&mut self) -> Result<Option<Bytes>, String> {
        self.0.recv().await.transpose()
    }
}

/// The connection's end.
pub(crate) struct Outgoing(mpsc::Sender<Result<Bytes, String>>);

pub(crate) fn channel() -> (Outgoing, Incoming) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Outgoing(sender), Incoming(receiver))
}

impl Outgoing {
    /// Hands on all pieces; when nobody takes them any more, throws the rest away.
    pub(crate) async fn pump(self, payload: &mut web::Payload) {
        let mut thrown = 0;
        loop {
            let piece = match timeout(IDLE, payload.next()).await {
                Ok(None) => return,
                Ok(Some(Ok(piece))) => Ok(piece),
                Ok(Some(Err(error))) => Err(error.to_string()),
                Err(_) => Err(format!("nothing came for {} s", IDLE.as_secs())),
            };
            let broken = piece.is_err();
            let bytes = piece.as_ref().map_or(0, Bytes::len);
            if self.0.send(piece).await.is_err() {
                thrown += bytes;
            }
            if broken || thrown > DRAINED_BYTES {
                return;
            }
        }
    }
}
