//! Accepts clients and hands out their windows.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};
use tracing::{debug, info, warn};

use crate::{
    BindError, Config, Window,
    connection::{Closed, Connection},
    tls,
};

/// How long a client may take for the TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Pause after the system refused a connection, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A listener and its connections. Dropped, it accepts nobody any more; windows not taken yet are given up, those
/// taken can still be acknowledged.
#[derive(Debug)]
pub struct Listener {
    address: SocketAddr,
    windows: mpsc::Receiver<Window>,
    tasks: TaskTracker,
    stop: DropGuard,
}

impl Listener {
    /// Listens, from now on, within the current tokio runtime.
    pub async fn bind(config: Config) -> Result<Self, BindError> {
        let tls = config.tls.as_ref().map(tls::acceptor).transpose()?;
        let refused = |source| BindError::Address {
            address: format!("{}:{}", config.host, config.port),
            source,
        };
        let listener = TcpListener::bind((config.host.as_str(), config.port))
            .await
            .map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        info!(%address, tls = tls.is_some(), "listening for beats");

        let (sender, windows) = mpsc::channel(config.queue.max(1));
        let tasks = TaskTracker::new();
        let stop = CancellationToken::new();
        let acceptor = Acceptor {
            listener,
            tls,
            permits: Arc::new(Semaphore::new(
                config.limits.connections.min(Semaphore::MAX_PERMITS),
            )),
            config,
            windows: sender,
            tasks: tasks.clone(),
            stop: stop.clone(),
        };
        tasks.spawn(acceptor.run());
        Ok(Self {
            address,
            windows,
            tasks,
            stop: stop.drop_guard(),
        })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The next whole window of any client; `None` when it was [stopped](Self::stop) and there are no more. Loses
    /// nothing when it is cancelled.
    pub async fn next(&mut self) -> Option<Window> {
        self.windows.recv().await
    }

    /// Accepts no more clients and reads no more windows. Those read already still come from [`next`](Self::next).
    pub fn stop(&self) {
        self.stop.token().cancel();
    }

    /// Stops, gives up the windows that were not taken, and waits until those taken are acknowledged (or dropped) and
    /// all connections are closed.
    pub async fn close(self) {
        let Self {
            windows,
            tasks,
            stop,
            ..
        } = self;
        drop((stop, windows));
        tasks.close();
        tasks.wait().await;
    }
}

/// The task that accepts clients.
struct Acceptor {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    permits: Arc<Semaphore>,
    config: Config,
    windows: mpsc::Sender<Window>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Acceptor {
    async fn run(self) {
        while let Some(accepted) = self.stop.run_until_cancelled(self.listener.accept()).await {
            match accepted {
                Ok((stream, peer)) => self.welcome(stream, peer),
                Err(error) => {
                    warn!(%error, "a client could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Serves a client in a task of its own, unless there are too many.
    fn welcome(&self, stream: TcpStream, peer: SocketAddr) {
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            let limit = self.config.limits.connections;
            warn!(%peer, limit, "a client was turned away: too many connections");
            return;
        };
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%peer, %error, "acknowledgements may be late");
        }
        let (config, windows) = (self.config.clone(), self.windows.clone());
        let (tls, stop) = (self.tls.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            let served = match tls {
                None => serve(stream, peer, &config, windows, stop).await,
                Some(tls) => match handshake(&tls, stream, &stop).await {
                    Ok(stream) => serve(stream, peer, &config, windows, stop).await,
                    Err(error) => Err(error.into()),
                },
            };
            report(peer, served);
            drop(permit);
        });
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    config: &Config,
    windows: mpsc::Sender<Window>,
    stop: CancellationToken,
) -> Result<(), Closed> {
    debug!(%peer, "client connected");
    Connection::new(stream, peer, config, windows)
        .serve(stop)
        .await
}

async fn handshake(
    tls: &TlsAcceptor,
    stream: TcpStream,
    stop: &CancellationToken,
) -> io::Result<tokio_rustls::server::TlsStream<TcpStream>> {
    let accepted = timeout(HANDSHAKE_TIMEOUT, tls.accept(stream));
    match stop.run_until_cancelled(accepted).await {
        Some(Ok(accepted)) => accepted,
        Some(Err(_)) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "the TLS handshake took too long",
        )),
        None => Err(io::Error::new(
            io::ErrorKind::Interrupted,
            "stopped during the TLS handshake",
        )),
    }
}

/// Clients come and go; only what somebody should look into is a warning.
fn report(peer: SocketAddr, served: Result<(), Closed>) {
    match served {
        Ok(()) => debug!(%peer, "client disconnected"),
        Err(Closed::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
            warn!(%peer, %error, "connection closed: TLS failed");
        }
        Err(Closed::Protocol(error)) => warn!(%peer, %error, "connection closed"),
        Err(error) => debug!(%peer, %error, "connection closed"),
    }
}
