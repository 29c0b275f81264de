//! `nullsink`: a `_bulk` sink that counts and acknowledges, to measure what is in front of it.

use std::{io, num::NonZeroU64, thread, time::Duration};

use clap::Parser;
use testkit::nullsink::{NullSink, Options};

/// Takes Elasticsearch's `_bulk`, counts the documents, acknowledges them, and forgets them.
///
/// GET /_sink/stats tells the counts, POST /_sink/reset sets them to 0.
#[derive(Parser)]
struct Args {
    /// Address to listen on; port 0 is any free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
    /// Milliseconds to take over each _bulk.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Answer every N-th _bulk with 429.
    #[arg(long, value_name = "N")]
    status_429_every: Option<NonZeroU64>,
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    let options = Options {
        latency: Duration::from_millis(args.latency_ms),
        status_429_every: args.status_429_every.map_or(0, NonZeroU64::get),
    };
    let sink = NullSink::start(&args.listen, options)?;
    println!("http://{}", sink.address);
    loop {
        thread::park();
    }
}
