//! The core DMS as real servers on this machine, and the hidden command with which the platform serves its embedded one.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with the core DMS.
#[derive(Debug, Subcommand)]
pub enum CoreDmsCommand {
    /// Start Elasticsearch and Kibana in Docker, reachable from this machine only; keeps what is there already
    Up(CoreDmsUpArgs),
    /// Say how they are
    Status(CoreDmsPlace),
    /// Stop them; their data stays unless --volumes is given
    Down(CoreDmsDownArgs),
    /// The embedded core DMS; started by the manager
    #[command(hide = true)]
    Serve(CoreDmsArgs),
}

/// Where the compose file and the passwords are.
#[derive(Debug, Args)]
pub struct CoreDmsPlace {
    /// Folder of the compose file and the passwords [default: coredms-real in the home]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// How to start real servers.
#[derive(Debug, Args)]
pub struct CoreDmsUpArgs {
    /// Where
    #[command(flatten)]
    pub place: CoreDmsPlace,
    /// Port of Elasticsearch [default: 9200, or the one of before]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Port of Kibana [default: 5601, or the one of before]
    #[arg(long, value_name = "PORT")]
    pub kibana_port: Option<u16>,
    /// Give up after so many seconds without an answer; images are fetched before that begins to count
    #[arg(long, default_value_t = 300, value_name = "SECONDS")]
    pub wait: u64,
}

/// How to stop them.
#[derive(Debug, Args)]
pub struct CoreDmsDownArgs {
    /// Where
    #[command(flatten)]
    pub place: CoreDmsPlace,
    /// Remove their data too: every document, every dashboard
    #[arg(long)]
    pub volumes: bool,
    /// Do not ask
    #[arg(long, short, requires = "volumes")]
    pub yes: bool,
}

/// Arguments of the embedded core DMS.
#[derive(Debug, Args)]
pub struct CoreDmsArgs {
    /// The data directory; made if it does not exist
    #[arg(long)]
    pub data: PathBuf,
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// File with the key that every request must show
    #[arg(long)]
    pub api_key_file: Option<PathBuf>,
}
