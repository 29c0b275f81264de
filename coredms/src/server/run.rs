//! Starting and stopping: the directory's lock, the address file, the drain.

use super::{
    http,
    store::{Store, replace},
};
use actix_web::{App, HttpServer, dev::ServerHandle, web};
use std::{
    fs::{File, TryLockError},
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

/// How long requests under way may take after the stop signal, seconds.
const DRAIN_SECONDS: u64 = 30;
/// How long the directory's lock is waited for: a server that was killed holds it until the system has taken back its
/// memory.
const LOCK_LIMIT: Duration = Duration::from_secs(5);
/// So often it is tried.
const LOCK_LOOK: Duration = Duration::from_millis(20);
/// An index that was not written to for this long is committed, and its writer's memory freed.
const IDLE: Duration = Duration::from_secs(5);

/// What a server is started with.
#[derive(Clone)]
pub struct ServerOptions {
    /// The data directory; made if it does not exist.
    pub data: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The key that every request must show as `Authorization: ApiKey <key>`.
    pub api_key: Option<String>,
}

impl std::fmt::Debug for ServerOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = self.api_key.as_ref().map(|_| "***");
        f.debug_struct("ServerOptions")
            .field("data", &self.data)
            .field("listen", &self.listen)
            .field("api_key", &key)
            .finish()
    }
}

/// Why a server could not start or ended badly.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Another process serves the directory.
    #[error("{} is in use by another process: stop it, or choose another data directory", .0.display())]
    Locked(PathBuf),
    /// The directory cannot be used.
    #[error("data directory {}: {source}", directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// What the system reported.
        source: io::Error,
    },
    /// The data cannot be opened.
    #[error("data directory {}: {reason}", directory.display())]
    Data {
        /// The directory.
        directory: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system reported.
        source: io::Error,
    },
    /// The server ended by itself.
    #[error("the server ended: {0}")]
    Ended(io::Error),
}

/// A started server: it has the directory and answers requests.
pub struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    task: tokio::task::JoinHandle<io::Result<()>>,
    store: Arc<Store>,
    _lock: File,
}

impl Server {
    /// Takes the directory, opens what is in it, and listens. The actual address is then in
    /// `http.address` there.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub async fn start(options: ServerOptions) -> Result<Self, ServerError> {
        let directory = options.data.clone();
        let opened = tokio::task::spawn_blocking(move || open(&directory)).await;
        let (lock, store) = opened.map_err(|e| ServerError::Ended(io::Error::other(e)))??;
        let listen = |source| ServerError::Listen {
            address: options.listen,
            source,
        };
        let listener = TcpListener::bind(options.listen).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let app = web::Data::new(http::App::new(store.clone(), options.api_key));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(app.clone())
                .default_service(web::to(http::handle))
        })
        .workers(2)
        .disable_signals()
        .shutdown_timeout(DRAIN_SECONDS)
        .listen(listener)
        .map_err(listen)?
        .run();
        let handle = server.handle();
        let task = tokio::spawn(server);
        replace(
            &options.data.join("http.address"),
            address.to_string().as_bytes(),
        )
        .map_err(|source| ServerError::Directory {
            directory: options.data.clone(),
            source,
        })?;
        tracing::info!(%address, data = %options.data.display(), "core DMS is ready");
        Ok(Self {
            address,
            handle,
            task,
            store,
            _lock: lock,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` resolves, then lets requests under way finish and commits.
    ///
    /// # Errors
    /// When the server ended before.
    pub async fn run_until(mut self, stop: impl Future<Output = ()>) -> Result<(), ServerError> {
        tokio::pin!(stop);
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                () = &mut stop => break,
                ended = &mut self.task => {
                    let outcome = ended.map_err(io::Error::other).and_then(|outcome| outcome);
                    return Err(ServerError::Ended(outcome.err().unwrap_or_else(|| io::Error::other("without a reason"))));
                }
                _ = ticks.tick() => self.rest(IDLE).await?,
            }
        }
        tracing::info!("core DMS drains");
        self.handle.stop(true).await;
        self.rest(Duration::ZERO).await?;
        tracing::info!("core DMS has stopped");
        Ok(())
    }

    async fn rest(&self, idle: Duration) -> Result<(), ServerError> {
        let store = self.store.clone();
        let rest = tokio::task::spawn_blocking(move || store.rest(idle)).await;
        rest.map_err(|e| ServerError::Ended(io::Error::other(e)))
    }
}

/// Serves `options.data` until `stop` resolves.
///
/// # Errors
/// See [`ServerError`].
pub async fn run(
    options: ServerOptions,
    stop: impl Future<Output = ()>,
) -> Result<(), ServerError> {
    Server::start(options).await?.run_until(stop).await
}

fn open(directory: &Path) -> Result<(File, Arc<Store>), ServerError> {
    let at = |source| ServerError::Directory {
        directory: directory.into(),
        source,
    };
    std::fs::create_dir_all(directory).map_err(at)?;
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(directory.join("lock"))
        .map_err(at)?;
    let limit = Instant::now() + LOCK_LIMIT;
    loop {
        match lock.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if Instant::now() < limit => {
                std::thread::sleep(LOCK_LOOK);
            }
            Err(TryLockError::WouldBlock) => return Err(ServerError::Locked(directory.into())),
            Err(TryLockError::Error(source)) => return Err(at(source)),
        }
    }
    // A stale address must not be taken for this server's.
    match std::fs::remove_file(directory.join("http.address")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(error)),
        _ => {}
    }
    let store = Store::open(directory).map_err(|error| ServerError::Data {
        directory: directory.into(),
        reason: error.reason,
    })?;
    Ok((lock, Arc::new(store)))
}
