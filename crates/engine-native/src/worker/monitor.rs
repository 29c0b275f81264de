//! The worker's monitoring interface: HTTP on loopback, for whoever knows the run's token.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use domain::error::{Culprit, Failure};
use domain::worker::{Command, RunFolder, WorkerAddress};
use subtle::ConstantTimeEq;

use super::folder::token;
use super::live::Live;
use crate::files::write_json;
use crate::limits::ENFORCED_BY;

struct Monitor {
    live: Arc<Live>,
    expected: String,
}

/// Listens, and says where in the run folder.
pub async fn start(
    folder: &RunFolder,
    attempt: u32,
    live: Arc<Live>,
) -> Result<ServerHandle, Failure> {
    let monitor = web::Data::new(Monitor {
        live,
        expected: format!("Bearer {}", token(folder)?),
    });
    let listener = TcpListener::bind("127.0.0.1:0").map_err(cannot_listen)?;
    let url = format!("http://{}", listener.local_addr().map_err(cannot_listen)?);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(monitor.clone())
            .route("/v1/status", web::get().to(status))
            .route("/v1/{command}", web::post().to(command))
    })
    .workers(1)
    .disable_signals()
    .listen(listener)
    .map_err(cannot_listen)?
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    let address = WorkerAddress {
        pid: std::process::id(),
        attempt,
        url,
        limits_by: ENFORCED_BY.into(),
    };
    write_json(&folder.address(), &address)?;
    Ok(handle)
}

fn cannot_listen(error: std::io::Error) -> Failure {
    let message = format!("the worker's monitoring cannot listen on loopback: {error}");
    Failure::transient(
        "monitor_cannot_listen",
        Culprit::Platform,
        message,
        "look at the host's limits of open files and ports",
    )
}

impl Monitor {
    /// Lets a manager in, and notes that it has asked.
    fn admits(&self, request: &HttpRequest) -> bool {
        let given = request
            .headers()
            .get(AUTHORIZATION)
            .map_or(&b""[..], |value| value.as_bytes());
        let known = bool::from(given.ct_eq(self.expected.as_bytes()));
        if known {
            self.live.asked();
        }
        known
    }
}

async fn status(request: HttpRequest, monitor: web::Data<Monitor>) -> HttpResponse {
    if !monitor.admits(&request) {
        return HttpResponse::Unauthorized().finish();
    }
    HttpResponse::Ok().json(monitor.live.status())
}

async fn command(
    request: HttpRequest,
    command: web::Path<Command>,
    monitor: web::Data<Monitor>,
) -> HttpResponse {
    if !monitor.admits(&request) {
        return HttpResponse::Unauthorized().finish();
    }
    monitor.live.obey(command.into_inner());
    HttpResponse::NoContent().finish()
}
