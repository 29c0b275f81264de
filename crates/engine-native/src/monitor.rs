//! The monitoring interface: a worker's status, and the commands it obeys, on a socket of the loopback that asks for the
//! run's token.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use actix_web::http::header::AUTHORIZATION;
use actix_web::web::{self, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use domain::worker::Command;
use subtle::ConstantTimeEq;

use crate::live::Live;

/// What the handlers know.
struct Monitor {
    live: Arc<Live>,
    token: String,
}

impl Monitor {
    /// Whether the request bears the run's token; if it does, a manager is there.
    fn admits(&self, request: &HttpRequest) -> bool {
        let header = request.headers().get(AUTHORIZATION).map(|value| value.as_bytes()).unwrap_or_default();
        let bearer = header.strip_prefix(b"Bearer ").unwrap_or_default();
        let admitted = !self.token.is_empty() && bool::from(bearer.ct_eq(self.token.as_bytes()));
        if admitted {
            self.live.contacted();
        }
        admitted
    }
}

/// Serves until the process ends; gives the address.
pub fn serve(live: Arc<Live>, token: String) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let monitor = Data::new(Monitor { live: Arc::clone(&live), token });
    let server = move || {
        App::new()
            .app_data(monitor.clone())
            .route("/v1/status", web::get().to(status))
            .route("/v1/{command}", web::post().to(command))
    };
    let serve = move || {
        let running = HttpServer::new(server).workers(1).disable_signals().shutdown_timeout(0).listen(listener);
        running.and_then(|server| actix_web::rt::System::new().block_on(server))
    };
    thread::Builder::new().name("monitor".into()).spawn(move || {
        if let Err(error) = serve() {
            live.control.fail(crate::worker_defect(&format!("the monitoring interface ended: {error}")));
        }
    })?;
    Ok(address)
}

async fn status(monitor: Data<Monitor>, request: HttpRequest) -> HttpResponse {
    if !monitor.admits(&request) {
        return HttpResponse::Unauthorized().finish();
    }
    HttpResponse::Ok().json(monitor.live.status())
}

async fn command(monitor: Data<Monitor>, request: HttpRequest, command: web::Path<Command>) -> HttpResponse {
    if !monitor.admits(&request) {
        return HttpResponse::Unauthorized().finish();
    }
    monitor.live.obey(command.into_inner());
    HttpResponse::NoContent().finish()
}
