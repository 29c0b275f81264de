//! One client: reads windows, hands them out, sends acknowledgements in the order of the windows.

use std::{collections::VecDeque, io, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::mpsc::{self, error::SendError},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{
    Config, ProtocolError, Window,
    batch::Assembler,
    frame::Parser,
    window::{Ack, Pending, Progress},
};

/// Windows of one connection that may wait for their acknowledgement, as many as a beat sends ahead (its `pipelining`).
pub const WINDOWS_IN_FLIGHT: usize = 2;

/// Room for every read.
const READ_BYTES: usize = 64 << 10;

/// How long a closed connection is still read, so that the last acknowledgement is not lost to a reset.
const LINGER: Duration = Duration::from_secs(1);

/// Why a connection was closed, when it was not the client who did it in good order.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Closed {
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("its window was not acknowledged, it is to send again")]
    Abandoned,
    #[error("nothing was read or written for {0:?}")]
    Inactive(Duration),
    #[error("it takes no acknowledgements")]
    Stuck,
}

/// A client's connection over plain TCP or TLS.
pub(crate) struct Connection<S> {
    stream: S,
    peer: SocketAddr,
    inactivity_timeout: Duration,
    keep_alive: Duration,
    parser: Parser,
    assembler: Assembler,
    /// Read, and waiting for room in the queue.
    offered: Option<Window>,
    /// Where windows go; `None` when no more will.
    windows: Option<mpsc::Sender<Window>>,
    /// Read, and not acknowledged yet; the offered one is the last of them.
    in_flight: VecDeque<Pending>,
    /// When something was last read.
    heard: Instant,
    /// When something was last written, or the client began to wait for it.
    spoke: Instant,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub fn new(
        stream: S,
        peer: SocketAddr,
        config: &Config,
        windows: mpsc::Sender<Window>,
    ) -> Self {
        Self {
            stream,
            peer,
            inactivity_timeout: sane(config.client_inactivity_timeout),
            keep_alive: sane(config.keep_alive),
            parser: Parser::new(config.limits),
            assembler: Assembler::new(&config.limits),
            offered: None,
            windows: Some(windows),
            in_flight: VecDeque::new(),
            heard: Instant::now(),
            spoke: Instant::now(),
        }
    }

    /// Serves the client until it leaves, breaks the protocol, a window is given up, or `stop` is given and all its
    /// windows are acknowledged.
    pub async fn serve(mut self, stop: CancellationToken) -> Result<(), Closed> {
        let served = self.converse(&stop).await;
        if matches!(served, Ok(()) | Err(Closed::Abandoned)) {
            self.close().await;
        }
        served
    }

    async fn converse(&mut self, stop: &CancellationToken) -> Result<(), Closed> {
        while !(stop.is_cancelled() && self.in_flight.is_empty()) {
            if !stop.is_cancelled() {
                self.take_windows().await?;
            }
            if !self.step(stop).await? {
                break;
            }
        }
        Ok(())
    }

    /// Takes from what was read as many windows as may be in flight.
    async fn take_windows(&mut self) -> Result<(), Closed> {
        while self.has_room() {
            let Some(frame) = self.parser.next_frame()? else {
                break;
            };
            let Some(batch) = self.assembler.push(frame)? else {
                continue;
            };
            if batch.events.is_empty() {
                self.send(Ack {
                    version: batch.version,
                    sequence: 0,
                })
                .await?;
                continue;
            }
            debug!(peer = %self.peer, events = batch.events.len(), "window received");
            if self.in_flight.is_empty() {
                self.spoke = Instant::now();
            }
            let (window, pending) = Pending::new(batch, self.peer);
            self.offered = Some(window);
            self.in_flight.push_back(pending);
        }
        Ok(())
    }

    /// Whether another window may be read.
    fn has_room(&self) -> bool {
        self.offered.is_none() && self.in_flight.len() < WINDOWS_IN_FLIGHT
    }

    /// Waits for the next thing to happen and does it; false when the client has left.
    async fn step(&mut self, stop: &CancellationToken) -> Result<bool, Closed> {
        let stopping = stop.is_cancelled();
        if stopping && self.offered.is_none() {
            self.windows = None;
        }
        let reading = self.has_room() && !stopping;
        let deadline = self.deadline();
        self.parser
            .buffer()
            .reserve(if reading { READ_BYTES } else { 0 });
        tokio::select! {
            read = self.stream.read_buf(self.parser.buffer()), if reading => {
                self.heard = Instant::now();
                return Ok(read? > 0);
            }
            permit = permit(self.windows.clone()), if self.offered.is_some() => {
                // nobody takes windows any more: it is dropped, as if the consumer had done so
                if let (Some(window), Ok(permit)) = (self.offered.take(), permit) {
                    permit.send(window);
                }
            }
            progress = progress(self.in_flight.front_mut()), if !self.in_flight.is_empty() => {
                let progress = progress.ok_or(Closed::Abandoned)?;
                self.send(progress.ack).await?;
                if progress.whole {
                    self.in_flight.pop_front();
                }
            }
            () = sleep_until(deadline) => match self.in_flight.front() {
                Some(pending) => self.send(pending.last_told()).await?,
                None => return Err(Closed::Inactive(self.inactivity_timeout)),
            },
            () = stop.cancelled(), if !stopping => {}
        }
        Ok(true)
    }

    /// When it is time for a keep-alive, or without a window in flight to close.
    fn deadline(&self) -> Instant {
        if self.in_flight.is_empty() {
            self.heard.max(self.spoke) + self.inactivity_timeout
        } else {
            self.spoke + self.keep_alive
        }
    }

    async fn send(&mut self, ack: Ack) -> Result<(), Closed> {
        let bytes = ack.to_bytes();
        let sent = timeout(self.inactivity_timeout, async {
            self.stream.write_all(&bytes).await?;
            self.stream.flush().await
        });
        sent.await.map_err(|_| Closed::Stuck)??;
        self.spoke = Instant::now();
        Ok(())
    }

    /// Ends the connection in good order: what the client sent meanwhile is read and forgotten.
    async fn close(mut self) {
        self.windows = None;
        let mut rest = tokio::io::sink();
        let farewell = async {
            self.stream.shutdown().await?;
            tokio::io::copy(&mut self.stream, &mut rest).await
        };
        // in vain when the client is gone or does not listen; there is nothing left to tell it
        let _ = timeout(LINGER, farewell).await;
    }
}

/// Neither a busy loop nor beyond what a clock can tell.
fn sane(period: Duration) -> Duration {
    period.clamp(
        Duration::from_millis(1),
        Duration::from_secs(365 * 24 * 60 * 60),
    )
}

/// Room in the queue.
async fn permit(
    windows: Option<mpsc::Sender<Window>>,
) -> Result<mpsc::OwnedPermit<Window>, SendError<()>> {
    match windows {
        Some(windows) => windows.reserve_owned().await,
        None => Err(SendError(())),
    }
}

/// Progress of the oldest window in flight.
async fn progress(oldest: Option<&mut Pending>) -> Option<Progress> {
    match oldest {
        Some(pending) => pending.progress().await,
        None => std::future::pending().await,
    }
}
