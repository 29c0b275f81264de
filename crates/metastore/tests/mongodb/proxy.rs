//! A TCP proxy that loses things on purpose.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What is lost.
#[derive(Clone, PartialEq)]
enum Mode {
    /// Nothing.
    Pass,
    /// Everything.
    Swallow,
    /// The answer to the next request that holds these bytes; its connection is cut.
    LoseAnswerTo(Vec<u8>),
}

/// A proxy; it ends when it is dropped.
pub struct Proxy {
    pub address: SocketAddr,
    mode: Arc<Mutex<Mode>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mode = Arc::new(Mutex::new(Mode::Pass));
        let (server, shared) = (server.to_owned(), mode.clone());
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server.clone(), shared.clone()));
            }
        });
        Self {
            address,
            mode,
            accepting,
        }
    }

    /// From now on nothing comes through.
    pub fn swallow(&self) {
        *self.mode.lock().expect("a lock") = Mode::Swallow;
    }

    /// The next request with `marker` reaches the server; its answer is lost.
    pub fn lose_answer_to(&self, marker: &str) {
        *self.mode.lock().expect("a lock") = Mode::LoseAnswerTo(marker.as_bytes().to_vec());
    }

    /// Whether the answer was lost that was to be lost.
    pub fn lost_one(&self) -> bool {
        *self.mode.lock().expect("a lock") == Mode::Pass
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(client: TcpStream, server: String, mode: Arc<Mutex<Mode>>) {
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let lose = Arc::new(Mutex::new(false));
    let answers = tokio::spawn(answers(from_server, to_client, mode.clone(), lose.clone()));
    requests(from_client, to_server, mode, lose).await;
    answers.abort();
}

async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mode: Arc<Mutex<Mode>>,
    lose: Arc<Mutex<bool>>,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        {
            let mut mode = mode.lock().expect("a lock");
            match &*mode {
                Mode::Swallow => continue,
                Mode::LoseAnswerTo(marker)
                    if buffer[..n].windows(marker.len()).any(|w| w == marker) =>
                {
                    *lose.lock().expect("a lock") = true;
                    *mode = Mode::Pass;
                }
                Mode::Pass | Mode::LoseAnswerTo(_) => {}
            }
        }
        if to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
}

async fn answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mode: Arc<Mutex<Mode>>,
    lose: Arc<Mutex<bool>>,
) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        if *mode.lock().expect("a lock") == Mode::Swallow {
            continue;
        }
        if *lose.lock().expect("a lock") {
            drop(to.shutdown().await);
            return;
        }
        if to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
}
