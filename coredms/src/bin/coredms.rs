//! The embedded core DMS as a process of its own.

use clap::Parser;
use coredms::server::{ServerOptions, run};
use std::{net::SocketAddr, path::PathBuf, process::ExitCode};
use tokio::signal::unix::{SignalKind, signal};

/// Serves a directory by the Elasticsearch HTTP API.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    /// The data directory; made if it does not exist. Belongs to one process.
    #[arg(long)]
    data: PathBuf,
    /// Where to listen; port 0 takes a free one. The actual address is written to DIR/http.address.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// A file with the key that every request must show as `Authorization: ApiKey <key>`.
    #[arg(long)]
    api_key_file: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "info,tantivy=warn".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match serve(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("coredms: {reason}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), String> {
    let api_key = match &arguments.api_key_file {
        None => None,
        Some(path) => {
            let key = std::fs::read_to_string(path)
                .map_err(|e| format!("key file {}: {e}", path.display()))?;
            let key = key.trim().to_owned();
            if key.is_empty() {
                return Err(format!("key file {} is empty", path.display()));
            }
            Some(key)
        }
    };
    let watch = |kind| signal(kind).map_err(|e| format!("signals: {e}"));
    let (mut terminate, mut interrupt) = (
        watch(SignalKind::terminate())?,
        watch(SignalKind::interrupt())?,
    );
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let options = ServerOptions {
        data: arguments.data,
        listen: arguments.listen,
        api_key,
    };
    run(options, stop).await.map_err(|e| e.to_string())
}
