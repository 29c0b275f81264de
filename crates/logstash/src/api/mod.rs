//! The HTTP API, in the shapes that Logstash documents.

mod shapes;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

use shapes::{by_id, events, health, node_stats, pipelines, root, with};

use crate::settings::Settings;
use crate::stats::PipelineStats;

/// Takes the first free port of those allowed.
///
/// # Errors
/// When none is free.
pub fn listen(settings: &Settings) -> io::Result<TcpListener> {
    let mut last = io::Error::other("no port is allowed");
    for port in settings.api_ports.clone() {
        match TcpListener::bind((settings.api_host.as_str(), port)) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    let ports = &settings.api_ports;
    let place = format!("{}:{}-{}", settings.api_host, ports.start(), ports.end());
    Err(io::Error::new(
        last.kind(),
        format!("the API cannot listen at {place}: {last}"),
    ))
}

/// The API in a thread of its own.
#[derive(Debug)]
pub struct Api {
    handle: Option<ServerHandle>,
    thread: JoinHandle<()>,
}

impl Api {
    /// Serves the API.
    pub fn start(listener: TcpListener, stats: Arc<PipelineStats>) -> Self {
        let (sender, handle) = sync_channel(1);
        let thread = std::thread::spawn(move || {
            let served = actix_web::rt::System::new().block_on(async move {
                let stats = web::Data::from(stats);
                let app = move || App::new().app_data(stats.clone()).configure(routes);
                let server = HttpServer::new(app)
                    .workers(1)
                    .disable_signals()
                    .listen(listener)?
                    .run();
                // nobody waits any more only if the pipeline has ended already
                let _sent = sender.send(server.handle());
                server.await
            });
            if let Err(error) = served {
                tracing::error!(%error, "the API has ended");
            }
        });
        let handle = handle.recv().ok();
        Self { handle, thread }
    }

    /// Whether it answers.
    pub fn is_running(&self) -> bool {
        self.handle.is_some() && !self.thread.is_finished()
    }

    /// Ends it.
    pub fn stop(self) {
        if let Some(handle) = self.handle {
            // told to end at once: requests are answered from memory
            drop(handle.stop(false));
        }
    }
}

type Stats = web::Data<PipelineStats>;

fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/", web::get().to(|stats: Stats| answer(root(&stats))))
        .route(
            "/_node",
            web::get().to(|stats: Stats| answer(with(&stats, "pipelines", pipelines(&stats)))),
        )
        .route(
            "/_node/pipelines",
            web::get().to(|stats: Stats| answer(with(&stats, "pipelines", pipelines(&stats)))),
        )
        .route(
            "/_node/stats",
            web::get().to(|stats: Stats| answer(node_stats(&stats))),
        )
        .route(
            "/_node/stats/events",
            web::get().to(|stats: Stats| answer(with(&stats, "events", events(&stats)))),
        )
        .route(
            "/_node/stats/pipelines",
            web::get().to(|stats: Stats| answer(with(&stats, "pipelines", by_id(&stats)))),
        )
        .route("/_node/stats/pipelines/{id}", web::get().to(one_pipeline))
        .route(
            "/_health_report",
            web::get().to(|stats: Stats| answer(health(&stats))),
        )
        .default_service(web::to(|path: actix_web::HttpRequest| {
            not_found(path.path().to_owned())
        }));
}

async fn answer(value: Value) -> HttpResponse {
    HttpResponse::Ok().json(value)
}

async fn not_found(path: String) -> HttpResponse {
    let error = json!({"path": path, "status": 404, "error": {"message": "Not Found"}});
    HttpResponse::NotFound().json(error)
}

async fn one_pipeline(id: web::Path<String>, stats: Stats) -> HttpResponse {
    match *id == stats.id {
        true => answer(with(&stats, "pipelines", by_id(&stats))).await,
        false => not_found(format!("/_node/stats/pipelines/{id}")).await,
    }
}
