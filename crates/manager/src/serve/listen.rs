//! The REST server: its socket, its threads, its patience.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::KeepAlive;
use actix_web::{App, HttpServer, web};
use rustls::ServerConfig;

use super::docs;
use crate::StartError;
use crate::http::{AppState, configure};

/// Threads that take requests. They only wait and pass on: two are enough.
const THREADS: usize = 2;
/// How long a request's head may take to arrive, and before that the handshake of TLS.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// How long a connection may stay open without a request.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long the other side may take to close a connection that is being closed.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);
/// Connections at once, for each thread.
const MAX_CONNECTIONS: usize = 2_000;

/// Takes the address.
pub(super) fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::AddressInUse { address },
        _ => StartError::CannotListen { address, source },
    })
}

/// A server on this socket; it stops when its handle says so.
pub(super) fn server(
    listener: TcpListener,
    tls: Option<ServerConfig>,
    state: web::Data<AppState>,
    grace: Duration,
) -> io::Result<Server> {
    let app = move || {
        App::new()
            .app_data(state.clone())
            .service(docs::redirect())
            .service(docs::pages())
            .configure(configure)
    };
    let server = HttpServer::new(app)
        .workers(THREADS)
        .max_connections(MAX_CONNECTIONS)
        .client_request_timeout(HEAD_LIMIT)
        .client_disconnect_timeout(CLOSE_LIMIT)
        .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
        .disable_signals()
        .shutdown_timeout(grace.as_secs().max(1))
        .tls_handshake_timeout(HEAD_LIMIT);
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    Ok(server.run())
}
