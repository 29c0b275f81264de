//! A proxy between two processes on loopback that delays, cuts, loses answers, or answers itself, by a schedule.
//!
//! It runs on threads of its own, so that any test can use it. With HTTP a fault is decided for each request (answers
//! are passed on when they are complete); without, for each connection.

pub mod faults;
mod line;

use std::{
    io,
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread::{self, JoinHandle},
};

pub use faults::{Exchange, Fault, Schedule};

/// A running proxy; ends, with all its connections, when dropped.
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http,
    Any,
}

struct Shared {
    upstream: SocketAddr,
    protocol: Protocol,
    schedule: Mutex<Schedule>,
    exchanges: AtomicU64,
    faults: AtomicU64,
    down: AtomicBool,
    ended: AtomicBool,
    /// Both ends of every connection, to cut them.
    open: Mutex<Vec<TcpStream>>,
}

impl FaultProxy {
    /// Starts one in front of an HTTP server: `upstream` is its address or base URL.
    ///
    /// # Errors
    /// When `upstream` is no address of 127.0.0.1, or no port is free.
    pub fn http(upstream: &str, schedule: Schedule) -> io::Result<Self> {
        Self::start(upstream, Protocol::Http, schedule)
    }

    /// Starts one in front of a server of any other protocol.
    ///
    /// # Errors
    /// As [`FaultProxy::http`].
    pub fn tcp(upstream: &str, schedule: Schedule) -> io::Result<Self> {
        Self::start(upstream, Protocol::Any, schedule)
    }

    fn start(upstream: &str, protocol: Protocol, schedule: Schedule) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let shared = Arc::new(Shared {
            upstream: loopback(upstream)?,
            protocol,
            schedule: Mutex::new(schedule),
            exchanges: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            down: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            open: Mutex::new(Vec::new()),
        });
        Ok(Self {
            address: listener.local_addr()?,
            accepting: Some(thread::spawn({
                let shared = Arc::clone(&shared);
                move || accept(&listener, &shared)
            })),
            shared,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Base URL for an HTTP client.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Goes on by another schedule.
    pub fn set_schedule(&self, schedule: Schedule) {
        *lock(&self.shared.schedule) = schedule;
    }

    /// Down: every connection is cut, and new ones are closed at once. Up again: as before.
    pub fn set_down(&self, down: bool) {
        self.shared.down.store(down, SeqCst);
        if down {
            self.shared.cut_all();
        }
    }

    /// How many exchanges a schedule has decided about.
    pub fn exchanges(&self) -> u64 {
        self.shared.exchanges.load(SeqCst)
    }

    /// How many of them did not simply pass.
    pub fn faults(&self) -> u64 {
        self.shared.faults.load(SeqCst)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, SeqCst);
        // wakes the thread that waits for connections
        let woken = TcpStream::connect(self.address).is_ok();
        if let Some(accepting) = self.accepting.take()
            && woken
        {
            let _ended = accepting.join();
        }
        self.shared.cut_all();
    }
}

impl Shared {
    fn decide(&self, method: String, target: String) -> Fault {
        // one lock for both: exchanges are numbered in the order in which they are decided
        let mut schedule = lock(&self.schedule);
        let number = self.exchanges.fetch_add(1, SeqCst) + 1;
        let fault = schedule(&Exchange {
            number,
            method,
            target,
        });
        if fault != Fault::Pass {
            self.faults.fetch_add(1, SeqCst);
        }
        fault
    }

    fn cut_all(&self) {
        for stream in lock(&self.open).drain(..) {
            cut(&stream);
        }
    }

    /// Remembers a stream, so that it can be cut; false when that has to happen now.
    fn remember(&self, stream: &TcpStream) -> io::Result<bool> {
        let mut open = lock(&self.open);
        open.retain(|stream| stream.peer_addr().is_ok());
        open.push(stream.try_clone()?);
        Ok(!self.down.load(SeqCst) && !self.ended.load(SeqCst))
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.ended.load(SeqCst) {
            return;
        }
        let (Ok(client), false) = (client, shared.down.load(SeqCst)) else {
            continue;
        };
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            // an error is the end of one side: the other one must see it too
            let _error = line::serve(&client, &shared);
            cut(&client);
        });
    }
}

fn cut(stream: &TcpStream) {
    // fails when the other side was first
    let _already_closed = stream.shutdown(Shutdown::Both);
}

fn loopback(upstream: &str) -> io::Result<SocketAddr> {
    let wrong = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
    let address = upstream
        .split_once("://")
        .map_or(upstream, |(_, rest)| rest);
    let address = address.split('/').next().unwrap_or_default();
    let address = address.replace("localhost", "127.0.0.1");
    let address: SocketAddr = address
        .parse()
        .map_err(|error| wrong(format!("{upstream}: {error}")))?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(wrong(format!("{upstream} is not on this machine")))
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
