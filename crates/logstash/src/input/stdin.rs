//! `stdin`: the pipeline ends when standard input does.

use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use wrangling::{EcsCompatibility, Field, Violation};

use super::{Feed, Input, InputContext, codec};
use crate::codec::Decoder;
use crate::event::hostname;
use crate::options::Options;

/// So much is read at once.
const CHUNK: usize = 16 << 10;
/// So often it is looked whether to end, and whether a silence is over.
const LOOK: Duration = Duration::from_millis(100);

/// Reads standard input.
#[derive(Debug)]
pub struct Stdin {
    decoder: Decoder,
    defaults: Arc<[(String, Field)]>,
}

impl Stdin {
    pub fn compile(options: Options<'_>, context: &InputContext) -> Result<Self, Violation> {
        let field = match options.ecs(context.ecs)? {
            EcsCompatibility::V8 => "[host][hostname]",
            EcsCompatibility::Disabled => "host",
        };
        Ok(Self {
            decoder: codec(options, "line", true, context)?,
            defaults: [(field.to_owned(), hostname().into())].into(),
        })
    }
}

impl Input for Stdin {
    fn run(mut self: Box<Self>, feed: Feed) {
        let chunks = chunks();
        let (mut events, mut heard) = (Vec::new(), Instant::now());
        loop {
            match chunks.recv_timeout(LOOK) {
                Ok(chunk) => {
                    heard = Instant::now();
                    self.decoder.decode(&chunk, &mut events);
                }
                Err(RecvTimeoutError::Timeout) => {
                    let silence = self.decoder.auto_flush();
                    if silence.is_some_and(|silence| heard.elapsed() >= silence) {
                        self.decoder.flush(&mut events);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            feed.send(&mut events, &self.defaults);
            if feed.is_stopped() {
                break;
            }
        }
        self.decoder.flush(&mut events);
        feed.send(&mut events, &self.defaults);
    }
}

/// What standard input has, read in a thread: a read cannot be interrupted, so it is left behind when the process ends.
fn chunks() -> Receiver<Vec<u8>> {
    let (sender, chunks) = sync_channel(4);
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        let mut buffer = vec![0; CHUNK];
        while let Ok(read @ 1..) = stdin.read(&mut buffer) {
            let chunk = buffer.get(..read).unwrap_or_default().to_vec();
            if sender.send(chunk).is_err() {
                break;
            }
        }
    });
    chunks
}
